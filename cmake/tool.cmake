# The `chunky` command: tool/, the audit layer and say.c. It must not contain the
# allocator that it looks at. Libraries that it can use but does not need are looked for
# here; each found one defines HAVE_<NAME>.

file(GLOB tool_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tool/*.c)
if(NOT EXISTS ${PROJECT_SOURCE_DIR}/tool/main.c)
  message(STATUS "absent: tool/main.c")
  return()
endif()

# What describes and audits the process it lies in stays in the library.
set(tool_audit ${CHUNKY_SRC_audit})
list(FILTER tool_audit EXCLUDE REGEX "/(root|inside)\\.c$")

# The files of tool/page/, which the tool prints into the pages that it writes.
set(page_files
  page_view_html=${PROJECT_SOURCE_DIR}/tool/page/view.html
  page_view_css=${PROJECT_SOURCE_DIR}/tool/page/view.css
  page_view_js=${PROJECT_SOURCE_DIR}/tool/page/view.js
  page_play_html=${PROJECT_SOURCE_DIR}/tool/page/play.html
  page_play_css=${PROJECT_SOURCE_DIR}/tool/page/play.css
  page_play_js=${PROJECT_SOURCE_DIR}/tool/page/play.js)
string(REGEX REPLACE "[a-z_]+=" "" page_inputs "${page_files}")
set(page_source ${PROJECT_BINARY_DIR}/page_files.c)
add_custom_command(OUTPUT ${page_source}
  COMMAND ${CMAKE_COMMAND} -DOUT=${page_source} "-DFILES=${page_files}"
    -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${page_inputs} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM COMMENT "Embedding tool/page")

add_executable(chunky_tool ${tool_sources} ${tool_audit} ${page_source}
  ${PROJECT_SOURCE_DIR}/src/base/say.c)
set_target_properties(chunky_tool PROPERTIES
  OUTPUT_NAME chunky RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_include_directories(chunky_tool PRIVATE ${PROJECT_SOURCE_DIR}/tool)
target_compile_definitions(chunky_tool PRIVATE CHUNKY_LIBDIR="${CMAKE_INSTALL_LIBDIR}")
target_link_libraries(chunky_tool PRIVATE chunky_flags Threads::Threads m)
target_link_options(chunky_tool PRIVATE -Wl,-z,now -Wl,-z,relro)

find_package(PkgConfig)
foreach(pair LIBELF:libelf LIBDW:libdw NCURSES:ncursesw ZSTD:libzstd LIBEDIT:libedit)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 name)
  list(GET pair 1 module)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  endif()
  if(${name}_FOUND)
    target_compile_definitions(chunky_tool PRIVATE HAVE_${name}=1)
    target_link_libraries(chunky_tool PRIVATE PkgConfig::${name})
  endif()
endforeach()

# What `chunky play --record` preloads: no allocator, it passes on to the one behind it.
if(NOT CHUNKY_SANITIZE)
  add_library(chunky_record MODULE ${PROJECT_SOURCE_DIR}/tool/record/interpose.c)
  set_target_properties(chunky_record PROPERTIES
    PREFIX "" OUTPUT_NAME libchunky-record LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_include_directories(chunky_record PRIVATE ${PROJECT_SOURCE_DIR}/tool)
  target_link_libraries(chunky_record PRIVATE chunky_engine_flags ${CMAKE_DL_LIBS})
  add_dependencies(product chunky_record)
endif()
add_dependencies(product chunky_tool)
