# What `make install` puts where, `make uninstall`'s list, and the Debian package.
# chunky.pc and the CMake package find their prefix from their own place, so the tree can
# be staged and moved. Destinations are decided when it is installed, not before.

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # what is installed needs no test built
set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/chunky)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/chunky)
set(gdb_dir ${CMAKE_INSTALL_DATADIR}/gdb/auto-load)

# Folders that are not there yet are noted, so that uninstalling removes what was made and
# nothing else. First of all the install rules, so that it sees what was there before.
set(places ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_LIBDIR}/chunky ${package_dir}
  ${CMAKE_INSTALL_INCLUDEDIR} ${CMAKE_INSTALL_BINDIR} ${CMAKE_INSTALL_MANDIR}/man1
  ${CMAKE_INSTALL_MANDIR}/man3 ${CMAKE_INSTALL_MANDIR}/man7 ${doc_dir}/soak ${gdb_dir}
  ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(CODE "set(chunky_places \"${places}\")
set(chunky_gdb \"${gdb_dir}\")
set(chunky_lib \"${CMAKE_INSTALL_LIBDIR}\")
set(chunky_build \"${PROJECT_BINARY_DIR}\")
set(chunky_source \"${PROJECT_SOURCE_DIR}\")")
install(SCRIPT ${PROJECT_SOURCE_DIR}/cmake/note_folders.cmake)

install(TARGETS chunky_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/libchunky.a ${PROJECT_BINARY_DIR}/libchunky-calls.a
  DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/chunky.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET chunky_tool)
  install(TARGETS chunky_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET chunky_record)
  install(TARGETS chunky_record LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/chunky)
endif()

foreach(section 1 3 7)
  file(GLOB manual_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.${section})
  install(FILES ${manual_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/completions/chunky.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME chunky)
install(FILES ${PROJECT_SOURCE_DIR}/completions/_chunky
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
file(GLOB documents CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
install(FILES ${documents} ${PROJECT_SOURCE_DIR}/README.md
  ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${doc_dir})
file(GLOB curves CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/soak/*.svg)
install(FILES ${curves} DESTINATION ${doc_dir}/soak)
# Debian wants it under this name.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${doc_dir} RENAME copyright)

file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(pc_name chunky)
set(pc_what "A malloc whose heap can be seen")
set(pc_link chunky)
configure_file(${PROJECT_SOURCE_DIR}/cmake/chunky.pc.in
  ${PROJECT_BINARY_DIR}/chunky.pc @ONLY)
set(pc_name chunky-calls)
set(pc_what "Chunky's chunky_ calls, beside the program's own malloc")
set(pc_link chunky-calls)
configure_file(${PROJECT_SOURCE_DIR}/cmake/chunky.pc.in
  ${PROJECT_BINARY_DIR}/chunky-calls.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/chunky.pc ${PROJECT_BINARY_DIR}/chunky-calls.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

include(CMakePackageConfigHelpers)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/chunkyConfig.cmake.in
  ${PROJECT_BINARY_DIR}/chunkyConfig.cmake INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/chunkyConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/chunkyConfig.cmake
  ${PROJECT_BINARY_DIR}/chunkyConfigVersion.cmake DESTINATION ${package_dir})

# gdb loads the script of an object file from here by the file's full path.
install(CODE [[file(INSTALL DESTINATION
  "${CMAKE_INSTALL_PREFIX}/${chunky_gdb}${CMAKE_INSTALL_PREFIX}/${chunky_lib}" TYPE FILE
  RENAME libchunky.so.1-gdb.py FILES "${chunky_source}/tool/gdb/chunky-gdb.py")]])

set(CPACK_PACKAGE_NAME chunky)
set(CPACK_PACKAGE_CONTACT "The Chunky maintainers <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "malloc whose heap can be seen")
set(CPACK_PACKAGE_DESCRIPTION
  "A malloc for Linux, preloaded, linked or static, with every block checked, with free
memory going back to the system, and a tool that draws the heap of running programs,
core files and snapshots. Holds the library, its header, the chunky command and manuals.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)  # rules above use the final prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# CPack adds the scripts that run ldconfig.
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/shlibs)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
