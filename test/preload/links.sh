#!/usr/bin/env bash
# links.sh SOURCES LIBRARY ARCHIVE INCLUDE: programs linked with Chunky in every way there is
# (-lchunky, libchunky.a, -static, static PIE, not PIE, C++, musl), and a static program
# without it, which a preloaded library does not concern.
set -euo pipefail
sources=$1 library=$(realpath -- "$2") archive=$(realpath -- "$3") include=$4
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cc=${CC:-cc} cxx=${CXX:-c++}
bad=0
# -lchunky looks for this name.
ln -s "$library" "$work/libchunky.so"
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ -z "$soname" ] || ln -sf "$library" "$work/$soname"

# way NAME COMPILER ARG...: what it makes must run and say that all was well.
way()
{
    local name=$1
    shift
    if ! "$@" -O1 -g -fno-builtin -I"$include" -o "$work/program" >"$work/log" 2>&1; then
        echo "$name: cannot be linked:"
        head -n 15 "$work/log"
        bad=1
    elif ! LD_LIBRARY_PATH=$work "$work/program" >"$work/out" 2>&1; then
        echo "$name: failed ($?):"
        tail -n 15 "$work/out"
        bad=1
    elif ! grep -qx 'all was well' "$work/out"; then
        echo "$name: said: $(head -c 500 "$work/out")"
        bad=1
    else
        echo "$name: fine"
    fi
}

c=$sources/linked.c
way '-lchunky' "$cc" "$c" -L"$work" -lchunky -pthread
way '-lchunky, not PIE' "$cc" -no-pie "$c" -L"$work" -lchunky -pthread
way 'libchunky.a' "$cc" "$c" "$archive" -pthread
way 'libchunky.a, not PIE' "$cc" -no-pie "$c" "$archive" -pthread
way 'libchunky.a, sections collected' "$cc" -Wl,--gc-sections "$c" "$archive" -pthread
way 'libchunky.a -static' "$cc" -static "$c" "$archive" -pthread
way 'libchunky.a -static-pie' "$cc" -static-pie "$c" "$archive" -pthread
if command -v "$cxx" >/dev/null; then
    cpp=$sources/linked.cc
    way 'C++ -lchunky' "$cxx" "$cpp" -L"$work" -lchunky -pthread
    way 'C++ libchunky.a' "$cxx" "$cpp" "$archive" -pthread
    way 'C++ libchunky.a -static' "$cxx" -static "$cpp" "$archive" -pthread
    way 'C++ libchunky.a, static libstdc++' "$cxx" -static-libstdc++ -static-libgcc "$cpp" \
        "$archive" -pthread
fi
if command -v clang >/dev/null; then
    way 'clang libchunky.a -static' clang -static "$c" "$archive" -pthread
fi
if command -v musl-gcc >/dev/null; then
    way 'musl-gcc libchunky.a -static' musl-gcc -static "$c" "$archive" -pthread
else
    echo 'musl-gcc is not here'
fi

# Without Chunky in it a static program has no dynamic linker, and runs as ever.
printf '%s\n' '#include <stdio.h>' '#include <stdlib.h>' \
    'int main(void) { puts(malloc(9) ? "all was well" : "?"); return 0; }' >"$work/plain.c"
LD_PRELOAD=$library way 'static, preloaded' "$cc" -static "$work/plain.c"
exit "$bad"
