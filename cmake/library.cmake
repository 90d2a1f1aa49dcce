# libchunky.so and libchunky.a, both from the same objects.

set(CHUNKY_LAYERS base os core audit front)
set(engine)
foreach(layer ${CHUNKY_LAYERS})
  file(GLOB CHUNKY_SRC_${layer} CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/src/${layer}/*.c)
  list(APPEND engine ${CHUNKY_SRC_${layer}})
endforeach()
if(CHUNKY_UNITY)
  # The object must be rebuilt when a file it includes appears, so the globs stay above.
  set(engine ${PROJECT_SOURCE_DIR}/src/chunky.c)
endif()

add_library(chunky_objects OBJECT ${engine})
target_link_libraries(chunky_objects PRIVATE chunky_engine_flags)

find_package(Threads REQUIRED)
add_library(chunky_shared SHARED $<TARGET_OBJECTS:chunky_objects>)
add_library(chunky::shared ALIAS chunky_shared)
set_target_properties(chunky_shared PROPERTIES
  OUTPUT_NAME chunky VERSION 1 SOVERSION 1 LINKER_LANGUAGE C
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_link_libraries(chunky_shared PRIVATE chunky_engine_flags Threads::Threads)
set(often ${CMAKE_CURRENT_LIST_DIR}/often.ld)
target_link_options(chunky_shared PRIVATE -Wl,-T,${often})
set_target_properties(chunky_shared PROPERTIES LINK_DEPENDS ${often})
target_include_directories(chunky_shared INTERFACE ${PROJECT_SOURCE_DIR}/include)

# One object for the archive, with the hidden names made local: a program linked with it
# can call its own function arena_take and never meet ours.
set(whole ${PROJECT_BINARY_DIR}/chunky-whole.o)
set(archive ${PROJECT_BINARY_DIR}/libchunky.a)
# The C++ operators are a second object, which pulls in what it needs of libstdc++.a and
# which C programs leave out.
add_library(chunky_operators OBJECT ${PROJECT_SOURCE_DIR}/src/front/operators.c)
target_compile_definitions(chunky_operators PRIVATE CHUNKY_ARCHIVE=1)
target_link_libraries(chunky_operators PRIVATE chunky_engine_flags)
add_custom_command(OUTPUT ${archive}
  COMMAND ${CMAKE_LINKER} -r -o ${whole} $<TARGET_OBJECTS:chunky_objects>
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden -w --localize-symbol=_Zn*
    --localize-symbol=_Zd* --localize-symbol=dlopen ${whole}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} ${whole} $<TARGET_OBJECTS:chunky_operators>
  DEPENDS chunky_objects $<TARGET_OBJECTS:chunky_objects> chunky_operators
    $<TARGET_OBJECTS:chunky_operators>
  COMMAND_EXPAND_LISTS VERBATIM COMMENT "Archiving libchunky.a")

# The chunky_ calls alone: for programs that keep the malloc they have.
set(calls ${PROJECT_BINARY_DIR}/libchunky-calls.a)
set(calls_object ${PROJECT_BINARY_DIR}/chunky-calls.o)
add_library(chunky_beside OBJECT ${PROJECT_SOURCE_DIR}/src/front/override.c)
target_compile_definitions(chunky_beside PRIVATE CHUNKY_BESIDE=1)
target_link_libraries(chunky_beside PRIVATE chunky_engine_flags)
add_custom_command(OUTPUT ${calls}
  COMMAND ${CMAKE_LINKER} -r -o ${calls_object} ${whole} $<TARGET_OBJECTS:chunky_beside>
  COMMAND ${CMAKE_OBJCOPY} -w --keep-global-symbol=chunky_* ${calls_object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${calls}
  COMMAND ${CMAKE_AR} rcs ${calls} ${calls_object}
  DEPENDS ${archive} chunky_beside $<TARGET_OBJECTS:chunky_beside>
  COMMAND_EXPAND_LISTS VERBATIM COMMENT "Archiving libchunky-calls.a")
add_custom_target(chunky_archive ALL DEPENDS ${archive} ${calls})

add_library(chunky_static STATIC IMPORTED GLOBAL)
add_library(chunky::static ALIAS chunky_static)
add_dependencies(chunky_static chunky_archive)
set_target_properties(chunky_static PROPERTIES
  IMPORTED_LOCATION ${archive}
  INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/include
  INTERFACE_LINK_LIBRARIES Threads::Threads)

add_custom_target(product DEPENDS chunky_shared chunky_archive)
