#!/usr/bin/env bash
# chain.sh LIBRARY CHURNING INTERPOSE: the library together with other preloaded ones, before
# and after it: one that counts calls and passes them on, those that glibc brings, those of
# fakeroot and eatmydata, and other allocators, of which the first one serves the process.
set -euo pipefail
library=$(realpath -- "$1") churning=$2 interpose=$3
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# chained LIBRARIES COMMAND...: the command must say that all was well.
chained()
{
    echo "LD_PRELOAD=$1"
    LD_PRELOAD=$1 INTERPOSE_FILE=$work/counts "${@:2}" >"$work/out" 2>"$work/err" ||
        { cat "$work/err"; exit 1; }
    grep -qx 'all was well' "$work/out" || { cat "$work/out" "$work/err"; exit 1; }
}

chained "$interpose:$library" "$churning"
read -r from taken given <"$work/counts"
echo "$taken blocks taken from $from, $given given back"
[ "$from" = "$library" ] || { echo "the calls went to $from"; exit 1; }
if [ "$given" -lt 400 ] || [ "$taken" -lt "$given" ]; then
    echo "not all calls came by"
    exit 1
fi

chained "$library:$interpose" "$churning"
read -r from taken given <"$work/counts"
[ "$taken" = 0 ] || { echo "$taken calls went to the library behind"; exit 1; }

# libmemusage does not know aligned_alloc, which `churning` calls, so a shell works for it.
# shellcheck disable=SC2016
shell_work='for ((i = 0; i < 12000; i++)); do
    words[i % 3000]=$i${words[i * 7 % 3000]:0:200}
    ((i % 3)) || unset "words[$((i % 2000))]"
done
[[ ${words[2999]} == 11999* ]] && echo "all was well"'
for other in memusage.so pcprofile.so eatmydata.so.1 fakeroot/libfakeroot-sysv.so jemalloc.so.2 \
    mimalloc.so.2 tcmalloc_minimal.so.4; do
    file=$(cc -print-file-name=lib$other)
    if [ -f "$file" ]; then
        chained "$file:$library" bash -c "$shell_work"
        chained "$library:$file" bash -c "$shell_work"
    else
        echo "lib$other is not here"
    fi
done
