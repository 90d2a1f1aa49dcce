#!/usr/bin/env python3
"""survey_test.py PROGRAM: with go_on=N a program with many mistakes runs to its end; each
level tells those that it can see, each whole and apart, at most N of them."""
import os
import re
import subprocess
import sys

PROGRAM = sys.argv[1]
ALWAYS = ["free: double free", "free: invalid pointer: into the middle",
          "free: invalid pointer: to the stack", "realloc: double free",
          "malloc_usable_size: double free"]
OVERFLOW = ["heap overflow: the bytes behind the block"]
LATE = ["write after free"]
GUARDED = ["heap overflow: write behind the block", "use after free: write"]
EXPECTED = {  # conf: what must be told
    "check=0": ALWAYS,
    "check=1": ALWAYS + OVERFLOW,
    "check=2": ALWAYS + OVERFLOW + LATE,
    "check=3,guard_rate=1": ALWAYS + OVERFLOW + GUARDED[1:],
    "check=0,request=1": ALWAYS,
}
bad = 0


def run(conf, times=1):
    done = subprocess.run([PROGRAM, str(times)], env=dict(os.environ, CHUNKY_CONF=conf),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", timeout=300)
    return done, re.findall(r"^chunky: (.*)$", done.stderr, re.M)


def expect(condition, text, done):
    global bad
    if not condition:
        bad += 1
        print(f"BAD: {text} (status {done.returncode})")
        print(done.stdout, *[line for line in done.stderr.splitlines() if line[:7] == "chunky:"],
              sep="\n")


for conf, rules in EXPECTED.items():
    done, told = run(conf + ",go_on=100")
    expect(done.returncode == 0 and done.stdout == "the end\n", f"{conf}: runs to its end", done)
    for rule in rules:
        expect(any(rule in line for line in told), f"{conf}: tells of {rule}", done)
    expect(len(told) == len(rules), f"{conf}: {len(told)} findings, not {len(rules)}", done)
    expect(done.stderr.count("  going on (go_on=100)") == len(told), f"{conf}: says so", done)

done, told = run("go_on=7", times=20)
expect(done.returncode == 0, "20 times", done)
expect(len(told) == 8 and told[7] == "100 findings, of which 7 were told (go_on=7)",
       "at most 7 are told, and how many there were", done)
done, told = run("check=2")
expect(done.returncode == -6 and len(told) == 1, "without go_on the first one ends it", done)
print("no finding lost" if bad == 0 else f"{bad} bad")
sys.exit(bad != 0)
