# Test programs that run with the allocator inside; test/{api,race,fuzz} share this.
# With CHUNKY_OVERRIDE=OFF they are compiled for the chunky_ names (sanitizer builds).
# Once in each folder: its variables are for that folder only.
include_guard(DIRECTORY)

find_package(Threads REQUIRED)
set(support ${PROJECT_SOURCE_DIR}/test/support)
if(NOT TARGET test_support)
  add_library(test_support STATIC EXCLUDE_FROM_ALL
    ${support}/expect.c ${support}/pattern.c ${support}/proc.c ${support}/child.c
    ${support}/shadow.c)
  target_include_directories(test_support PUBLIC ${PROJECT_SOURCE_DIR}/test)
  target_link_libraries(test_support PUBLIC chunky_flags Threads::Threads)
endif()

# Builds that check everything at each call, or run slowly, do less of the same.
set(TEST_SCALE 100)
if(CHUNKY_CONFIG STREQUAL debug)
  set(TEST_SCALE 30)
elseif(NOT CHUNKY_CONFIG STREQUAL release)
  set(TEST_SCALE 2)
endif()
if(CHUNKY_SANITIZE AND TEST_SCALE GREATER 8)
  set(TEST_SCALE 8)
endif()

set(subject_env TEST_SCALE=${TEST_SCALE})
if(CHUNKY_CONFIG STREQUAL oom)
  list(APPEND subject_env TEST_OOM=1)
endif()
if(CHUNKY_SANITIZE MATCHES thread)
  list(APPEND subject_env "TSAN_OPTIONS=halt_on_error=1")
endif()

# subject_program(TARGET SOURCE [LINK shared|static|none] [FLAGS ...] [LIBS ...])
function(subject_program target source)
  cmake_parse_arguments(arg "" "LINK" "FLAGS;LIBS" ${ARGN})
  add_executable(${target} ${source})
  target_compile_definitions(${target} PRIVATE TEST_CHUNKY=1
    $<$<NOT:$<BOOL:${CHUNKY_OVERRIDE}>>:TEST_PREFIX=1>)
  if(CHUNKY_SANITIZE)
    target_compile_definitions(${target} PRIVATE TEST_SANITIZED=1)
  endif()
  # The calls are the test: the compiler may not merge, drop or judge them.
  target_compile_options(${target} PRIVATE -fno-builtin -Wno-deprecated-declarations
    ${arg_FLAGS})
  target_link_libraries(${target} PRIVATE test_support ${arg_LIBS})
  if(NOT arg_LINK)
    set(arg_LINK shared)
  endif()
  if(NOT CHUNKY_OVERRIDE)
    set(arg_LINK static)
  endif()
  if(arg_LINK STREQUAL shared)
    target_link_options(${target} PRIVATE -Wl,--no-as-needed)
    target_link_libraries(${target} PRIVATE chunky_shared)
  elseif(arg_LINK STREQUAL static)
    target_link_libraries(${target} PRIVATE chunky_static)
  endif()
endfunction()

# subject_test(LABEL NAME TARGET [SERIAL] [PRELOAD] [ENV a=b...] [ARGS ...])
# PRELOAD: the library comes in by LD_PRELOAD and not by linking.
function(subject_test label name target)
  cmake_parse_arguments(arg "SERIAL;PRELOAD" "" "ENV;ARGS" ${ARGN})
  set(env ${subject_env} ${arg_ENV})
  set(command $<TARGET_FILE:${target}> ${arg_ARGS})
  if(arg_PRELOAD)
    list(APPEND env LD_PRELOAD=$<TARGET_FILE:chunky_shared>)
  endif()
  set(serial)
  if(arg_SERIAL)
    set(serial SERIAL)
  endif()
  chunky_add_test(${label} ${name} ${serial} TIMEOUT 900 ENV ${env}
    COMMAND ${command})
endfunction()
