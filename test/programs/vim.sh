# shellcheck shell=bash disable=SC2034
# vim without a screen: substitutions, sorting, folds, undo, registers, a syntax, a script.
needs=(vim awk)
watch() {
    watched=("$(real vim)")
}

prepare() {
    awk -v functions=300 -f "$INPUT/generate_c.awk" >big.c
}

program() {
    cp "$IN/big.c" .
    vim -N -u NONE -i NONE -n -es -S "$INPUT/edit.vim" big.c
    sha256sum big.c sorted words.html
    cat result
}
