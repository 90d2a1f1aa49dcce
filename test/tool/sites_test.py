#!/usr/bin/env python3
"""diff by call site: what grew and where, when the stacks were kept; of processes, of
snapshots, of two runs with other addresses; and how to record when they were not."""
import os
import tempfile

from subject import LIB, Driven, chunky, chunky_json, compiled, expect, finish

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#define APART __attribute__((noinline))
static void *kept[10000];
static int n;
APART void grower(int k) { while (k-- > 0) kept[n++] = malloc(100); __asm__(""); }
APART void steady(int k) { while (k-- > 0) kept[n++] = malloc(3000); __asm__(""); }
int main(void) {
    char line[100];
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IONBF, 0);
    steady(20);
    grower(10);
    puts("ready");
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (line[0] == 'g') grower(atoi(line + 1));
        if (line[0] == 'f') for (int i = 0; i < 20; i++) { free(kept[i]); kept[i] = NULL; }
        puts("done");
    }
    return 0;
}
"""


class Grower(Driven):
    def __init__(self, path, conf):
        super().__init__([path], dict(os.environ, LD_PRELOAD=LIB, CHUNKY_CONF=conf))


def sites(a, b):
    """Function of the program: [count, count], bytes."""
    told = chunky_json("diff", a, b)["call_sites"]
    found = {}
    for s in told["sites"]:
        names = [f["function"] for f in s["stack"] if f["function"] in ("grower", "steady")]
        for name in names:
            old = found.get(name, [0, 0, 0, 0])
            found[name] = [x + y for x, y in zip(old, s["count"] + s["bytes"])]
    return told, found


def every(path, folder):
    """One block in one is guarded."""
    before, after = folder + "/a.snap", folder + "/b.snap"
    conf = "check=3,guard_rate=1"
    with Grower(path, conf) as p:
        expect(chunky("dump", p.pid, "-o", before).status == 0)
        p.say("g 30")
        p.say("f")
        want = {"grower": [10, 40, 1000, 4000], "steady": [20, 0, 60000, 0]}
        told, found = sites(before, p.pid)
        expect(found == want and told["guard_rate"] == [1, 1], found, told)
        d = chunky_json("diff", before, p.pid)
        expect(d["came"]["count"] == 30 and d["went"]["count"] == 20, d["came"], d["went"])
        expect(chunky("diff", before, p.pid, "--fail").status == 1)
        expect(chunky("dump", p.pid, "-o", after).status == 0)
        told, found = sites(before, after)
        expect(found == want, found, told)
        frame = next(f for s in told["sites"] for f in s["stack"] if f["function"] == "grower")
        expect(frame["source"].endswith("grower.c") and frame["line"] == 7, frame)
        text = chunky("diff", before, after)
        shown = text.out[text.out.index("by call site"):]
        expect("every one that was guarded" in shown, text)
        expect(shown.index("steady+0x") < shown.index("grower+0x"), text)
        expect("-58.6 KiB    20 -> 0 blocks" in shown and "0 -> 30 blocks" in shown, text)
        few = chunky("diff", before, after, "--limit", "1").out
        expect("grower+0x" not in few and "more site" in few, few)
        page = chunky("diff", before, after, "-f", "html")
        expect("steady+0x" in page.out, page)
    with Grower(path, conf) as other:
        told, found = sites(before, other.pid)
        expect(found == {"grower": [10, 10, 1000, 1000], "steady": [20, 20, 60000, 60000]},
               "another run", found)
        expect("no site grew or shrank" in chunky("diff", before, other.pid).out)
    return before


def others(path, folder, recorded):
    with Grower(path, "check=3") as p:
        for _ in range(40):
            p.say("g 200")
        text = chunky("diff", p.pid, p.pid)
        expect("a sample (check=3), nothing is scaled" in text.out, text)
        told = chunky_json("diff", p.pid, p.pid)["call_sites"]
        expect(told["guard_rate"] == [0, 0] and told["blocks"][0] == told["blocks"][1], told)
    with Grower(path, "check=3,guard_rate=5") as p:
        expect("one in 5 (guard_rate), nothing is scaled" in chunky("diff", p.pid, p.pid).out)
    with Grower(path, "check=0") as p:
        text = chunky("diff", p.pid, p.pid)
        expect("no stacks were kept; CHUNKY_CONF=check=3" in text.out, text)
        expect(chunky_json("diff", p.pid, p.pid)["call_sites"] is None)
        expect("B has kept no stacks" in chunky("diff", recorded, p.pid).out)
        expect("A has kept no stacks" in chunky("diff", p.pid, recorded).out)


with tempfile.TemporaryDirectory() as folder:
    path = compiled(folder, "grower", SOURCE)
    others(path, folder, every(path, folder))
finish()
