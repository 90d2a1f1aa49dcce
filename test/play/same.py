#!/usr/bin/env python3
"""same.py CHUNKY RUNS: scripts with threads are drawn RUNS times each, addresses, rules and
bytes included, several at a time: every run must be the same."""
import collections
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SCRIPTS = [
    "thread(t){a=malloc(100) meanwhile{ thread(u){b=malloc(100); c=malloc(50)} }}; thread(u){free(a)}; "
    "thread(t){free(b)}; thread(t){d=malloc(200)}; thread(u){exit()}",
    # trim wants every lock: the held call has to go on
    "thread(t){a=malloc(100) meanwhile{ trim() }}; b=malloc(10); free(b)",
    "thread(u){x=malloc(3000)}; thread(t){a=malloc(300000) meanwhile{ thread(u){free(x); trim(); "
    "y=malloc(60000)} }}; thread(u){free(a)}; thread(t){c=malloc(100)}",
    "thread(t){a=calloc(100,40) meanwhile{ thread(u){trim()}; b=malloc(100); thread(v){c=malloc(30); trim()} }}; "
    "free(a); trim()",
]


def run(job):
    chunky, script, mode = job
    done = subprocess.run([chunky, "play", "--level", "byte", "--rules", "-m", mode, script],
                          capture_output=True, text=True)
    return script, mode, done.stdout + done.stderr + str(done.returncode)


def main():
    chunky, runs = sys.argv[1], int(sys.argv[2])
    jobs = [(chunky, script, mode) for script in SCRIPTS for mode in ("coalesce", "bins", "cache")] * runs
    seen = collections.defaultdict(collections.Counter)
    with ThreadPoolExecutor(4) as pool:
        for script, mode, drawn in pool.map(run, jobs):
            seen[script, mode][drawn] += 1
    bad = [job for job, drawings in seen.items() if len(drawings) != 1]
    for script, mode in bad:
        print(f"{mode}: {list(seen[script, mode].values())} runs of different drawings: {script}")
    print(f"{len(seen)} scripts, {runs} runs each, {len(bad)} not always the same")
    sys.exit(bool(bad))


main()
