#!/usr/bin/env bash
# report_file.sh PROGRAM: a finding goes to the file of the option `report` as it went to
# standard error, one file a process, and nothing goes there without a finding.
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
CHUNKY_CONF="report=$work/%p.txt" "$program" 24 main 2>"$work/err" || status=$?
[ "$status" = 134 ] || { echo "ended with $status"; exit 1; }
files=("$work"/*.txt)
[ ${#files[@]} = 1 ] || { echo "not one file: ${files[*]}"; exit 1; }
grep -q "process $(basename "${files[0]}" .txt)," "${files[0]}" || { echo "the wrong name"; exit 1; }
diff "${files[0]}" <(grep -v Aborted "$work/err")
CHUNKY_CONF="report=$work/none" true
[ ! -e "$work/none" ] || { echo "a file without a finding"; exit 1; }
