#!/usr/bin/env bash
# setuid.sh SOURCES ARCHIVE INCLUDE: a program that runs with the rights of somebody else
# takes no orders from whoever started it: CHUNKY_CONF and CHUNKY_METRICS are not looked at.
set -euo pipefail
sources=$1 archive=$(realpath -- "$2") include=$3
cc=${CC:-cc}
skip() { echo "skipped: $1"; exit 77; }
[ "$(id -u)" = 0 ] || skip 'only root can make a program setuid and then be somebody else'
command -v setpriv >/dev/null || skip 'no setpriv'

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
chmod 755 "$work"
mkdir -m 777 "$work/open"
cp -L "$(command -v id)" "$work/id"
chmod 4755 "$work/id"
somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
[ "$("${somebody[@]}" "$work/id" -u)" = 0 ] || skip 'setuid counts for nothing here'

bad=0
# run PROGRAM CONF: as somebody; it must work.
run()
{
    CHUNKY_CONF=$2 CHUNKY_METRICS=$work/open/metrics "${somebody[@]}" "$1" \
        >"$work/out" 2>"$work/err" || { echo "$1 with $2: ended with $?"; bad=1; }
    grep -qx 'all was well' "$work/out" || { echo "$1 with $2 said:"; cat "$work/out"; bad=1; }
}

for kind in dynamic static; do
    static=()
    [ $kind = dynamic ] || static=(-static)
    "$cc" -O1 -fno-builtin -I"$include" "$sources/linked.c" "$archive" "${static[@]}" -pthread \
        -o "$work/$kind"
    run "$work/$kind" help
    grep -q 'options of CHUNKY_CONF' "$work/err" || { echo "$kind: no help"; bad=1; }
    [ -e "$work/open/metrics" ] || { echo "$kind: no metrics"; bad=1; }
    rm -f "$work/open/metrics"

    chmod 4755 "$work/$kind"
    for conf in help stats=1 nonsense; do
        run "$work/$kind" $conf
        [ ! -s "$work/err" ] || { echo "$kind, setuid, $conf: said"; cat "$work/err"; bad=1; }
        [ ! -e "$work/open/metrics" ] || { echo "$kind, setuid: wrote metrics"; bad=1; }
        rm -f "$work/open/metrics"
    done
    echo "$kind: fine"
done
exit "$bad"
