#!/usr/bin/env bash
# surroundings.sh LIBRARY CHURNING: odd surroundings of a program, in each of which it must
# say that all was well and nothing more: no environment or a huge one, no name, one CPU,
# other layouts of memory, no /proc and /sys, a lazy or eager linker, nonsense in CHUNKY_CONF.
set -uo pipefail
library=$(realpath -- "$1") churning=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
bad=0

# runs NAME LINES COMMAND...: COMMAND runs `churning`, and may print LINES lines on stderr, of
# which the one is the test's own.
runs()
{
    local name=$1 lines=$2 said
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    local status=$?
    said=$(wc -l <"$work/err")
    if [ "$status" != 0 ] || ! grep -qx 'all was well' "$work/out"; then
        echo "$name: failed ($status)"
        head -n 15 "$work/err"
        bad=1
    elif [ "$said" != "$lines" ]; then
        echo "$name: $said lines on stderr and not $lines:"
        head -n 15 "$work/err"
        bad=1
    else
        echo "$name: fine"
    fi
}

# Only where the system lets us; COMMAND must be able to run `true`.
if_possible()
{
    local name=$1
    shift
    if "$@" true >/dev/null 2>&1; then
        runs "$name" 1 "$@" env "LD_PRELOAD=$library" "$churning"
    else
        echo "$name: not possible here"
    fi
}

long=$(printf '%0100000d' 0)
runs 'an empty environment' 1 env -i "LD_PRELOAD=$library" "$churning"
runs 'a huge environment' 1 env A="$long" B="$long" C="$long" "LD_PRELOAD=$library" "$churning"
# shellcheck disable=SC2016
runs 'no name' 1 env "LD_PRELOAD=$library" bash -c 'exec -a "" "$0"' "$churning"
runs 'an eager linker' 1 env LD_BIND_NOW=1 "LD_PRELOAD=$library" "$churning"
runs 'preloaded twice' 1 env "LD_PRELOAD=$library $library" "$churning"
ln -s "$library" "$work/by.so"
runs 'by a link' 1 env "LD_PRELOAD=$work/by.so" "$churning"
if_possible 'one CPU' taskset -c 0
if_possible 'no random layout' setarch -R
if_possible 'the old layout' setarch -L
# shellcheck disable=SC2016
if_possible 'no /proc' unshare -m sh -c 'umount -l /proc && exec "$@"' sh
# shellcheck disable=SC2016
if_possible 'no /sys' unshare -m sh -c 'umount -R -l /sys && exec "$@"' sh

if nm -D --defined-only "$library" | grep ' chunky_malloc$' >/dev/null; then
    conf() { runs "CHUNKY_CONF='${1:0:40}'" "$2" env "CHUNKY_CONF=$1" "LD_PRELOAD=$library" "$churning"; }
    conf '' 1
    conf 'chekc=1' 2
    grep -q 'check' "$work/err" || { echo "the nearest name is not told"; bad=1; }
    conf 'check=much' 2
    conf '=' 2
    conf "$long=1" 2
fi
exit "$bad"
