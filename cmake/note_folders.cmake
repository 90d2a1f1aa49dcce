# Runs at the start of an installation: notes in install_folders.txt each folder below the
# prefix, the prefix included, that the rules are about to make.
set(list ${chunky_build}/install_folders.txt)
set(made)
if(EXISTS ${list})
  file(STRINGS ${list} made)
endif()
foreach(place ${chunky_places}
    ${chunky_gdb}${CMAKE_INSTALL_PREFIX}/${chunky_lib})
  set(folder $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${place})
  while(NOT EXISTS ${folder})
    list(APPEND made ${folder})
    get_filename_component(folder ${folder} DIRECTORY)
  endwhile()
endforeach()
list(REMOVE_DUPLICATES made)
list(JOIN made "\n" text)
file(WRITE ${list} "${text}\n")
