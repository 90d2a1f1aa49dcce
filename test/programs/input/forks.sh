#!/usr/bin/env bash
# Many forks of a shell with a heap of some size, and the shell's own allocation.
set -euo pipefail
declare -A table
for ((i = 0; i < 20000; i++)); do
    table[key$((i * 7919 % 3001))]+=${i:0:2}
    ((i % 5)) || unset "table[key$((i % 3001))]"
done
echo "table ${#table[@]} ${table[key2999]:-none}"

sum=0
for ((i = 0; i < 700; i++)); do
    part=$(echo "$((i * i))" | { read -r n; echo "${n//1/one}"; })
    ((sum += ${#part})) || true
done
echo "sum $sum"

lines=()
while IFS=, read -r first second; do
    lines+=("$second $first ${second^^}")
done < <(for ((i = 0; i < 3000; i++)); do printf '%05d,word%d\n' $((i * 31 % 3000)) "$i"; done)
printf '%s\n' "${lines[@]}" | sort -k2 | cksum

pids=()
for ((i = 0; i < 40; i++)); do
    (
        trap 'exit 7' USR1
        text=$(printf '%*s' $((i * 50)) '')
        text=${text// /ab}
        [[ $text =~ ^(ab)*$ ]] && exit $((i % 5))
    ) &
    pids+=($!)
done
codes=0
for pid in "${pids[@]}"; do
    wait "$pid" || ((codes += $?)) || true
done
echo "codes $codes"

long=$(printf 'x%.0s' {1..50000})
long=${long//x/xyz}
echo "long ${#long} ${long:49998:6}" "$(cksum <<<"$long")"
fib() { if (($1 < 2)); then REPLY=$1; else local a; fib $(($1 - 1)); a=$REPLY; fib $(($1 - 2)); REPLY=$((a + REPLY)); fi; }
fib 17
echo "fib $REPLY" {a..e}{1..3} "$(cat < <(cat <<<"nested"))"
