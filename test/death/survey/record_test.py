#!/usr/bin/env python3
"""record_test.py PROGRAM: an overflow that reaches the record of how much was asked is told
as one of the right block and none of the program's bytes is called wrong; with go_on the
program keeps all of them. One that ends before the record is told to the byte. Of a header
only the bytes that were overwritten are marked."""
import os
import re
import subprocess
import sys

COMMAND = [*os.environ.get("TEST_EMULATOR", "").split(), sys.argv[1]]
# Bytes asked, and how many lie at least between these and the next header.
SLACK = {22: 2, 100: 4, 300: 12, 1000: 16, 5000: 8, 100000: 8, 300000: 8}
bad = 0


def run(conf, *words):
    return subprocess.run([*COMMAND, *map(str, words)], env=dict(os.environ, CHUNKY_CONF=conf),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", timeout=60)


def expect(condition, text, done):
    global bad
    if not condition:
        bad += 1
        print(f"BAD: {text} (status {done.returncode})\n{done.stdout}{done.stderr}")


def told(done):
    """The most that the report says was asked, whether it knows, and its first wrong byte."""
    mem = done.stdout.strip()
    size = re.search(rf"{mem} is start of a block of (at most )?(\d+) bytes at {mem}$",
                     done.stderr, re.M)
    wrong = re.search(r"^  wrong   bytes? (\d+)", done.stderr, re.M)
    if size is None or wrong is None:
        return None, None, None
    return int(size[2]), size[1] is None, int(wrong[1])


for conf in "check=1", "check=2", "check=1,request=1":
    for size in SLACK:
        for past in 1, 2, 3, 4, 8, 12, 16, 24, 40, 100, 300:
            if size == 300000 and past > 16:
                continue
            name = f"{conf}: {past} bytes behind one of {size}"
            done = run(conf, "free", size, past)
            most, known, first = told(done)
            expect(done.returncode == -6 and most is not None, f"{name}: told", done)
            if most is None:
                continue
            expect(most == size if known else size <= most, f"{name}: its size", done)
            expect(first >= size, f"{name}: no good byte is wrong", done)
            if past == 1:
                expect(known and first == size, f"{name}: to the byte", done)
            if past <= SLACK[size]:  # else a header is gone, too, and no call can go on
                for kind in "usable", "realloc":
                    kept = run(f"{conf},go_on=9", kind, size, past)
                    expect(kept.returncode == 0, f"{name}: {kind} keeps all bytes", kept)
                    expect("the call goes on" in kept.stderr, f"{name}: {kind} says so", kept)

for conf in "check=1", "check=2":
    done = run(conf, "b", 100, 40)
    expect("in use, at most 102 bytes asked (the record of it was overwritten)" in done.stderr,
           f"{conf}: the neighbour's record", done)
    done = run(conf, "b2", 3000, 20)
    expect("likely  3000 bytes asked" in done.stderr, f"{conf}: keyed bytes that stand", done)
for conf in "check=0", "check=1", "check=2":
    for size in 100, 1000, 5000:
        for byte in range(9):
            done = run(conf, "header", size, byte)
            if done.returncode == 0:  # one in 65,536 passes
                done = run(conf, "header", size, byte)
            count = done.stderr.count("^^") - 1  # one is the legend's
            expect(done.returncode == -6 and count == (1 if byte < 8 else 8),
                   f"{conf}: byte {byte} of a header behind {size}: {count} marks", done)
print("no byte of the program's was called wrong" if bad == 0 else f"{bad} bad")
sys.exit(bad != 0)
