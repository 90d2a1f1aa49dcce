# shellcheck shell=bash disable=SC2034
# The C++ compiler on templates, iostream and regex, and then the program it made.
needs=(c++)
watch() {
    watched=(cc1plus "$(real c++)" "$(real as)" "$(real ld)" words)
}

program() {
    cp "$INPUT/words.cc" .
    c++ -std=c++17 -O1 -g -c words.cc -o words.o
    sha256sum <words.o
    c++ words.o -o words
    ./words
}
