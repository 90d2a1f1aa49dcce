# chunky_flags: language, warnings, include path, configuration; for every C file of ours.
# chunky_engine_flags: what only the allocator itself needs.

add_library(chunky_flags INTERFACE)
target_include_directories(chunky_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(chunky_flags INTERFACE
  _GNU_SOURCE CHUNKY_OVERRIDE=$<BOOL:${CHUNKY_OVERRIDE}>)

set(c_only -Wstrict-prototypes -Wmissing-prototypes)
target_compile_options(chunky_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wundef -Wvla -Wcast-align
  "$<$<COMPILE_LANGUAGE:C>:${c_only}>"
  $<$<BOOL:${CHUNKY_WERROR}>:-Werror>)

if(NOT CHUNKY_CONFIG STREQUAL release)
  target_compile_definitions(chunky_flags INTERFACE CHUNKY_DEBUG=1)
endif()
if(NOT CHUNKY_CONFIG MATCHES "^(release|debug)$")
  target_compile_definitions(chunky_flags INTERFACE CHUNKY_AUDIT=1)
endif()
if(CHUNKY_CONFIG MATCHES "^(nocache|trim|grow|oom)$")
  string(TOUPPER ${CHUNKY_CONFIG} hard)
  target_compile_definitions(chunky_flags INTERFACE CHUNKY_HARD_${hard}=1)
endif()

if(CHUNKY_SANITIZE)
  set(sanitize -fsanitize=${CHUNKY_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  add_compile_options(${sanitize})  # everywhere: the program must bring the runtime
  add_link_options(${sanitize})
endif()

add_library(chunky_engine_flags INTERFACE)
target_link_libraries(chunky_engine_flags INTERFACE chunky_flags)
if(CHUNKY_CONFIG STREQUAL release)
  target_compile_definitions(chunky_engine_flags INTERFACE NDEBUG)
endif()
# Without -fno-builtin-*, gcc turns a calloc written as malloc and memset into a call of
# calloc, and both compilers may drop or merge calls of the functions defined here.
foreach(name malloc calloc realloc free aligned_alloc posix_memalign memalign valloc
        pvalloc reallocarray free_sized free_aligned_sized malloc_usable_size)
  target_compile_options(chunky_engine_flags INTERFACE -fno-builtin-${name})
endforeach()
target_compile_options(chunky_engine_flags INTERFACE
  -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-plt -ffunction-sections
  -fno-semantic-interposition -fasynchronous-unwind-tables)
# nodelete: threads hold pointers to our code (TLS destructors), so dlclose keeps it.
target_link_options(chunky_engine_flags INTERFACE
  -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete)
# clang leaves the sanitizers' own symbols to the program.
if(NOT CHUNKY_SANITIZE OR CMAKE_C_COMPILER_ID STREQUAL GNU)
  target_link_options(chunky_engine_flags INTERFACE -Wl,--no-undefined)
endif()
