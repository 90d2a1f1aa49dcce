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
