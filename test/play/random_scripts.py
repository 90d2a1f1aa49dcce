#!/usr/bin/env python3
"""random_scripts.py CHUNKY [COUNT [SEED]]: random scripts are drawn byte by byte. After each
step the drawing must agree with the audit's walk of the same heap (--verify prints what
does not), with a model of what the script asked for, and with its own lists; and the
sentence of why must name every rule that the engine's trace recorded."""
import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# What a sentence says about each rule. `want` is the size that the sentence begins with.
CLAUSE = {
    "want": None,
    "fast_hit": r"fast\[{v}\] has one",
    "small_hit": r"small\[{v}\] has one",
    "sort": r"unsorted {v} is (too small|not an exact fit|looked at) and goes to",
    "unsorted_hit": r"unsorted {v} fits exactly",
    "fit": r"best fit among the bins is {v}",
    "split": r"the rest, {v}, goes to the unsorted bin",
    "whole": r"all {v} is handed out",
    "top_cut": r"(top is split: {v}|dirty part of the top, {v})",
    "top_small": r"(there is no top yet|the top, {v}, is too small)",
    "consolidate": r"fast bins, {v} bytes, are merged",
    "heap_grow": r"heap grows by {v}",
    "heap_new": r"a heap of {v} is made",
    "fast_put": r"parked in fast\[{v}\]",
    "merge_before": r"chunk before, {v}, is free",
    "merge_behind": r"chunk behind, {v}, is free",
    "merge_top": r"top lies behind: {v} becomes part",
    "unsorted_put": r"{v},? goes to the unsorted bin",
    "carve": r"carved into {d} neighbours?",
    "cache_hit": r"cache has one of {v}",
    "cache_fill": r"cache took {d} chunk",
    "depot_hit": r"magazine of {d}",
    "cache_put": r"pushed on the thread's cache for {v}",
    "cache_widen": r"may hold {d} from now on",
    "cache_flush": r"{d} chunks? leaves? the cache",
    "map": r"mapping of its own, {v} bytes",
    "map_reuse": r"kept mapping of {v}",
    "map_keep": r"mapping, {v} bytes, is kept",
    "unmap": r"mapping, {v} bytes, goes back",
    "map_resize": r"resizes the mapping to {v}",
    "trim": r"top is trimmed: {v}",
    "purge": r"{v} bytes are purged",
    "fits": r"the chunk, {v}, is large enough",
    "shrink": r"end of the chunk, {v}, is cut off",
    "extend": r"grows in place into {v}",
    "move": r"{d} bytes copied",
}


def make_script(rng):
    """Operations, and after each the live variables with what they asked for."""
    ops, states, live = [], [], {}
    names = list("abcdefghijklmnoqrstuvwyz")
    gone = set()
    many = rng.randint(200, 500) if rng.random() < 0.1 else 0  # more than 64 KiB of chunks
    for i in range(1, many + 1):
        ops.append(f"p{i}=malloc({rng.choice([24, 200, 350])})")
        states.append({})
    for _ in range(rng.randint(5, 25)):
        size = rng.choice([rng.randint(0, 200), rng.randint(1, 40), rng.randint(200, 3000),
                           rng.randint(3000, 60000), rng.choice([150000, 400000])])
        kind = rng.random()
        if live and kind < 0.4:
            name = rng.choice(sorted(live))
            ops.append(f"free({name})")
            del live[name]
        elif live and kind < 0.5:
            name = rng.choice(sorted(live))
            size = max(size, 1)
            ops.append(f"{name}=realloc({name},{size})")
            live[name] = size
        elif many and kind < 0.75:
            one = rng.randint(1, many)
            ops.append(f"free(p{one})" if rng.random() < 0.5 and one not in gone else "trim()")
            gone.add(one)
        elif kind < 0.53:
            ops.append("trim()")
        else:
            free = [n for n in names if n not in live]
            if not free:
                continue
            name = rng.choice(free)
            if kind < 0.6:
                ops.append(f"{name}=memalign({1 << rng.randint(5, 12)},{size})")
            elif kind < 0.67:
                ops.append(f"{name}=calloc(1,{size})")
            else:
                ops.append(f"{name}=malloc({size})")
            live[name] = size
        if rng.random() < 0.15:
            ops[-1] = f"thread(t){{{ops[-1]}}}"
        states.append(dict(live))
    return ops, states


def blocks_of(text):
    """The text of each step, by number."""
    steps, current = {}, None
    for line in text.splitlines():
        found = re.match(r"#(\d+) ", line)
        if found:
            current = steps.setdefault(int(found.group(1)), [])
        elif line.startswith("  # header"):
            current = None
        if current is not None:
            current.append(line)
    return steps


def section(lines, word):
    out = []
    for line in lines:
        if line.startswith(f"     {word} "):
            out.append(line[5 + len(word):])
        elif out and re.match(r" {11}\S", line) and word == "why":
            out.append(line)
        elif out:
            break
    return " ".join(" ".join(out).split())


def check_grid(lines, live):
    """Letters in the rows of bytes against what was asked; chunks against the lists."""
    counted, collapsed = {}, {}
    for line in lines:
        row = re.match(r"  \+[0-9a-f]+ \|([^|]*)\|", line)
        if row:
            for glyph in row.group(1):
                counted[glyph] = counted.get(glyph, 0) + 1
        many = re.match(r" +\* (\d+) rows of '(.)'", line)
        if many:
            counted[many.group(2)] = counted.get(many.group(2), 0) + 64 * int(many.group(1))
            collapsed[many.group(2)] = True
    for name, size in live.items():
        if counted.get(name.upper(), 0) != size:
            return f"{name}: {size} bytes asked, {counted.get(name.upper(), 0)} drawn"
    for glyph in counted:
        if glyph.isupper() and glyph.lower() not in live:
            return f"{glyph} is drawn, but {glyph.lower()} is not in use"
        if glyph in "?!":
            return f"{glyph} is drawn"
    return None


def check_lists(lines):
    """Every free chunk that the words describe lies in a list, and the other way round."""
    described, listed = set(), set()
    for line in lines:
        chunk = re.match(r"  (\S*\+[0-9a-f]+)  (unsorted|small|large|fast|cached)$", line)
        if chunk:
            described.add(chunk.group(1))
        bins = re.match(r"     .*  head (<->|->) (.*?)(?:   |$)", line)
        if bins:
            if "more)" in line:
                return None
            for name in re.split(r" <-> | -> ", bins.group(2)):
                if name != "head":
                    if name in listed:
                        return f"{name} is in two lists"
                    listed.add(name)
    return None if described == listed else f"drawn {described}, in lists {listed}"


def check_why(lines):
    """The clauses stand in the order of the rules; repeated ones are counted, and what
    comes after sixty is left out."""
    why, at, clauses, before = section(lines, "why"), 0, 0, None
    for rule, value in re.findall(r"(\w+)\((0x[0-9a-f]+|0)\)", section(lines, "rules")):
        if rule not in CLAUSE:
            return f"unknown rule {rule}"
        clauses += (rule, value) != before
        before = rule, value
        if CLAUSE[rule] is None:
            continue
        if clauses > 60 and "more rules" in why:
            return None
        found = re.compile(CLAUSE[rule].format(v=value, d=int(value, 16))).search(why, at)
        if not found:
            return f"rule {rule}({value}) is not in its place in: {why}"
        at = found.start()
    return None


def run(job):
    chunky, seed = job
    rng = random.Random(seed)
    mode = rng.choice(["coalesce", "bins", "cache"])
    ops, states = make_script(rng)
    script = "; ".join(ops)
    command = [chunky, "play", "--level", "byte", "--rules", "--verify", "--all",
               "--relative", "--from", str(max(1, len(ops) - 30)), "--mode", mode, script]
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, "COLUMNS": "80"})
    steps = blocks_of(done.stdout)
    where = f"seed {seed}, mode {mode}: {script}"
    states = states[-len(steps):] if steps else states
    first = len(ops) - len(states) + 1
    if done.returncode != 0 or len(steps) != min(len(ops), 31):
        return f"{where}\n  exit {done.returncode}, {len(steps)} of {len(ops)} steps\n" \
               f"{done.stderr}", 0
    for number, live in enumerate(states, first):
        lines = steps[number]
        audit = [line for line in lines if line.startswith("     !")]
        wrong = (audit and audit[0]) or check_grid(lines, live) or check_why(lines) or \
            check_lists(lines)
        if wrong:
            return f"{where}\n  step {number}: {wrong}", 0
    return None, len(steps)


def main():
    chunky = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    bad = steps = 0
    with ThreadPoolExecutor(2) as pool:
        for wrong, drawn in pool.map(run, [(chunky, s) for s in range(first, first + count)]):
            steps += drawn
            if wrong:
                bad += 1
                if bad <= 5:
                    print(wrong)
    print(f"{count} scripts, {steps} steps drawn, {bad} wrong")
    sys.exit(bad != 0)


main()
