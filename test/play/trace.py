#!/usr/bin/env python3
"""trace.py CHUNKY RECORDED: `play --record` of a program whose calls are known and of real
ones; the traces are played, and the heap at the end must hold what the trace says; damaged
ones are refused with one line, and nothing of them runs."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CHUNKY, RECORDED = sys.argv[1:3]
bad = []


def chunky(*arguments, stdin=""):
    return subprocess.run([CHUNKY, "play", *arguments], capture_output=True, text=True, input=stdin)


def check(what, good, shown=""):
    if not good:
        bad.append(what)
        print(f"wrong: {what} {shown}")


def blocks_in_use(trace):
    """Number and bytes of the blocks that a trace leaves, by its own words."""
    live = {}
    for line in trace.read_text().splitlines()[2:]:
        word = line.split()
        if word[0] == "end":
            break
        if word[1] in ("free", "realloc"):
            del live[word[2]]
        if word[1] == "calloc":
            live[word[-1]] = int(word[2]) * int(word[3])
        elif word[1] != "free":
            live[word[-1]] = int(word[3] if word[1] in ("memalign", "realloc") else word[2])
    return len(live), sum(live.values())


def play(trace):
    """Played in each mode; the drawing of the last steps agrees with the audit."""
    count, asked = blocks_in_use(trace)
    last = int(trace.read_text().split()[-1])
    for mode in "coalesce", "bins", "cache":
        run = chunky("-m", mode, "--verify", "--from", str(max(1, last - 3)), str(trace))
        check(f"{trace.name} in mode {mode}: exit {run.returncode}", run.returncode == 0, run.stderr)
        check(f"{trace.name} in mode {mode}: the audit", not re.search("^ {5}!", run.stdout, re.M),
              re.findall("^ {5}!.*", run.stdout, re.M)[:3])
        sums = re.search(r"in use (\d+) chunks?: asked (\d+) B", run.stdout)
        check(f"{trace.name} in mode {mode}: {count} blocks of {asked} bytes are left",
              sums and (int(sums[1]), int(sums[2])) == (count, asked), sums and sums[0])


def known(folder):
    """Each call of the program once, in its order and from its thread; fork and exec."""
    trace = folder / "known.trace"
    run = chunky("--record", "-o", str(trace), "--", RECORDED)
    check("the program's exit status", run.returncode == 9, f"{run.returncode} {run.stderr}")
    lines = trace.read_text().splitlines()
    check("first line", lines[0] == "chunky play trace 1", lines[0])
    text = trace.read_text()
    ids = {}
    for i in range(100):
        made = re.findall(rf"^1 malloc {10000 + i} = (\d+)$", text, re.M)
        check(f"malloc({10000 + i}) by the first thread", len(made) == 1, made)
        check(f"freed by the second: {made}", re.search(rf"^2 free {made[0]}$", text, re.M))
        ids[i] = re.search(rf"^2 malloc {20000 + i} = (\d+)$", text, re.M)
        check(f"malloc({20000 + i}) by the second thread", ids[i])
    calls = re.search(r"^1 calloc 3 30001 = (\d+)\n1 realloc \1 40001 = (\d+)\n1 realloc \2 40002 = \d+\n"
                      r"1 memalign 256 50001 = (\d+)\n1 free \3\n1 memalign 64 50048 = (\d+)\n1 free \4\n"
                      r"1 memalign 4096 50002 = (\d+)\n1 free \5\n1 malloc 56007 = (\d+)\n1 free \6$", text, re.M)
    check("calloc, realloc and the aligned ones", calls)
    check("nothing of the forked child", "77777" not in text)
    again = folder / "exec.trace"
    chunky("--record", "-o", str(again), "--", RECORDED, "again")
    check("after exec the recording starts again",
          "66666" not in again.read_text() and "malloc 10099" in again.read_text())
    play(trace)
    short = folder / "short.trace"
    chunky("--record", "--limit", "50", "-o", str(short), "--", RECORDED)
    count = int(short.read_text().split()[-1])
    check("--limit 50", 40 <= count <= 50, count)
    run = chunky("--record", "--limit", "50", "-o", str(short), "--", RECORDED, "grows")
    count = int(short.read_text().split()[-1])
    whole = folder / "whole.trace"
    told = chunky("--record", "-o", str(whole), "--", RECORDED, "grows").stderr
    check("a realloc that fails keeps its block",
          re.search(r"realloc \d+ 4000 = (\d+)\n(1 (?!.*\b\1\b).*\n)*1 free \1\n", whole.read_text()) and
          "left out" not in told, told)
    check("a realloc is one operation of the 50", count == 50 and "the first 50 of " in run.stderr,
          f"{count} {run.stderr}")
    play(short)
    return trace


def programs(folder):
    for name, command in (("sqlite3", ["sqlite3", ":memory:",
                                       "create table t(a); insert into t values(1); select * from t"]),
                          ("python", [sys.executable, "-c", "import json; print(json.dumps([1] * 99))"]),
                          ("sh", ["sh", "-c", "exit 5"])):
        if shutil.which(command[0]) is None:
            print(f"no {name} here")
            continue
        trace = folder / f"{name}.trace"
        run = chunky("--record", "-o", str(trace), "--", *command)
        plain = subprocess.run(command, capture_output=True, text=True)
        check(f"{name} does the same", (run.returncode, run.stdout) == (plain.returncode, plain.stdout),
              f"{run.returncode} {run.stdout!r} {run.stderr}")
        play(trace)
    started = folder / "started.trace"
    run = chunky("--record", "--program", pathlib.Path(RECORDED).name, "-o", str(started), "--",
                 "sh", "-c", f"{RECORDED}; exit 0")
    check("--program", run.returncode == 0 and "malloc 10099" in started.read_text(), run.stderr)
    run = chunky("--record", "-o", str(folder / "none"), "--", str(folder / "absent"))
    check("a command that is not there", run.returncode == 127 and not (folder / "none").exists(), run)


def unwritable(folder):
    """Where no trace can be written the command does not run; what is there stays until there is one."""
    ran = folder / "ran"
    for place in folder / "absent" / "x", folder:
        run = chunky("--record", "-o", str(place), "--", "touch", str(ran))
        check(f"a trace at {place}: exit 3, one line, nothing ran",
              run.returncode == 3 and run.stderr.count("\n") == 1 and str(place) in run.stderr and
              not ran.exists(), f"{run.returncode} {run.stderr!r}")
    old = folder / "old.trace"
    old.write_text("what was there, and is longer than a trace of nothing\n" * 9999)
    before = old.read_text()
    for words in ([str(folder / "absent")], ["--program", "nobody"]):
        options = words if len(words) > 1 else []
        command = ["true"] if len(words) > 1 else words
        run = chunky("--record", *options, "-o", str(old), "--", *command)
        check("without a trace the old file stays", run.returncode != 0 and old.read_text() == before, run)
        run = chunky("--record", *options, "-o", str(folder / "new"), "--", *command)
        check("and no new one is left", run.returncode != 0 and not (folder / "new").exists(), run)
    run = chunky("--record", "-o", str(old), "--", RECORDED)
    check("a trace replaces all of it", "what was" not in old.read_text() and
          old.read_text().splitlines()[-1].startswith("end "), run.stderr)


def damaged(folder, trace):
    lines = trace.read_text().splitlines(True)
    middle = len(lines) // 2
    cases = {
        "cut off": lines[:middle],
        "a line lost": lines[:middle] + lines[middle + 1:],
        "a word wrong": lines[:middle] + ["1 mallok 5 = 3\n"] + lines[middle:],
        "a number wrong": lines[:middle] + ["1 free 999999\n"] + lines[middle:],
        "too large": lines[:middle] + ["1 malloc 99999999999999999999999 = 1\n"] + lines[middle:],
        "a wrong count": lines[:-1] + ["end 3\n"],
        "text behind it": lines + ["1 malloc 5 = 999\n"],
        "another version": ["chunky play trace 2\n"] + lines[1:],
    }
    for what, text in cases.items():
        file = folder / "damaged.trace"
        file.write_text("".join(text))
        run = chunky(str(file))
        place = re.match(rf"chunky play: {file}:(\d+):(\d+): damaged trace: expected ", run.stderr)
        check(f"damaged, {what}: exit 3, one line and the place",
              run.returncode == 3 and place and run.stderr.count("\n") == 1 and not run.stdout,
              f"{run.returncode} {run.stderr!r}")
    file.write_bytes("".join(lines[:middle]).encode() + b"\0\1\2\n" + "".join(lines[middle:]).encode())
    run = chunky(str(file))
    check("a byte 0", run.returncode == 3 and run.stderr.count("\n") == 1, run.stderr)


def stepped(trace):
    """Forwards, to a number, back; and as a page."""
    run = chunky("--step", str(trace), stdin="\n\n5\nb\nx\nq\n")
    drawn = re.findall(r"^#(\d+) ", run.stdout, re.M)
    check("steps forwards and back", drawn == ["1", "2", "3", "5", "4"], drawn)
    page = chunky("--html", "-", "--from", "10", "--to", "12", str(trace))
    check("a page of three steps", page.stdout.count('"op":"#') == 3, page.stderr)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        trace = known(folder)
        programs(folder)
        unwritable(folder)
        damaged(folder, trace)
        stepped(trace)
    print(f"traces: {len(bad)} wrong")
    sys.exit(bool(bad))


main()
