# musl through Debian's wrapper: apt-get install musl-tools
#   cmake -S . -B build-musl -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/musl.cmake
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_HOST_SYSTEM_PROCESSOR})
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_CXX_COMPILER "")  # there is no C++ library for it
set(CMAKE_DISABLE_FIND_PACKAGE_PkgConfig ON)
