#!/usr/bin/env python3
"""errors.py CHUNKY: bad scripts are refused as a whole, with line and column, what was
expected, and the nearest name; nothing of them is drawn."""
import subprocess
import sys

CASES = [
    ("a=maloc(10)", "1:3", 'expected a call, found "maloc"; the nearest is "malloc"'),
    ("a=malloc(10); fre(a)", "1:15", 'the nearest is "free"'),
    ("a=malloc(10)\nb=malloc(20)\nfree(c)", "3:6", 'the nearest is "a"'),
    ("aa=malloc(1);free(ab)", "1:19", 'the nearest is "aa"'),
    ("a=malloc(10", "1:12", 'expected ")", found the end'),
    ("a=malloc(10) b=malloc(2)", "1:14", 'expected ";" or the end of the line, found "b"'),
    ("free(a)", "1:6", "nothing has been assigned yet"),
    ("repeat(3){a=malloc(1)", "1:22", 'expected "}", found the end'),
    ("repeat(0){a=malloc(1)}", "1:8", "expected a number of turns from 1"),
    ("a=malloc(12z)", "1:12", 'found "z"'),
    ("a=malloc(99999999999999999999)", "1:10", "expected a number below 2^64"),
    ("a=free(b)", "1:3", "expected a call that returns memory"),
    ("thread(){}", "1:8", "expected the name of a thread"),
    ("exit()", "1:1", "only inside thread(name)"),
    ("a=malloc(1,2)", "1:11", 'expected ")"'),
    ("a$=malloc(1)", "1:2", "inside repeat(k)"),
    ("a=malloc(1)\n\n  b=calloc(2)", "3:13", 'expected ","'),
    ("}", "1:1", "expected a call"),
    ("a=malloc(1) meanwhile{b=malloc(1)}", "1:13", "only after a call inside thread"),
    ("thread(t){a=malloc(1) meanwhile{thread(t){b=malloc(1)}}}", "1:32",
     "only other threads here"),
]


def main():
    bad = 0
    for script, place, words in CASES:
        run = subprocess.run([sys.argv[1], "play", script], capture_output=True, text=True)
        head = run.stderr.splitlines()[0] if run.stderr else ""
        if run.returncode != 2 or run.stdout or f" {place}: " not in head or words not in head:
            bad += 1
            print(f"{script!r}\n  wanted exit 2, {place}, ...{words}...\n"
                  f"  got exit {run.returncode}, {head!r}, drawn {run.stdout!r}")
    print(f"{len(CASES)} bad scripts, {bad} treated wrongly")
    sys.exit(bad != 0)


main()
