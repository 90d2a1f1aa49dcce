"""Every verb on a running process: what it says is what the program did."""
import csv
import io
import html
import json
import os
import re
import subprocess
import tempfile
import xml.dom.minidom

from subject import LIB, Driven, Subject, chunky, chunky_json, compiled, expect, finish


def states(stats):
    return stats["states"]


def stats(s):
    v = chunky_json("stats", s.pid)
    expect(v["schema"] == "chunky-stats/1" and v["requested_is_recorded"], v)
    st = states(v)
    total = sum(st[k]["resident"] for k in st) + v["metadata_resident"] + \
        v["heads_resident"] + v["spare_resident"]
    kernel = v["kernel"]["resident"] - v["kernel"]["foreign"]
    expect(abs(total - kernel) <= kernel * 0.005, "ours", total, "the kernel's", kernel)
    heaps = sum(a["heap_bytes"] for a in v["arenas"])
    inside = sum(st[k]["bytes"] for k in st if k not in ("mapped", "kept"))
    expect(0 <= heaps - inside <= 4096 * len(v["arenas"]), heaps, inside)
    live = st["live"]["bytes"] + st["mapped"]["bytes"]
    expect(v["requested"] <= v["usable"] < live, v["requested"], v["usable"], live)
    expect(v["config"]["request"] == 1)
    text = chunky("stats", s.pid)
    expect(text.status == 0 and "difference" in text.out, text)
    document = xml.dom.minidom.parseString(chunky("stats", s.pid, "-f", "xml").out)
    expect(document.documentElement.tagName == "malloc")
    total = [e for e in document.documentElement.childNodes
             if e.nodeName == "total" and e.getAttribute("type") == "mmap"]
    expect(int(total[0].getAttribute("count")) == 1, total[0].toxml())
    space = document.getElementsByTagName("aspace")[0].getAttribute("size")
    heaps = [int(node.getAttribute("size")) for node in document.getElementsByTagName("system")
             if node.getAttribute("type") == "current"]
    expect(int(space) == heaps[-1], "as malloc_info: heaps, and no mappings", space, heaps)
    return v


def openmetrics(s):
    lines = chunky("stats", s.pid, "-f", "openmetrics").out.splitlines()
    expect(lines[-1] == "# EOF")
    family, kinds = None, {}
    for line in lines[:-1]:
        head = re.fullmatch(r"# (TYPE|UNIT|HELP) (chunky_\w+) ?(.*)", line)
        if head:
            if head[1] == "TYPE":
                expect(head[2] not in kinds, "twice", head[2])
                family = head[2]
                kinds[family] = head[3]
            expect(head[2] == family, line)
            expect(head[1] != "UNIT" or family.endswith("_" + head[3]), line)
            continue
        sample = re.fullmatch(r'(\w+)(\{(\w+="[^"]*",?)*\})? \d+', line)
        suffix = "_total" if kinds[family] == "counter" else ""
        if expect(sample, "no sample", line):
            expect(sample[1] == family + suffix, line)


def chunks(s, v):
    rows = [json.loads(x) for x in chunky("chunks", s.pid, "-f", "jsonl").out.splitlines()]
    for state in ("live", "mapped", "top", "fast", "unsorted", "small", "large", "cached"):
        mine = [r for r in rows if r["state"] == state]
        expect(len(mine) == states(v)[state]["count"], state, len(mine))
        expect(sum(r["size"] for r in mine) == states(v)[state]["bytes"], state)
    by_address = {int(r["address"], 16): r for r in rows}
    for asked, mem in s.block.items():
        r = by_address.get(mem - 16)
        if expect(r is not None, "no chunk for", asked):
            expect(r.get("asked", r["size"] - 8) == asked or asked == 24, asked, r)
    heap = [r for r in rows if r["arena"] == 0]
    for before, after in zip(heap, heap[1:]):
        expect(int(before["address"], 16) + before["size"] == int(after["address"], 16),
               before, after)
    table = list(csv.DictReader(io.StringIO(chunky("chunks", s.pid, "-f", "csv").out)))
    expect(len(table) == len(rows))
    few = chunky("chunks", s.pid, "--state", "live", "--size", "1000-1100", "--count")
    want = [r for r in rows if r["state"] == "live" and 1000 <= r["size"] <= 1100]
    expect(few.out.startswith(f"{len(want)} chunks"), few, len(want))
    summary = chunky("chunks", s.pid, "--summary", "-f", "jsonl").out.splitlines()
    expect(sum(json.loads(x)["count"] for x in summary) == len(rows))
    rel = chunky("chunks", s.pid, "--rel", "--limit", "1").out
    expect(rel.startswith("heap+0x0 "), rel)
    for form, first in (("csv", "heap+0x0,"), ("jsonl", '{"address":"heap+0x0",')):
        rel = chunky("chunks", s.pid, "--rel", "--limit", "1", "-f", form).out
        expect(rel.splitlines()[-1].startswith(first), rel)
    # The end of a range is behind it, as that of map is; an address alone is a place.
    for at in (heap[1], heap[7]):
        start = int(at["address"], 16)
        for range_, count in ((f"{start:#x}-{start + at['size']:#x}", 1), (at["address"], 1),
                              (f"{start - 1:#x}-{start + at['size'] + 1:#x}", 3)):
            got = chunky("chunks", s.pid, "--range", range_, "--count").out
            expect(got.startswith(f"{count} chunk{'' if count == 1 else 's'}, "), range_, got)


def what(s):
    for asked in (10, 100, 1000, 5000, 40000, 300000):
        w = chunky_json("what", s.pid, hex(s.block[asked] + 5))
        expect(w["offset"] == 5 and w["asked"] == asked, asked, w)
        expect(w["state"] == ("mapped" if asked == 300000 else "live"), w)
    text = chunky("what", s.pid, hex(s.block[1000]), "--hex")
    expect("asked 1000" in text.out and "is resident" in text.out and "kkkkkkkk" in text.out, text)
    expect("not in a block" in chunky("what", s.pid, "0x10").out)
    expect(chunky("what", s.pid, "nonsense").status == 2)
    # Several addresses are one document; one that is none leaves no half of it.
    blocks = [hex(s.block[asked]) for asked in (10, 1000, 300000)]
    several = chunky_json("what", s.pid, *blocks, "0x10")
    expect([w.get("asked") for w in several] == [10, 1000, 300000, None], several)
    half = chunky("what", s.pid, *blocks, "nonsense", "-f", "json")
    expect(half.status == 2 and half.out == "", half)
    relative = chunky("what", s.pid, "heap+0x0").out
    expect("heap+0x0" in relative, relative)
    for state in ("fast", "unsorted", "small", "large", "cached"):
        found = chunky("chunks", s.pid, "--state", state, "--limit", "3").out.split()
        if found and found[0].startswith("0x"):
            told = chunky_json("what", s.pid, hex(int(found[0], 16) + 16))
            expect(told["state"] == state and 1 <= told["place"] <= told["length"], told)


def bins(s, full=False):
    told = chunky_json("bins", s.pid, "--all")
    expect(told["schema"] == "chunky-bins/1" and str(s.pid) in told["source"], told)
    lists = told["lists"]
    for b in lists:
        expect(b.get("sound", True), b)
    text = chunky("bins", s.pid, "--all")
    expect(text.out.startswith(f"process {s.pid} "), "what it is of", text)
    expect(text.status == 0 and "caches" in text.out and "depot of arena 0" in text.out, text)
    if full:
        expect("head <-> " in text.out and "head -> " in text.out, text)
        st = states(chunky_json("stats", s.pid))
        for kind in ("fast", "small", "large", "unsorted"):
            mine = [b for b in lists if b["list"].startswith(kind)]
            expect(sum(b["count"] for b in mine) == st[kind]["count"], kind, mine)
            expect(sum(b["bytes"] for b in mine) == st[kind]["bytes"], kind)


def counted(source):
    """check and chunks mean the same by a chunk: those of caches and depots once, mapped ones too."""
    told = chunky("check", source).out
    looked = int(re.search(r"([\d ]+) chunks? looked at", told).group(1).replace(" ", ""))
    expect(looked == int(chunky("chunks", source, "--count").out.split(" chunks")[0]), source, told)


def others(s):
    bins(s)
    counted(s.pid)
    rows = re.findall(r"^  (\d+) +\d+ (?: *[\d.]+ \w+){5} +([\d ]+)$",
                      chunky("stats", s.pid).out, re.M)
    for arena, count in rows:
        listed = chunky("chunks", s.pid, "--arena", arena, "--count").out
        expect(listed.startswith(count.replace(" ", "") + " chunks"), arena, count, listed)
    expect(rows, "no table of arenas")
    f = chunky_json("frag", s.pid)
    last = f["heaps"][0]
    row = [json.loads(x) for x in chunky("chunks", s.pid, "-f", "jsonl").out.splitlines()]
    behind = [r["size"] for r in row
              if int(last["pin"], 16) < int(r["address"], 16) < int(last["start"], 16) + last["bytes"]]
    expect(last["behind"] == sum(behind), last, behind)
    expect(0 <= f["external"] <= 100 and f["heaps"][0]["pin"], f)
    expect(chunky("frag", s.pid, "--fail").status in (0, 1))
    parts = {g["part"] for g in chunky_json("layout", s.pid)["segments"]}
    expect({"text", "data", "heap", "stack", "metadata", "mapped", "file"} <= parts, parts)
    drawn = chunky("layout", s.pid).out
    expect("<-- the program break" in drawn and "gap of" in drawn, drawn)
    expect(drawn.index("stack") < drawn.index("heap of arena 0") < drawn.index("text:"), drawn)


def maps(s):
    m = chunky_json("map", s.pid, "--cell", "16")
    expect(m["schema"] == "chunky-map/1" and m["heaps"][0]["rows"], m)
    cells = "".join(r["cells"] for r in m["heaps"][0]["rows"])
    live = chunky_json("stats", s.pid)["states"]
    heads = sum(live[k]["count"] for k in live if k not in ("mapped", "kept", "broken"))
    if len(m["heaps"]) == 1:
        expect(abs(cells.count("#") - heads) <= 1, cells.count("#"), heads)
    xml.dom.minidom.parseString(chunky("map", s.pid, "-f", "svg").out)
    for verb in (["map", s.pid, "--cell", "16"], ["diff", s.pid, s.pid]):
        plain = chunky(*verb).out
        page = chunky(*verb, "-f", "html").out
        shown = html.unescape(re.sub(r"<[^>]*>", "", page[page.index("<pre>"):]))
        expect(shown.strip() == plain.strip(), verb, shown[:300], plain[:300])
        expect(page.startswith("<!doctype html>") and page.count("<span") == page.count("</span>") > 4, page[:300])
    for by in ("state", "size", "arena"):
        bright = chunky("map", s.pid, "--color-by", by, "--color", "always").out
        expect(set(re.findall(r"\x1b\[([^m]*)m", bright)) and
               all(re.fullmatch("[0-9;]*", x) for x in re.findall(r"\x1b\[([^m]*)m", bright)), bright[:500])
    page = chunky("map", s.pid, hex(s.block[1000]))
    expect("ooooooooo" in page.out or "xxxxxxxxx" in page.out, page)
    art = chunky("map", s.pid, "--art", "-f", "html")
    expect("a double left edge" in art.out and "\u2551" in art.out, art)
    art = chunky("map", s.pid, "--art", "--ascii")
    expect("; [ as its left edge" in art.out and "....[####" in art.out, art)
    expect(re.search(r" 4095 *$", art.out.rstrip().splitlines()[-1]), art.out[-200:])
    for width in (60, 80, 142, 200):
        wide = chunky("map", s.pid, "--width", width, "--cell", "4k")
        row = next(r for r in wide.out.splitlines() if r.startswith("  +0000000 |"))
        expect(row.split("|")[1] and len(row.split("|")[1]) <= (128 if width >= 142 else 64), row)
    for by in ("state", "size", "arena"):
        expect(chunky("map", s.pid, "--color-by", by, "--color", "always").status == 0)
    for cell in (1, 4, 8, 16, 64, "4k", "64k", "1m"):
        expect(chunky("map", s.pid, "--cell", cell, "--range",
                      "heap+0x0-heap+0x8000").status == 0, cell)


def mapped(s):
    """A block in a mapping of its own is drawn like others, by address and by name."""
    block, asked = s.block[300000], 300000
    whole = chunky_json("map", s.pid, f"{block:#x}-{block + asked + 1:#x}", "--cell", "16")
    rows = [m["rows"] for m in whole["mapped"] if "rows" in m]
    expect(len(rows) == 1 and whole["heaps"] == [], whole)
    cells = "".join(r["cells"] for r in rows[0])
    expect(cells.count("#") == 1 and cells.count("o") + cells.count("x") == asked // 16, cells[:200])
    name = chunky("what", s.pid, hex(block)).out.split()[1]
    expect(name.startswith("mapped"), name)
    for place in (hex(block), name, hex(block + asked - 1)):
        page = chunky("map", s.pid, place)
        expect(page.status == 0 and "mapped block  " + name.split("+")[0] in page.out and
               ("oooooooo" in page.out or "xxxxxxxx" in page.out), page)
        art = chunky("map", s.pid, place, "--art")
        expect(art.status == 0 and (art.out.count("oooo") or art.out.count("xxxx")) > 900, art)
    for by in ("state", "size", "arena"):
        for cell in ("1", "64", "4k"):
            words = (hex(block), "--cell", cell, "--color-by", by)
            expect("100 % used" in chunky("map", s.pid, *words).out or cell == "1", words)
    xml.dom.minidom.parseString(chunky("map", s.pid, hex(block), "-f", "svg").out)
    page = chunky("map", s.pid, hex(block), "-f", "html")
    expect("mapped block" in page.out, page)


def bytes_of(text):
    number, unit = text.split()
    return float(number) * {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]


def waterfall():
    """No row has more resident than it has bytes; the external fragmentation is frag's."""
    for conf in ("request=1", ""):
        with Subject(conf=conf) as s:
            s.say("grow 400 1500")
            s.say("odd 200")
            told = chunky("stats", s.pid).out
            rows = re.findall(r"^  [ +=] (\S.*?) +([\d.]+ \w+) \|.*\| +([\d.]+ \w+)", told, re.M)
            expect(len(rows) >= 7 and rows[0][0] == ("requested" if conf else "usable"), told)
            for name, size, resident in rows:
                expect(bytes_of(resident) <= bytes_of(size), name, told)
            share, run = re.search(r"external (\d+) %, run ([\d.]+ \w+)", told).groups()
            expect(f"external fragmentation {share} %: largest free run {run} of" in
                   chunky("frag", s.pid).out, told)


ALIGNED = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
    for (int i = 0; i < 200; i++)
        memset(aligned_alloc(16384, 311296), 1, 311296);
    puts("ready");
    fflush(stdout);
    return getchar() == 0;
}
"""


def aligned():
    """An aligned block in a mapping of its own has its header at the end of a page: the
    page counts, too."""
    with tempfile.TemporaryDirectory() as folder:
        path = compiled(folder, "aligned", ALIGNED)
        with Driven([path], dict(os.environ, LD_PRELOAD=LIB, CHUNKY_CONF="dynamic=0")) as s:
            v = chunky_json("stats", s.pid)
            total = sum(k["resident"] for k in states(v).values()) + \
                v["metadata_resident"] + v["heads_resident"] + v["spare_resident"]
            expect(total == v["kernel"]["resident"] - v["kernel"]["foreign"], total, v["kernel"])
            text = chunky("stats", s.pid).out
            mapped = sum(g["bytes"] for g in chunky_json("layout", s.pid)["segments"]
                         if g["part"] in ("heap", "mapped", "metadata"))
            whole = re.search(r"^  = mapped +([\d.]+ \w+) ", text, re.M)[1]
            expect("difference 0 B" in text, text)
            expect(whole == f"{mapped / 2 ** 20:.1f} MiB", whole, mapped)


def limits(s):
    """--limit: rows of each heap, lists of each arena, caches, classes of each cache."""
    for cell in ("16", "4k"):
        told = chunky("map", s.pid, "--cell", cell).out
        rows = re.findall(r"^  \+\w+ \|.*|^ +\* (\d+) row", told, re.M)
        whole = sum(int(r or 1) for r in rows)
        told = chunky("map", s.pid, "--cell", cell, "-n", "1").out
        shown = re.findall(r"^  \+\w+ \|", told, re.M)
        left = re.findall(r"^  and (\d+) more rows? \(--limit\)$", told, re.M)
        same = re.findall(r"^ +\* (\d+) row", told, re.M)
        heaps = told.count("heap ends")
        expect(len(shown) == heaps and whole == heaps + sum(map(int, left + same)), told, whole)
    for more in ([], ["--all"]):
        told = chunky("bins", s.pid, "-n", "2", *more).out
        for part in re.split(r"^(?=arena|caches|  thread)", told, flags=re.M):
            lists = re.findall(r"^(  \w+(?:\[\w+\])? +head|    class)", part, re.M)
            expect(len(lists) <= 2, more, told)
        expect(len(re.findall("^  thread", told, re.M)) == 2 and "more cache" in told, told)


def idle_pages():
    """What is resident but free is pages, however large the cells and whatever the format;
    the larger heap is read by two threads."""
    for blocks in (400, 60000):
        with Subject() as s:
            s.say(f"grow {blocks} 1500")
            s.say("odd 200")
            s.say("drop 500 80" if blocks == 400 else "drop 2000 20000")
            snap = f"/tmp/idle.{s.pid}.snap"
            expect(chunky("dump", s.pid, "-o", snap).status == 0)
            counted(snap)
            sums = [chunky_json("frag", snap)["free_pages"]]
            for cell in ("4k", "8k", "64k", "1m"):
                for form in ("text", "json", "svg"):
                    told = chunky("map", snap, "--cell", cell, "-f", form).out
                    sums += [sum(map(int, re.findall(r"used  (\d+) resident but free", told)))]
            expect(sums[0] > 9 and len(set(sums)) == 1, blocks, sums)
            whole = chunky("map", snap, "--cell", "1m", "-f", "json").out
            pages = sum(map(int, re.findall(r'"note":"(\d+) pages', whole)))
            heaps = json.loads(whole)["heaps"]
            expect(pages == sum((int(h["end"], 16) - int(h["base"], 16)) // 4096 for h in heaps),
                   "cells that the heap fills only in part", pages)
            os.remove(snap)


def colours(s):
    def has(env, *more):
        return "\x1b[" in chunky("map", s.pid, *more, env=env).out
    expect(not has({}))
    expect(has({"FORCE_COLOR": "1"}) and has({"CLICOLOR_FORCE": "1"}))
    expect(not has({"FORCE_COLOR": "1", "NO_COLOR": "1"}))
    expect(has({"NO_COLOR": "1"}, "--color", "always"))
    expect(not has({"FORCE_COLOR": "1"}, "--color", "never"))


def closed_pipe(s):
    done = subprocess.run(["sh", "-c", f'"$CHUNKY_TOOL" chunks {s.pid} | head -1; '],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    expect(done.stdout.count("\n") == 1 and done.stderr == "", done.stderr)


with Subject() as s:
    s.say("threads 3")
    everything = stats(s)
    openmetrics(s)
    chunks(s, everything)
    what(s)
    others(s)
    maps(s)
    mapped(s)
    colours(s)
    closed_pipe(s)
    limits(s)
    for stop in ([], ["--stop"]):
        result = chunky("check", s.pid, *stop)
        expect(result.status == 0 and " 0 findings" in result.out, result)
    s.say("grow 1000 5000")
    s.say("shrink")
    s.say("trim")
    expect(states(chunky_json("stats", s.pid))["live"]["bytes"] < 1000000)
    expect(chunky("check", s.pid, "--stop").status == 0)

idle_pages()
waterfall()
aligned()
with Subject(conf="request=1,cache=0") as s:
    bins(s, full=True)
    what(s)
    chunks(s, chunky_json("stats", s.pid))

for kind in ("SUBJECT_STRIPPED", "SUBJECT_STATIC"):
    with Subject(kind, preload=kind != "SUBJECT_STATIC") as s:
        result = chunky("what", s.pid, hex(s.block[1000]))
        expect("asked 1000" in result.out, kind, result)
        expect(chunky("check", s.pid).status == 0, kind)
finish()
