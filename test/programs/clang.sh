# shellcheck shell=bash disable=SC2034
# clang on the inputs of cc and cxx: the objects must be the same to the byte.
needs=(clang clang++ awk)
watch() {
    watched=("$(real clang)")
}

prepare() {
    awk -v functions=50 -f "$INPUT/generate_c.awk" >big.c
}

program() {
    cp "$IN/big.c" "$INPUT/words.cc" .
    clang -O2 -g -c big.c -o big.o
    clang -fsyntax-only -Weverything big.c 2>&1 | sha256sum
    clang++ -std=c++17 -O1 -c words.cc -o words.o
    sha256sum <big.o
    sha256sum <words.o
}
