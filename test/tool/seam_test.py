"""A large heap is read by two threads, half each. Where they meet may lie inside of a free
chunk, which still holds the headers of the chunks that it was merged from: these must not
be taken for chunks. Also without such a place, and with many bins, both see the same."""
import json

from subject import Subject, chunky, chunky_json, expect, finish

MANY = 130000
HELD = 2007  # blocks that the subject begins with


def same(s, what):
    """Sums of two threads against the list, which one thread makes."""
    rows = [json.loads(x) for x in chunky("chunks", s.pid, "-f", "jsonl").out.splitlines()]
    states = chunky_json("stats", s.pid)["states"]
    del states["fence"]
    for state, told in states.items():
        mine = [r["size"] for r in rows if r["state"] == state]
        expect([told["count"], told["bytes"]] == [len(mine), sum(mine)], what, state, told,
               len(mine), sum(mine))
    for cell in ("4k", "64k"):
        two = chunky("map", s.pid, "--cell", cell)
        one = chunky("map", s.pid, "--cell", cell, "--arena", "0")
        rows = [line for line in two.out.splitlines() if line.startswith("  ")]
        expect(all(line in one.out for line in rows) and len(rows) > 3, what, cell, two, one)
    for verb in (["check"], ["check", "--fast"], ["check", "--stop"]):
        result = chunky(*verb, s.pid)
        expect(result.status == 0 and " 0 findings" in result.out, what, verb, result)
    listed = [b for b in chunky_json("bins", s.pid)["lists"] if "count" in b]
    for state in ("fast", "small", "large", "unsorted"):
        mine = [b for b in listed if b["list"].startswith(state)]
        expect(sum(b["count"] for b in mine) == states[state]["count"], what, state, mine)
        expect(all(b["sound"] for b in mine), what, state, mine)
    return states


CONF = "purge=64G,cache=0,depot=0,mmap_threshold=1G,fast=0"
with Subject(conf=CONF) as s:
    s.say(f"grow {MANY + 1} 1000")
    same(s, "full")
    s.say(f"drop {HELD} {MANY}")
    states = same(s, "one free chunk")
    expect(max(states["large"]["bytes"], states["unsorted"]["bytes"]) > 100 << 20, states)

with Subject(conf=CONF) as s:
    s.say(f"grow {2 * MANY} 400")
    for first in range(HELD, HELD + 2 * MANY, 2000):
        s.say(f"drop {first} 700")
    same(s, "gaps")

with Subject(conf=CONF) as s:
    s.say(f"grow {3 * MANY} 200")
    s.say(f"odd {HELD}")
    states = same(s, "many in bins")
    expect(states["small"]["count"] + states["unsorted"]["count"] > 100000, states)
finish()
