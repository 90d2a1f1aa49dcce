# The settings of one build tree. They are independent of CMAKE_BUILD_TYPE, which stays
# Release: what differs between our configurations is checks, hardly optimisation.

set(CHUNKY_CONFIG release CACHE STRING "release, debug, audit, nocache, trim, grow or oom")
set(CHUNKY_SANITIZE "" CACHE STRING "Comma list of address, undefined, thread")
option(CHUNKY_UNITY "Compile the library as one unit, src/chunky.c" ON)
option(CHUNKY_OVERRIDE "Export malloc, free, ... and not only chunky_malloc, ..." ON)
option(CHUNKY_WERROR "Warnings are errors" OFF)

set(known release debug audit nocache trim grow oom)
set_property(CACHE CHUNKY_CONFIG PROPERTY STRINGS ${known})
if(NOT CHUNKY_CONFIG IN_LIST known)
  message(FATAL_ERROR "CHUNKY_CONFIG=${CHUNKY_CONFIG}: not one of ${known}")
endif()

get_property(multi GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT multi)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
foreach(lang C CXX)
  set(CMAKE_${lang}_FLAGS_RELEASE "-O2 -g")  # NDEBUG is CHUNKY_CONFIG's to define
endforeach()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)  # of the tests: aligned operator new
set(CMAKE_CXX_STANDARD_REQUIRED ON)
add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fsized-deallocation>")
