# shellcheck shell=bash disable=SC2034
# Lua: tables, strings, closures, coroutines and its collector in both modes.
needs=(lua5.4)
watch() {
    watched=("$(real lua5.4)")
}

program() {
    lua5.4 "$INPUT/churn.lua" incremental
    lua5.4 "$INPUT/churn.lua" generational
}
