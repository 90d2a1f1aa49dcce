#!/usr/bin/env python3
"""Blocks between guard pages (check=3): in the sums of stats, which agree with the kernel's;
listed by chunks; drawn by map and layout; explained by what, with their stacks; judged by
check. Of a process, of a snapshot, of a core file; when all, and when some are guarded."""
import json
import os
import shutil
import subprocess
import tempfile

from subject import LIB, Driven, chunky, chunky_json, compiled, expect, finish

SOURCE = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define APART __attribute__((noinline))
APART void *taker(size_t n) { void *p = malloc(n); __asm__(""); return p; }
APART void giver(void *p) { free(p); __asm__(""); }
static void *more[20000];
int main(void) {
    char line[100], *a, *b, *c;
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IONBF, 0);
    a = taker(10);
    b = taker(5000);
    c = taker(100);
    memset(b, 1, 5000);
    giver(c);
    printf("%p %p %p\\n", (void *)a, (void *)b, (void *)c);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (line[0] == 'm')
            for (int i = 0; i < 20000; i++)
                more[i] = memset(taker(50), 1, 50);
        if (line[0] == 'h') ((uintptr_t *)a)[-1] ^= 0x4100;
        puts("done");
    }
    return 0;
}
"""


class Guarded(Driven):
    def __init__(self, path, conf):
        super().__init__([path], dict(os.environ, LD_PRELOAD=LIB, CHUNKY_CONF=conf))
        self.a, self.b, self.c = (int(x, 16) for x in self.first.split())


def apart(source):
    """Our resident bytes and the kernel's, as a share; and the sums."""
    s = chunky_json("stats", source, "--stop")
    ours = sum(k["resident"] for k in s["states"].values()) + s["metadata_resident"] + \
        s["heads_resident"] + s["spare_resident"]
    kernel = s["kernel"]["resident"] - s["kernel"]["foreign"]
    return abs(ours - kernel) / kernel, s


def sums(source, live_pages, kernel=False):
    s = chunky_json("stats", source)
    state = s["states"]["guarded"]
    rows = [json.loads(line) for line in chunky("chunks", source, "-f", "jsonl").out.splitlines()]
    listed = [r for r in rows if r["state"] == "guarded"]
    expect(state["count"] == len(listed) >= 2, state, len(listed))
    expect(s["guarded_asked"] == sum(r["asked"] for r in listed), s["guarded_asked"], listed)
    expect(state["bytes"] >= live_pages * 4096 and state["bytes"] % 4096 == 0, state)
    expect(kernel or s["states"]["barred"]["count"] == 1, s["states"])
    text = chunky("stats", source)
    line = next(l for l in text.out.splitlines() if l.startswith("  + guarded"))
    expect(f"{len(listed)} blocks" in line and "1 freed" in line, line)
    whole = next(l for l in text.out.splitlines() if l.startswith("  = mapped"))
    expect("GiB" not in whole, "what is only reserved is not mapped", text)
    return rows


def explained(source, p, core=False):
    """Each address of interest, in words."""
    def what(address):
        result = chunky("what", source, hex(address))
        expect(result.status == 0, result)
        return result.out
    inside = what(p.a + 3)
    expect("byte 3 of a guarded block, in use" in inside and "asked 10, usable 16" in inside, inside)
    expect("taker+0x" in inside and "guarded.c:7" in inside and "freed" not in inside, inside)
    header = what(p.a - 8)
    expect("the header of a guarded block" in header, header)
    past = what(p.a + 11)
    expect("2 past the last byte of a guarded block" in past, past)
    page = what(p.a - 4096)
    expect("in a guard page" in page and "4096 before this block" in page, page)
    behind = what(p.b + 5010)
    expect("in a guard page" in behind and "11 past the last byte" in behind, behind)
    expect("asked 5000" in behind and "asked 100" in behind, "both neighbours", behind)
    gone = what(p.c + 1)
    expect("freed: to touch it is a fault" in gone and "giver+0x" in gone, gone)
    expect(gone.index("allocated by thread") < gone.index("freed     by thread"), gone)
    told = chunky_json("what", source, hex(p.c))
    expect(told["state"] == "barred" and told["asked"] == 100 and not told["guard_page"], told)
    expect(any(f["function"] == "giver" for f in told["freed"]["stack"]), told)
    told = chunky_json("what", source, hex(p.b + 5008))
    expect(told["guard_page"] and told["asked"] == 5000 and told["offset"] == 5008, told)
    several = chunky_json("what", source, hex(p.a), hex(p.c), hex(p.b + 5008))
    expect([w["asked"] for w in several] == [10, 100, 5000], several)
    never = what(p.a + (1 << 20) * 100)
    expect("never used" in never, never)
    if not core:
        expect("4.0 KiB resident" in inside, inside)


def drawn(source, p):
    area = chunky("map", source)
    expect("between guard pages" in area.out, area)
    rows = area.out[area.out.index("between guard pages"):]
    expect("||o|xx|-|" in rows, rows)
    part = chunky("map", source, hex(p.a))
    expect("between guard pages" in part.out and "no heap lies there" not in part.out, part)
    told = chunky_json("map", source)["guarded"]
    expect([g["asked"] for g in told[:3]] == [10, 5000, 100] and told[2]["freed"], told)
    expect("blocks between guard pages" in chunky("layout", source).out)
    expect(any(s["part"] == "guard" for s in chunky_json("layout", source)["segments"]))
    row = next(l for l in chunky("chunks", source, "--rel", "--state", "barred").out.splitlines())
    expect(row.startswith("guard+0x") and "asked 100" in row, row)
    named = chunky("what", source, row.split()[0])
    expect("guarded block" in named.out, named)


def every(path, folder):
    with Guarded(path, "check=3,guard_rate=1") as p:
        drawn(p.pid, p)
        sums(p.pid, 3)
        explained(p.pid, p)
        share, _ = apart(p.pid)
        expect(share <= 0.005, share)
        snap = folder + "/g.snap"
        expect(chunky("dump", p.pid, "-o", snap).status == 0)
        expect(b"\x01" * 64 not in open(snap, "rb").read(), "what the program stored stays out")
        sums(snap, 3)
        explained(snap, p)
        drawn(snap, p)
        expect(chunky("check", snap).status == 0)
        if shutil.which("gcore") and shutil.which("gdb"):
            subprocess.run(["gcore", "-o", folder + "/core", str(p.pid)], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
            core = f"{folder}/core.{p.pid}"
            if os.path.exists(core):
                expect(os.stat(core).st_blocks < 1 << 20, "the reserve is in the core file")
                sums(core, 3)
                explained(core, p, core=True)
                drawn(core, p)
        damaged(p)
    with Guarded(path, "check=3,guard_rate=1") as p:
        p.say("m")  # more than may be guarded at once
        share, s = apart(p.pid)
        expect(share <= 0.005, share)
        expect(s["states"]["guarded"]["count"] >= 15000, s["states"]["guarded"])
        lines = chunky("map", p.pid).out
        expect("more rows (map SOURCE guard+0x" in lines, lines[-300:])


def damaged(p):
    good = chunky("check", p.pid)
    expect(good.status == 0, good)
    p.say("h")
    bad = chunky("check", p.pid)
    expect(bad.status == 1 and "rule C1" in bad.out and "guard+0x" in bad.out, bad)
    expect(chunky("stats", p.pid).status == 5)


def some(path):
    with Guarded(path, "check=3") as p:
        p.say("m")
        share, s = apart(p.pid)
        expect(share <= 0.005, share)
        count = s["states"]["guarded"]["count"]
        expect(0 < count < 10000, count)
    with Guarded(path, "check=0") as p:
        expect("guarded  " not in chunky("stats", p.pid).out)
        expect("between guard pages" not in chunky("map", p.pid).out)


with tempfile.TemporaryDirectory() as folder:
    path = compiled(folder, "guarded", SOURCE)
    every(path, folder)
    some(path)
finish()
