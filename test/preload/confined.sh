#!/usr/bin/env bash
# confined.sh LIBRARY IN_TURNS LIMITS: limits that come from outside. A memory cgroup of
# 64 MiB, where threads use 24 MiB by turns (what two of them used may stay a while); and
# strict overcommit, where the system has it set: it is one setting for the whole machine,
# which no test may change.
set -uo pipefail
library=$(realpath -- "$1") in_turns=$2 limits=$3
mib=$((1 << 20)) ran=0 bad=0
cgroup=''
work=$(mktemp -d)
trap 'rm -rf -- "$work"; [ -z "$cgroup" ] || rmdir -- "$cgroup"' EXIT

# The file of a new cgroup that sets its memory, or nothing.
new_cgroup()
{
    local parent own file
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    for parent in /sys/fs/cgroup/memory "/sys/fs/cgroup$own"; do
        [ -d "$parent" ] || continue
        cgroup=$parent/chunky_test.$$
        mkdir -- "$cgroup" 2>/dev/null || { cgroup=''; continue; }
        for file in "$cgroup/memory.max" "$cgroup/memory.limit_in_bytes"; do
            [ -w "$file" ] && { limit_file=$file; return 0; }
        done
        rmdir -- "$cgroup"
        cgroup=''
    done
    return 1
}

# says NAME COMMAND...: it ends with 0.
says()
{
    local name=$1 status
    shift
    ran=$((ran + 1))
    "$@" >"$work/out" 2>"$work/err"
    status=$?
    if [ "$status" = 0 ]; then
        echo "$name: fine"
    else
        echo "$name: failed ($status)"
        tail -n 15 "$work/out" "$work/err"
        bad=1
    fi
}

limit_file=''
if new_cgroup && echo $((64 * mib)) >"$limit_file" 2>/dev/null; then
    # shellcheck disable=SC2016
    says 'a cgroup of 64 MiB' bash -c 'echo $$ >"$1/cgroup.procs" || exit 9
        LD_PRELOAD=$2 exec "$3" "$4"' bash "$cgroup" "$library" "$in_turns" $((24 * mib))
else
    echo 'a cgroup of 64 MiB: not possible here'
fi
if [ "$(cat /proc/sys/vm/overcommit_memory)" = 2 ]; then
    says 'strict overcommit' env "LD_PRELOAD=$library" "$limits" address
else
    echo 'strict overcommit: vm.overcommit_memory is not 2 here'
fi
[ "$ran" -gt 0 ] || { echo 'skipped: nothing of it is possible here'; exit 77; }
exit "$bad"
