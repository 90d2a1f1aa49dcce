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

# A file that cannot be had is told, and no hint leads there.
for name in "$work/none/r" "$work"; do
    CHUNKY_CONF=report=$name "$program" 24 main 2>"$work/err" || true
    grep -q "the file $name could not be written" "$work/err" || { echo "$name: not told"; exit 1; }
    grep -q "look: chunky what CORE" "$work/err" || { echo "$name: a hint to nowhere"; exit 1; }
done

# Neither a reader of standard error who is gone nor a limit of files ends the process
# before the report is kept.
rm -f "$work"/r*
set +e
CHUNKY_CONF="report=$work/r" python3 -c '
import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
there, here = os.pipe()
os.close(there)
os.dup2(here, 2)
os.execv(sys.argv[1], sys.argv[1:])' "$program" 24 main
[ $? = 134 ] || { echo "no reader: not SIGABRT"; exit 1; }
grep -q "look: chunky what $work/r.snap" "$work/r" || { echo "no reader: no report"; exit 1; }
(trap - XFSZ; ulimit -f 4; CHUNKY_CONF="report=$work/r2" exec "$program" 24 main) 2>"$work/err"
[ $? = 134 ] || { echo "a limit of files: not SIGABRT"; exit 1; }
grep -q "snapshot $work/r2.snap could not be written" "$work/err" || { echo "a limit of files: not told"; exit 1; }
[ ! -e "$work/r2.snap" ] || { echo "half a snapshot"; exit 1; }
