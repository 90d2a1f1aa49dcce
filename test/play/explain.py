#!/usr/bin/env python3
"""explain.py CHUNKY LIBRARY SUBJECT [COUNT [SEED]]: what `explain` foretells after random
scripts is what the engine then does; and in a live process it names the state of each block."""
import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

CHUNKY, LIBRARY, SUBJECT = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 100
FIRST = int(sys.argv[5]) if len(sys.argv) > 5 else 1

# The end of what is foretold, and what the engine says when it is asked.
MEANS = [
    (r"it is popped", r"popped, no lock"),
    (r"takes the magazine", r"depot hands over"),
    (r"the newest of \d+, is handed out", r"the newest is taken"),
    (r"the oldest of \d+, is handed out", r"the oldest is taken"),
    (r"^\S+ is handed out", r"fits exactly"),
    (r"^split: (0x\w+) is handed out", r"best fit among the bins is .*it is split"),
    (r"^all (0x\w+) is handed out", r"best fit among the bins is .*all {0} is handed out"),
    (r"^as many as .* are carved", r"best fit among the bins is .*carved into"),
    (r"the top is split: several neighbours of (0x\w+)", r"(the top is split.*carved into|top is split: {0} off)"),
    (r"the top is split: (0x\w+) off", r"the top is split: {0} off"),
    (r"the heap grows", r"(the heap grows by|a heap of \w+ is made)"),
    (r"then (0x\w+) is the best fit", r"are merged.*best fit among the bins is {0}.*it is split"),
    (r"then all (0x\w+)", r"are merged.*all {0} is handed out"),
    (r"then the top is large enough", r"are merged.*the top is split"),
    (r"a mapping of its own", r"(a mapping of its own|a kept mapping)"),
    (r"NULL and ENOMEM", r"NULL and ENOMEM"),
    (r"report, and the program ends", r"(a check fails|the program dies)"),
    (r"nothing happens", r"does nothing"),
    (r"pushed on the cache", r"pushed on the thread's cache"),
    (r"are unmapped, or kept", r"(goes back to the system|is kept for a while)"),
    (r"parked in fast\[(0x\w+)\]", r"parked in fast\[{0}\]"),
    (r"becomes part of the top", r"becomes part of it"),
    (r"goes to the unsorted bin", r"goes to the unsorted bin"),
]


def make_script(rng):
    ops, live, dead = [], [], []
    for i in range(rng.randint(3, 40)):
        size = rng.choice([rng.randint(0, 200), rng.randint(1, 40), rng.randint(200, 3000),
                           rng.randint(3000, 60000), rng.choice([150000, 400000])])
        if live and rng.random() < 0.5:
            name = live.pop(rng.randrange(len(live)))
            ops.append(f"free({name})")
            dead.append(name)
        else:
            ops.append(f"v{i}=malloc({size})")
            live.append(f"v{i}")
    sizes = [size, rng.randint(1, 100), rng.randint(100, 2000), rng.randint(2000, 50000),
             rng.randint(131072, 300000)]
    question = ["malloc", str(rng.choice(sizes))]
    if live and rng.random() < 0.5:
        question = ["free", rng.choice(live)]
    elif dead and rng.random() < 0.1:
        question = ["free", rng.choice(dead)]
    return "; ".join(ops), question


def ask(seed):
    rng = random.Random(seed)
    script, question = make_script(rng)
    mode = rng.choice(["coalesce", "bins", "cache"])
    run = subprocess.run([CHUNKY, "explain", "-m", mode, *question, script], capture_output=True, text=True)
    where = f"seed {seed}: explain -m {mode} {' '.join(question)} '{script}'\n{run.stdout}{run.stderr}"
    end = re.search(r"^  =>  (.*)$", run.stdout, re.M)
    engine = re.search(r"^  the engine, asked: (.*)$", run.stdout, re.M)
    if run.returncode != 0 or not end or not engine:
        return where
    for foretold, done in MEANS:
        found = re.search(foretold, end[1])
        if found:
            return None if re.search(done.format(*found.groups()), engine[1]) else where
    return "no meaning known: " + where


def live_process():
    """Blocks of a program that waits: each is what it was made to be."""
    bad = []
    for conf, wanted in {
        "": {"cached": "it is popped", "idle": "double free", "mapped": "unmapped", "odd": "invalid pointer",
             "used": "pushed on the cache"},
        "cache=0": {"cached": r"the newest of 1, is handed out", "idle": "double free", "mapped": "unmapped",
                    "small": r"parked in fast\[0x70\]", "beside": "goes to the unsorted bin",
                    "last": "becomes part of the top"},
        "cache=0,fast_max=0": {"cached": r"\+00(, the oldest of 1,)? is handed out", "small": "0xe0 goes to the unsorted bin",
                               "last": "becomes part of the top"},
    }.items():
        env = dict(os.environ, LD_PRELOAD=LIBRARY, CHUNKY_CONF=conf)
        with subprocess.Popen([SUBJECT], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=env) as p:
            at = dict(line.split() for line in iter(p.stdout.readline, "ready\n"))
            for what, end in wanted.items():
                question = ["malloc", at[what]] if what == "cached" else ["free", at[what]]
                if what == "used":  # as other verbs print it
                    told = subprocess.run([CHUNKY, "what", str(p.pid), at[what]], capture_output=True, text=True)
                    name = re.search(r"  heap\+0x(\w+)  size", told.stdout)
                    question[1] = f"heap+{int(name[1], 16) + 16:#x}"
                run = subprocess.run([CHUNKY, "explain", *question, str(p.pid)], capture_output=True, text=True)
                found = re.search(r"^  =>  (.*)$", run.stdout, re.M)
                if not found or not re.search(end, found[1]):
                    bad.append(f"CHUNKY_CONF={conf}: {what}: wanted {end}\n{run.stdout}{run.stderr}")
            for verb, what, status in (("malloc", "1K", 0), ("malloc", "0x10", 0), ("malloc", str(2 ** 64), 2),
                                       ("malloc", "1x", 2), ("free", "heap", 2), ("free", "heap+", 2)):
                run = subprocess.run([CHUNKY, "explain", verb, what, str(p.pid)], capture_output=True, text=True)
                if run.returncode != status or run.stderr.count("\n") != (status != 0):
                    bad.append(f"{verb} {what}: status {run.returncode}\n{run.stderr}")
            p.stdin.close()
    return bad


def main():
    with ThreadPoolExecutor(2) as pool:
        bad = [wrong for wrong in pool.map(ask, range(FIRST, FIRST + COUNT)) if wrong]
    bad += live_process()
    print("\n".join(bad[:4]))
    print(f"{COUNT} questions and a live process, {len(bad)} answered wrongly")
    sys.exit(bool(bad))


main()
