#!/usr/bin/env python3
"""large.py CHUNKY [BLOCKS]: a heap that is too large to be drawn byte by byte. What is folded
and what is drawn make up all of it, the audit agrees at each step, also on what was not read
again, and the page stays small. Prints how long the steps took."""
import json
import re
import resource
import subprocess
import sys

CHUNKY = sys.argv[1]
BLOCKS = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
MAKE = f"repeat({BLOCKS}){{a$=malloc(88); b$=malloc(88)}}; repeat({BLOCKS}){{free(b$)}}; "
THEN = [f"free(a{BLOCKS // 2})", "x=malloc(10)", f"y=realloc(a{BLOCKS // 3},2000)", "z=malloc(70000)",
        f"free(a{BLOCKS - 1})", "w=memalign(4096,100)", "free(y)", "free(z)", "trim()"]
bad = []


def play(*options):
    return subprocess.run([CHUNKY, "play", *options, MAKE + "; ".join(THEN)], capture_output=True, text=True,
                          check=True)


def step(number, lines):
    """All bytes and all chunks of the one heap, drawn or told."""
    rows = live = 0
    for line in lines:
        row = re.match(r"  \+[0-9a-f]+ \|[^|]{64}\|(.*)", line)
        many = re.match(r" +\* (\d+) rows (?:of '.'|folded: (\d+) chunks in use)", line)
        if row:
            rows += 1
            live += len(re.findall(r"\[\w+ \d+/\d+\]", row[1]))
        elif many:
            rows += int(many[1])
            live += int(many[2] or 0)
    size = int(next(re.search(r"heap end \+([0-9a-f]+)", line)[1] for line in lines if "heap end" in line), 16)
    if rows != (size + 63) // 64:
        bad.append(f"step {number}: {rows} rows of 64 are told of {size} bytes")
    if rows and sum("|" in line for line in lines) > 400:
        bad.append(f"step {number}: {len(lines)} lines")
    return live


def cached():
    """Steps that only the cache answers do not read a large heap again, and are right."""
    spent, steps = {}, "repeat(600){x=malloc(100); free(x)}; y=calloc(3,30); x=malloc(100); y=realloc(y,99)"
    for blocks in (40, 2000):
        script = f"repeat({blocks}){{a$=malloc(8000)}}; {steps}"
        options = ["-m", "cache", "--from", str(blocks + 1)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        quiet = subprocess.run([CHUNKY, "play", "--quiet", *options, script], capture_output=True, text=True,
                               check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent[blocks] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        full = subprocess.run([CHUNKY, "play", "--verify", *options, script], capture_output=True, text=True,
                              check=True).stdout
        strips = [re.findall(r"^#.*", told, re.M) for told in (quiet, full)]
        if strips[0] != strips[1] or len(strips[0]) != 1203:
            bad.append(f"strips of {blocks} blocks differ, or are {len(strips[0])}")
        bad.extend(line for line in full.splitlines() if line.startswith("     !"))
    if spent[2000] > 3 * spent[40] + 0.5:
        bad.append(f"seconds of steps by the number of blocks in the heap: {spent}")


def main():
    first = 3 * BLOCKS + 1
    done = play("--level", "byte", "--verify", "--time", "--from", str(first))
    steps = re.split(r"^(?=#\d+ )", done.stdout, flags=re.M)[1:]
    if len(steps) != len(THEN):
        bad.append(f"{len(steps)} steps")
    for number, text in enumerate(steps, first):
        lines = text.splitlines()
        bad.extend(line for line in lines if line.startswith("     !"))
        live = step(number, lines)
    sums = re.search(r"in use (\d+) chunks", done.stdout)
    if int(sums[1]) != live:
        bad.append(f"{live} chunks are told, {sums[1]} are in use")
    page = json.loads(play("--format", "json", "--from", str(first)).stdout)
    most = max(len(json.dumps(s)) for s in page["steps"])
    if most > 65536 or not all(s["regions"][0]["strip"] for s in page["steps"]):
        bad.append(f"a step of the page has {most} bytes")
    cached()
    print("\n".join(bad) or f"{len(steps)} steps are right; a step of the page has at most {most} bytes")
    print(done.stderr, end="")
    sys.exit(bool(bad))


main()
