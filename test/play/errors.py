#!/usr/bin/env python3
"""errors.py CHUNKY: bad scripts are refused as a whole, with line and column, what was
expected, and the nearest name; nothing of them is drawn."""
import json
import os
import re
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
    ("ä=malloc(1)", "1:1", 'found "ä"'),
    ("// äöü\n#ä; ß", "2:5", 'found "ß"'),
    ("a=malloc(1); \x1b[31m", "1:14", 'found "\\x1b"'),
    (b"a=malloc(1); \xff", "1:14", 'found "\\xff"'),
    (b"# \xff\xfe; \xe9=", "1:7", 'found "\\xe9"'),
    ("a=malloc(1)\r\nb=mallok(2)\r\n", "2:3", 'the nearest is "malloc"'),
]


def files():
    """Files of other systems' editors; what a tag says cannot drive the terminal."""
    bad = 0
    for text in (b"\xef\xbb\xbfa=malloc(10)\n", b"a=malloc(10)\r\n# tag\r\nfree(a)\r\n",
                 b"a=malloc(10) # \x1b[31m\xff\n"[:12] + b"\n# \x1b[31m\xff\n"):
        run = subprocess.run([sys.argv[1], "play", "-f", "-"], input=text, capture_output=True)
        if run.returncode != 0 or b"#1 a=malloc(10)" not in run.stdout or \
                b"\x1b" in run.stdout or b"\r" in run.stdout or b"\xff" in run.stdout:
            bad += 1
            print(f"{text!r}: exit {run.returncode}, {run.stderr!r}\n{run.stdout.decode(errors='replace')}")
    return bad


def absent():
    """A file that is not there is no script; nor is one that is there, to explain."""
    bad = 0
    for name in ("nosuch.trace", "./nosuch", "/nonexistent/x", "a\x1b.trace"):
        for verb in (["play"], ["play", "--compare"], ["play", "-f"], ["explain", "malloc", "30"]):
            run = subprocess.run([sys.argv[1], *verb, name], capture_output=True, text=True)
            lines = run.stderr.splitlines()
            if run.returncode != 3 or len(lines) != 1 or "No such file" not in lines[0] or \
                    "\x1b" in run.stderr:
                bad += 1
                print(f"{verb} {name!r}: exit {run.returncode}, {run.stderr!r}")
    for verb, status in ((["explain", "malloc", "30", __file__], 2), (["play", "# a/b.c"], 0),
                         (["play", "// a.b"], 0), (["play", "free(a.b)"], 2)):
        run = subprocess.run([sys.argv[1], *verb], capture_output=True, text=True)
        if run.returncode != status:
            bad += 1
            print(f"{verb}: exit {run.returncode}, {run.stderr!r}")
    return bad


def offered():
    """All that is offered works: each format, each way to name two modes; each option is told."""
    bad = 0

    def play(*words):
        return subprocess.run([sys.argv[1], "play", *words, "a=malloc(10)"], capture_output=True,
                              text=True)
    page = play("--html", "-").stdout
    for words, good in ((["--format", "html"], lambda run: run.stdout == page and "<!doctype" in page),
                        (["--format", "json"], lambda run: json.loads(run.stdout)["steps"]),
                        (["--format", "text"], lambda run: run.stdout == play().stdout != ""),
                        (["-c=bins,cache"], lambda run: "bins:" in run.stdout and "cache:" in run.stdout),
                        (["-cbins,cache"], lambda run: "bins:" in run.stdout and "cache:" in run.stdout),
                        (["-c"], lambda run: "coalesce:" in run.stdout)):
        run = play(*words)
        if run.returncode != 0 or not good(run):
            bad += 1
            print(f"{words}: exit {run.returncode}, {run.stdout[:200]!r}, {run.stderr!r}")
    told = subprocess.run([sys.argv[1], "help", "play"], capture_output=True, text=True).stdout
    completed = subprocess.run([sys.argv[1], "help", "--bash"], capture_output=True, text=True).stdout
    words = next(line for line in completed.splitlines() if line.startswith("    play)"))
    for option in re.findall(r"--[a-z-]+", words):
        if option not in told and option != "--help":
            bad += 1
            print(f"{option} is completed, and no help tells it")
    return bad


def unwritten():
    """Output that is lost is told, unless its reader left."""
    bad = 0
    for verb in (["play", "a=malloc(1)"], ["play", "--format", "json", "a=malloc(1)"],
                 ["play", "--html", "/dev/full", "a=malloc(1)"], ["play", "--compare", "a=malloc(1)"],
                 ["explain", "malloc", "3"], ["help"], ["help", "play"], ["--version"]):
        with open("/dev/full", "w") as full:
            run = subprocess.run([sys.argv[1], *verb], stdout=full, stderr=subprocess.PIPE, text=True)
        if run.returncode != 3 or "written" not in run.stderr:
            bad += 1
            print(f"{verb} to a full disk: exit {run.returncode}, {run.stderr!r}")
        read, write = os.pipe()
        os.close(read)
        run = subprocess.run([sys.argv[1], *verb], stdout=write, stderr=subprocess.PIPE, text=True)
        os.close(write)
        if "/dev/full" not in verb and (run.returncode != 0 or run.stderr):
            bad += 1
            print(f"{verb} to a closed pipe: exit {run.returncode}, {run.stderr!r}")
    return bad


def main():
    bad = 0
    for script, place, words in CASES:
        run = subprocess.run([sys.argv[1], "play", script], capture_output=True, text=True)
        if "\x1b" in run.stderr or "\r" in run.stderr:
            bad += 1
            print(f"{script!r}: the mistake is shown with control characters: {run.stderr!r}")
        head = run.stderr.splitlines()[0] if run.stderr else ""
        if run.returncode != 2 or run.stdout or f" {place}: " not in head or words not in head:
            bad += 1
            print(f"{script!r}\n  wanted exit 2, {place}, ...{words}...\n"
                  f"  got exit {run.returncode}, {head!r}, drawn {run.stdout!r}")
    bad += files() + absent() + offered() + unwritten()
    print(f"{len(CASES)} bad scripts, {bad} treated wrongly")
    sys.exit(bad != 0)


main()
