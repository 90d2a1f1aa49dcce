# shellcheck shell=bash disable=SC2034
# The C compiler on 3,000 lines with debug info: the object must be the same to the byte.
needs=(cc awk)
watch() {
    watched=(cc1 collect2 "$(real cc)" "$(real as)" "$(real ld)")
}

prepare() {
    awk -v functions=120 -f "$INPUT/generate_c.awk" >big.c
}

program() {
    cp "$IN/big.c" .
    cc -O2 -g -c big.c -o big.o
    cc -O0 -ftrapv -c big.c -o plain.o
    cc -E big.c | sha256sum
    sha256sum <big.o
    sha256sum <plain.o
    cc big.o -o big
    ./big
}
