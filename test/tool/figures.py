#!/usr/bin/env python3
"""figures.py BUILD [big identity watched page]: measures what docs/decisions/060 says
of the inspector. Wants a quiet machine, and 12 GiB for `big`. No test: nothing fails."""
import json
import os
import pty
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
TOOL, LIB = BUILD + "/chunky", BUILD + "/libchunky.so"
HERE = os.path.dirname(os.path.abspath(__file__))


def heap(chunks, size, *more):
    """A process with a large heap, ready to be looked at."""
    program = BUILD + "/test/tool/tool_big_heap"
    p = subprocess.Popen([program, str(chunks), str(size), *more], text=True,
                         env=dict(os.environ, LD_PRELOAD=LIB), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
    assert p.stdout.readline() == "ready\n"
    return p


def end(p):
    p.stdin.close()
    p.wait()
    p.stdout.close()


def timed(*words):
    """Seconds to the first line, seconds, MiB."""
    begin = time.time()
    p = subprocess.Popen([TOOL, *words], stdout=subprocess.PIPE)
    os.read(p.stdout.fileno(), 1 << 16)
    first = time.time() - begin
    while os.read(p.stdout.fileno(), 1 << 16):
        pass
    _, _, use = os.wait4(p.pid, 0)
    return first, time.time() - begin, use.ru_maxrss / 1024


def big():
    p = heap(50_000_000, 9_500_000_000)
    with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
        rss = next(int(x.split()[1]) for x in f if x.startswith("VmRSS")) / 2 ** 20
    print(f"one heap of 50 million blocks, {rss:.1f} GiB resident; best of 5")
    for verb in ("stats", "map", "frag", "check --fast", "check"):
        runs = [timed(*verb.split(), str(p.pid)) for _ in range(5)]
        print(f"  {verb:12}  first line {min(r[0] for r in runs):.3f} s  all "
              f"{min(r[1] for r in runs):.2f} s  tool {max(r[2] for r in runs):.1f} MiB")
    end(p)


PROGRAMS = [
    ["python3", "-c", "import json, re, ast; x = [str(i) for i in range(300000)]; {}"],
    ["perl", "-e", "my %h; $h{$_} = 'x' x ($_ % 100) for 1..200000; {}"],
    ["gawk", "BEGIN {{ for (i = 0; i < 300000; i++) a[i] = i \"x\"; {} }}"],
    ["bash", "-c", "a=(); for ((i = 0; i < 60000; i++)); do a+=(\"$i\"); done; {}"],
    ["sqlite3", ":memory:", "create table t as with recursive c(x) as (select 1 union all "
     "select x+1 from c where x < 200000) select x, hex(x) h from c; {}"],
    ["node", "-e", "let a = []; for (let i = 0; i < 3e5; i++) a.push('' + i); {}"],
    ["jq", "-n", "[range(300000) | tostring] | {}"],
    ["git", "-C", HERE, "{}"],
    ["gdb", "-q", "-batch", "-ex", "file " + TOOL, "-ex", "info functions main", "-ex", "{}"],
    ["lua5.4", "-e", "t = {{}} for i = 1, 300000 do t[i] = i .. 'x' end {}"],
    ["ruby", "-e", "a = (1..300000).map(&:to_s); {}"],
    ["vim", "-es", "-c", "call map(range(100000), 'v:val')", "-c", "{}"],
    ["tclsh"], ["ssh-agent", "-D"], ["dbus-daemon", "--session", "--nofork"],
    ["tmux", "-L", "figures", "-D"], ["php", "-r", "$a = range(1, 300000); {}"],
    ["gcc", "-O2", "-x", "c", "-c", "-", "-o", "/dev/null"],
]
PAUSES = {"python3": "import time; time.sleep(99)", "perl": "sleep 99",
          "gawk": 'system("sleep 99")', "bash": "sleep 99; :", "sqlite3": ".shell sleep 99",
          "node": "setTimeout(() => a, 99e3)", "jq": "until(false; .)", "git": "cat-file --batch",
          "gdb": "shell sleep 99", "lua5.4": "os.execute('sleep 99')", "ruby": "sleep 99",
          "vim": "sleep 99", "php": "sleep(99);"}


def identity():
    worst, count = 0, 0
    for program in PROGRAMS:
        name = program[0]
        if shutil.which(name) is None:
            continue
        words = [name] + [w.replace("{}", PAUSES.get(name, "")).replace("{{", "{")
                          .replace("}}", "}") for w in program[1:]]
        if name == "git":
            words = words[:3] + ["cat-file", "--batch"]
        p = subprocess.Popen(words, env=dict(os.environ, LD_PRELOAD=LIB), stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(3)
        done = subprocess.run([TOOL, "stats", str(p.pid), "--stop", "-f", "json"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        subprocess.run(["kill", "-9", str(p.pid)], check=False)
        p.wait()
        if done.returncode != 0:
            print(f"  {name}: {done.stderr.strip()}")
            continue
        v = json.loads(done.stdout)
        ours = sum(s["resident"] for s in v["states"].values()) + v["metadata_resident"] + \
            v["heads_resident"] + v["spare_resident"]
        kernel = v["kernel"]["resident"] - v["kernel"]["foreign"]
        apart = 100 * abs(ours - kernel) / kernel
        worst, count = max(worst, apart), count + 1
        print(f"  {name:12} {ours / 2 ** 20:8.2f} MiB, the kernel {kernel / 2 ** 20:8.2f}: "
              f"{apart:.3f} %")
    print(f"{count} programs, at most {worst:.3f} % apart")


def watched():
    """Turns of 5 million calls with and without top at 1 Hz on it, in turn."""
    p = heap(1_000_000, 200_000_000)
    turns = {True: [], False: []}
    for i in range(40):
        watcher = None
        if i % 2:
            watcher, fd = pty.fork()
            if watcher == 0:
                os.execve(TOOL, [TOOL, "top", str(p.pid)], dict(os.environ, TERM="xterm"))
            time.sleep(0.2)
        p.stdin.write("churn 5\n")
        p.stdin.flush()
        lines = [p.stdout.readline().split() for _ in range(5)]
        turns[bool(watcher)].append([sum(float(x[k]) for x in lines) for k in (0, 1)])
        if watcher:
            os.write(fd, b"q")
            try:
                while os.read(fd, 1 << 16):
                    pass
            except OSError:
                pass
            os.waitpid(watcher, 0)
            os.close(fd)
    end(p)
    for k, what in ((0, "by the clock"), (1, "time of a processor")):
        ratios = sorted(a[k] / b[k] for a, b in zip(turns[True], turns[False]))
        print(f"watched by top, {what}: {100 * (statistics.median(ratios) - 1):+.2f} % "
              f"(median of {len(ratios)} pairs of "
              f"{statistics.median(t[k] for t in turns[False]):.2f} s, middle half "
              f"{100 * (ratios[len(ratios) // 4] - 1):+.1f} to "
              f"{100 * (ratios[3 * len(ratios) // 4] - 1):+.1f} %)")


def page():
    sys.path.insert(0, HERE)
    from browser import Browser
    for chunks, size in ((300_000, 64 << 20), (1_150_000, 220 << 20)):
        p = heap(chunks, size - size // 12)
        with tempfile.TemporaryDirectory() as folder, Browser() as b:
            path = folder + "/h.html"
            subprocess.run([TOOL, "view", str(p.pid), "-o", path], check=True,
                           stdout=subprocess.DEVNULL)
            bytes_ = os.path.getsize(path)
            begin = time.time()
            b.load(path)
            b.until("document.documentElement.dataset.ready === 'yes'")
            b.frame()
            ready = time.time() - begin
            paint = b.run("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            count = b.run("chunkyView.heaps.reduce((n, h) => n + h.count, 0)")
            frames = {}
            for level in (0, 2, 4, 6, 8):
                b.run(f"chunkyView.zoom({level} - chunkyView.view.level)")
                b.frame()
                ms = []
                for i in range(40):
                    b.run(f"chunkyView.view.row += {i % 7}; chunkyView.draw()")
                    ms.append(b.run("chunkyView.stats.ms"))
                frames[level] = statistics.median(ms)
        print(f"page of {size >> 20} MiB, {count} chunks: {bytes_ / 2 ** 20:.2f} MiB")
        print(f"  first paint {paint:.0f} ms, whole {ready * 1000:.0f} ms; a frame by level: "
              + ", ".join(f"{k}: {v:.1f} ms" for k, v in frames.items()))
        end(p)


for what in sys.argv[2:] or ["big", "identity", "watched", "page"]:
    {"big": big, "identity": identity, "watched": watched, "page": page}[what]()
