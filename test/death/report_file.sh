#!/usr/bin/env bash
# report_file.sh PROGRAM CHUNKY: a finding goes to the file of the option `report` as it went
# to standard error, one file a process, and nothing goes there without a finding. Beside it
# lies a snapshot that the tool opens, at each level and from each kind of heap.
set -euo pipefail
program=$1 chunky=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
CHUNKY_CONF="report=$work/%p.txt" "$program" 24 main 2>"$work/err" || status=$?
[ "$status" = 134 ] || { echo "ended with $status"; exit 1; }
files=("$work"/*.txt)
[ -s "${files[0]}.snap" ] || { echo "no snapshot"; exit 1; }
[ ${#files[@]} = 1 ] || { echo "not one file: ${files[*]}"; exit 1; }
grep -q "process $(basename "${files[0]}" .txt)," "${files[0]}" || { echo "the wrong name"; exit 1; }
diff "${files[0]}" <(grep -v Aborted "$work/err")
CHUNKY_CONF="report=$work/none" true
[ ! -e "$work/none" ] || { echo "a file without a finding"; exit 1; }

# look CONF BYTES PLACE: the snapshot tells what the report tells.
look()
{
    local report=$work/$2-$3 status=0 mem
    CHUNKY_CONF="$1,report=$report" "$program" "$2" "$3" 2>/dev/null || status=$?
    [ "$status" != 77 ] || return 0
    mem=$(sed -n 's/^  \(0x[0-9a-f]*\) is .*/\1/p' "$report")
    "$chunky" what "$report.snap" "$mem" >"$work/what"
    grep -q "$4" "$work/what" || { echo "$*: what says"; cat "$work/what"; exit 1; }
    grep -q "look: chunky what $report.snap $mem" "$report" || { echo "$*: no hint"; exit 1; }
    "$chunky" map "$report.snap" | grep "snapshot of process" >/dev/null || { echo "$*: no map"; exit 1; }
    "$chunky" check "$report.snap" >"$work/check" || { echo "$*: check"; cat "$work/check"; exit 1; }
    "$chunky" stats "$report.snap" >/dev/null
}
look check=0 24 main "a block, free, in a thread's cache"
look check=0 1000 arena "a block, free"
look check=1 5000 aged "a block, free"
look check=2 100 thread "a block, free, in quarantine"
"$chunky" stats "$work/100-thread.snap" | grep "in quarantine (check=2), 1 blocks" >/dev/null ||
    { echo "stats: no quarantine"; exit 1; }
"$chunky" chunks --state quarantine --count "$work/100-thread.snap" | grep -w 1 >/dev/null ||
    { echo "chunks: no quarantine"; exit 1; }
look check=1 300000 main 'not in a block'
look check=3,guard_rate=1 100 main 'guarded block\|not in a block'
CHUNKY_CONF=report=/dev/null "$program" 24 main 2>/dev/null || true
[ ! -e /dev/null.snap ] || { echo "a snapshot beside a device"; exit 1; }
