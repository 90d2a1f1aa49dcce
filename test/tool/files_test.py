"""Core files of gdb's gcore and of the kernel, and snapshots, tell the same as the process;
files that are cut, or of other programs, are told as what they are."""
import bz2
import gzip
import json
import lzma
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import tempfile

from subject import LIB, Subject, chunky, chunky_json, expect, finish


def picture(source):
    """What must not depend on where it is read from."""
    v = chunky_json("stats", source)
    states = {k: (s["count"], s["bytes"]) for k, s in v["states"].items()}
    rows = chunky("chunks", source, "-f", "jsonl")
    expect(rows.status == 0, rows)
    return states, v["requested"], rows.out


def resident(source):
    return {k: s["resident"] for k, s in chunky_json("stats", source)["states"].items()}


def same(a, b, what):
    for i, part in enumerate(("states", "requested", "chunks")):
        expect(a[i] == b[i], what, part, str(a[i])[:300], str(b[i])[:300])


def snapshots(s, folder):
    live = picture(s.pid)
    for more in ([], ["--bytes"]):
        path = f"{folder}/{len(more)}.snap"
        made = chunky("dump", s.pid, "-o", path, *more)
        expect(made.status == 0, made)
        same(live, picture(path), f"snapshot {more}")
        expect(resident(path) == resident(s.pid), more)
        expect(chunky("check", path).status == 0)
        with open(path, "rb") as f:
            stored = b"kkkkkkkk" * 8 in f.read()
        expect(stored == bool(more), "what the program stored is in the file:", stored, more)
        again = f"{folder}/again.snap"
        expect(chunky("dump", path, "-o", again).status == 0)
        same(live, picture(again), "snapshot of a snapshot")
        for verb in ("map", "bins", "frag", "layout"):
            expect(chunky(verb, path).status == 0, verb)
    return f"{folder}/0.snap"


def parts(s, path):
    """What is not known of a mapping is not told: a snapshot keeps what was resident of
    Chunky's memory alone."""
    now = {g["start"]: g for g in chunky_json("layout", s.pid)["segments"]}
    told = chunky_json("layout", path)["segments"]
    for g in told:
        expect(g["chunky"] == ("resident" in g), g)
        expect(g.get("resident", 0) == (now[g["start"]]["resident"] if g["chunky"] else 0), g)
    expect(len({g["chunky"] for g in told}) == 2, told)
    expect(" resident; grows down" not in chunky("layout", path).out, path)


def differences(s, before):
    nothing = chunky("diff", before, before, "--fail")
    expect(nothing.status == 0, nothing)
    s.say("grow 50 777")
    result = chunky("diff", before, s.pid, "--fail")
    expect(result.status == 1 and "+" in result.out, result)
    d = chunky_json("diff", before, s.pid)
    grown = {z["size"]: z["b"] - z["a"] for z in d["sizes"]}
    expect(grown.get(800, 0) + grown.get(784, 0) >= 45, "50 blocks of 777 bytes", grown.get(784))
    expect(d["came"]["count"] == 50 and d["went"]["count"] == 0, d["came"], d["went"])
    # Blocks in mappings of their own come and go as others do.
    here = before + ".mapped"
    expect(chunky("dump", s.pid, "-o", here).status == 0)
    s.say("grow 3 5000000")
    d = chunky_json("diff", here, s.pid)
    expect(d["came"]["count"] == 3 and d["came"]["bytes"] > 15000000, d["came"])
    expect(chunky("diff", here, s.pid, "--fail").status == 1)
    s.say("shrink")
    d = chunky_json("diff", before, s.pid)
    expect(d["went"]["bytes"] > d["came"]["bytes"], d["went"])
    mapped = [z for z in d["sizes"] if z["size"] > 300000]
    expect(len(mapped) == 1 and mapped[0]["a"] == 1 and mapped[0]["b"] == 0, mapped)


def hollow(core):
    """A core without the memory that was written, as coredump_filter makes it, does not say
    what the process used."""
    with open(core, "rb") as f:
        data = bytearray(f.read())
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(table, table + size * count, size):
        kind, flags = struct.unpack_from("<II", data, at)
        if kind == 1 and flags & 2:
            struct.pack_into("<Q", data, at + 32, 0)
    with open(core + ".hollow", "wb") as f:
        f.write(data)
    result = chunky("stats", core + ".hollow")
    expect(result.status == 3 and "coredump_filter" in result.err, result)


def packed(core):
    for module, end in ((gzip, ".gz"), (lzma, ".xz"), (bz2, ".bz2")):
        with module.open(core + end, "wb") as f:
            f.write(b"any")
        result = chunky("stats", core + end)
        expect(result.status == 3 and "must be unpacked first" in result.err, result)


def cut(folder, path):
    size = os.path.getsize(path)
    half = folder + "/half"
    # gcore puts the section headers, which nobody needs, at the end.
    last = [size - 1] if path.endswith(".snap") else []
    for keep in [0, 10, 16, 100, 127, size // 3, size // 2] + last:
        shutil.copy(path, half)
        os.truncate(half, keep)
        for verb in ("stats", "check", "map"):
            result = chunky(verb, half)
            lines = result.err.strip().splitlines()
            expect(result.status == 3 and 1 <= len(lines) <= 2, keep, verb, result)


def damaged(folder, path):
    """One bit of a snapshot that is another: told before anything is drawn from it."""
    with open(path, "rb") as f:
        whole = f.read()
    data = bytearray(whole)
    bad = folder + "/bad"
    dice = random.Random(4)
    text, size, resident = struct.unpack_from("<QQQ", data, 56)
    index, = struct.unpack_from("<Q", data, 88)
    places = [16, 20, 100, len(data) - 1, text, resident, index]
    places += range(text + size, resident)  # what fills up to a multiple of 8
    places += (dice.randrange(len(data)) for _ in range(150))
    for i, at in enumerate(places):
        data[at] ^= 1 << dice.randrange(8)
        with open(bad, "wb") as f:
            f.write(data)
        result = chunky(("check", "stats", "map", "bins")[i % 4], bad)
        told = "damaged" in result.err or "another version" in result.err
        expect(result.status == 3 and result.out == "" and told, at, result)
        data = bytearray(whole)


def residence_unknown(folder):
    """A core does not say what was resident, nor does a snapshot of one: nothing does."""
    core = os.path.dirname(os.path.abspath(__file__)) + "/corpus/threads.core"
    snap = folder + "/of-core.snap"
    expect(chunky("dump", core, "-o", snap).status == 0)
    for source in (core, snap):
        for verb in ("stats", "frag", "layout"):
            told = chunky(verb, source, "-f", "json")
            json.loads(told.out)
            expect("resident" not in told.out and "free_pages" not in told.out, source, told)
        told = chunky("stats", source, "-f", "openmetrics").out
        expect("resident" not in told and told.endswith("# EOF\n"), source, told)
        expect(chunky("view", source, "-o", folder + "/page").status == 0)
        with open(folder + "/page", encoding="utf-8") as f:
            expect('"resident":' not in f.read(), source)
        for words in (["stats"], ["map", "--cell", "4k"], ["map", "--resident"]):
            told = chunky(*words, source).out
            expect(told.count("resident") == 1 and
                   "this source does not say what is resident" in told, source, told)


def other_layout(folder):
    """A heap of a Chunky to come: which tool to take, and nothing drawn."""
    with open(os.path.dirname(os.path.abspath(__file__)) + "/corpus/threads.core", "rb") as f:
        data = bytearray(f.read())
    magic = b"chunky heap root"
    at = data.find(magic)
    while at >= 0:
        struct.pack_into("<II", data, at + len(magic) + 8, 9, 4)
        at = data.find(magic, at + 1)
    core = folder + "/to-come.core"
    with open(core, "wb") as f:
        f.write(data)
    for verb in ("stats", "map", "check", "bins", "chunks"):
        result = chunky(verb, core)
        expect(result.status == 4 and result.out == "" and
               len(result.err.splitlines()) == 1 and "layout 9.4" in result.err and
               "take the chunky that came with it" in result.err, verb, result)


def cores(s, folder):
    if shutil.which("gcore"):
        live = picture(s.pid)
        subprocess.run(["gcore", "-o", folder + "/core", str(s.pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = f"{folder}/core.{s.pid}"
        same(live, picture(path), "gcore")
        hollow(path)
        packed(path)
        expect(chunky("check", path).status == 0)
        cut(folder, path)
        w = chunky_json("what", path, hex(s.block[1000]))
        expect(w["asked"] == 1000, w)
    else:
        print("no gcore here")


def read_by_debugger(s):
    """What gdb does for a core: reads pages that nobody touched, even of mappings that the
    program may not read, which leaves the kernel's page of zeroes there."""
    live = picture(s.pid)
    with open(f"/proc/{s.pid}/maps", encoding="ascii") as f:
        areas = [line.split() for line in f]
    read = 0
    with open(f"/proc/{s.pid}/mem", "rb", buffering=0) as memory:
        for area in areas:
            start, end = (int(word, 16) for word in area[0].split("-"))
            if area[1] in ("rw-p", "---p") and area[4] == "0":
                memory.seek(start)
                read += len(memory.read(min(end - start, 1 << 21)))
    expect(read > 1 << 21, read)
    result = chunky("check", s.pid)
    expect(result.status == 0, result)
    same(live, picture(s.pid), "after a debugger read it")


def kernel_core(folder):
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as f:
        pattern = f.read().strip()
    if pattern != "core" and not pattern.startswith("core."):
        print("cores go elsewhere here:", pattern)
        return
    env = dict(os.environ, LD_PRELOAD=LIB, CHUNKY_CONF="request=1")
    limit = resource.getrlimit(resource.RLIMIT_CORE)
    if limit[1] == 0:
        print("no core files here")
        return

    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))

    process = subprocess.Popen([os.environ["SUBJECT"]], env=env, stdin=subprocess.PIPE, text=True,
                               stdout=subprocess.PIPE, cwd=folder, preexec_fn=allow)
    process.stdout.readline()
    live = picture(process.pid)
    process.send_signal(signal.SIGSEGV)
    process.wait(60)
    process.stdin.close()
    process.stdout.close()
    found = [f for f in os.listdir(folder) if f == "core" or f == f"core.{process.pid}"]
    if expect(found, "no core in", folder, os.listdir(folder)):
        path = folder + "/" + found[0]
        same(live, picture(path), "the kernel's core")
        expect(chunky("check", path).status == 0)
        cut(folder, path)


def not_preloaded(folder):
    """What a preload cannot reach is not told to try one."""
    path = folder + "/other"
    for flag, says in (("-static", "linked statically"), ("-m32", "32-bit program")):
        made = subprocess.run([os.environ.get("CC", "cc"), flag, "-x", "c", "-o", path, "-"],
                              input="int getchar(void); int main(void) { return getchar(); }",
                              text=True, stderr=subprocess.DEVNULL, check=False)
        if made.returncode != 0:
            print("cannot be built here:", flag)
            continue
        other = subprocess.Popen([path], stdin=subprocess.PIPE)
        result = chunky("stats", other.pid)
        expect(result.status == 4 and says in result.err and "run --" not in result.err, result)
        other.communicate()


def not_ours(folder):
    sleeper = subprocess.Popen(["sleep", "100"])
    for verb in ("stats", "map", "check", "chunks"):
        result = chunky(verb, sleeper.pid)
        expect(result.status == 4 and "does not use Chunky" in result.err, result)
    result = chunky("stats", 2 ** 22 - 1)
    expect(result.status == 3 and "no process" in result.err, result)
    with open(folder + "/text", "w", encoding="ascii") as f:
        f.write("nothing of the kind\n" * 100)
    for path in (folder + "/text", "/bin/sh", folder, folder + "/none", "/dev/null"):
        result = chunky("stats", path)
        expect(result.status == 3 and len(result.err.strip().splitlines()) == 1, path, result)
    expect("chunky run -- CMD would" in chunky("stats", sleeper.pid).err)
    sleeper.kill()
    sleeper.wait()
    not_preloaded(folder)
    if os.geteuid() == 0:
        other = subprocess.run(["su", "-s", "/bin/sh", "nobody", "-c",
                                f"{os.environ['CHUNKY_TOOL']} stats 1"], text=True, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(other.returncode in (3, 126, 127), other)


def formats(folder):
    for path in os.listdir(folder):
        if path.endswith(".snap"):
            json.loads(chunky("map", folder + "/" + path, "-f", "json").out)


with tempfile.TemporaryDirectory() as folder, Subject() as s:
    s.say("threads 2")
    snap = snapshots(s, folder)
    cores(s, folder)
    parts(s, snap)
    differences(s, snap)
    cut(folder, snap)
    damaged(folder, snap)
    residence_unknown(folder)
    other_layout(folder)
    not_ours(folder)
    formats(folder)
    kernel_core(folder)
# The main arena's heap may be spanned; its struct and its first chunks share a page.
with tempfile.TemporaryDirectory() as folder, Subject(conf="request=1,sbrk=0") as s:
    snapshots(s, folder)
    expect(chunky("check", folder + "/0.snap").status == 0)
    expect("(break)" not in chunky("map", s.pid).out)
# A reserved heap has pages behind it that the program may not read.
with Subject(conf="request=1,sbrk=0") as s:
    read_by_debugger(s)
finish()
