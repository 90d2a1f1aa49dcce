# Cross-building for 64-bit Arm on Debian, tests run by qemu-user:
#   apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
#   cmake -S . -B build-aarch64 -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/aarch64.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
find_program(CHUNKY_CXX aarch64-linux-gnu-g++)
if(CHUNKY_CXX)
  set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
endif()
# A loader of one C library with another one's libc.so never gets anywhere.
set(libraries /usr/aarch64-linux-gnu)
if(EXISTS /lib/ld-linux-aarch64.so.1)
  set(libraries /)
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L ${libraries})
# Libraries of the other architecture: apt-get install libcmocka-dev:arm64
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
