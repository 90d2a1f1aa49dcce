# cmake -DOUT=x.c -DFILES="name=path;..." -P embed.cmake: each file as a C array, with a
# NUL behind it: const char NAME[]; the tool prints them into the pages that it writes.
set(text "/* Made by cmake/embed.cmake. */\n#include \"page.h\"\n")
foreach(pair ${FILES})
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 name)
  list(GET pair 1 path)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
    "\\1\n" bytes "${bytes}")
  string(APPEND text "const unsigned char ${name}[] = {\n${bytes}0};\n")
endforeach()
file(WRITE ${OUT} "${text}")
