# What `make install` puts where. chunky.pc finds its prefix from its own place, so the
# tree can be staged and moved.

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # what is installed needs no test built

install(TARGETS chunky_shared
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT development)
install(FILES ${PROJECT_BINARY_DIR}/libchunky.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/chunky.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET chunky_tool)
  install(TARGETS chunky_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

file(GLOB manual_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.1)
install(FILES ${manual_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/completions/chunky.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME chunky)
install(FILES ${PROJECT_SOURCE_DIR}/completions/_chunky
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
# gdb loads the script of an object file from here by the file's full path.
install(FILES ${PROJECT_SOURCE_DIR}/tool/gdb/chunky-gdb.py
  DESTINATION ${CMAKE_INSTALL_DATADIR}/gdb/auto-load/${CMAKE_INSTALL_FULL_LIBDIR}
  RENAME libchunky.so.1-gdb.py)

file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/chunky.pc.in
  ${PROJECT_BINARY_DIR}/chunky.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/chunky.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(CPACK_PACKAGE_NAME chunky)
set(CPACK_PACKAGE_CONTACT "The Chunky maintainers <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "A malloc whose heap can be seen")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
