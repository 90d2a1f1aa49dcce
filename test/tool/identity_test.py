"""The waterfall's sum of resident bytes and the kernel's own, in the real programs that are
installed: at most 0.5 % apart. They hold a heap of some size, and wait."""
import json
import os
import shutil
import subprocess
import tempfile
import time

from subject import LIB, chunky, expect, finish, skip

AIM = 0.005
SAYS = "echo ready >&2"  # by a shell, since some of these have no such call
PROGRAMS = {
    "python3": ["-c", "import json, re, os; x = [str(i) * 20 for i in range(50000)]; "
                "x[::3] = [0] * len(x[::3]); os.system('{}; sleep 99')"],
    "perl": ["-e", "my %h; $h{$_} = 'x' x ($_ % 500) for 1..50000; delete $h{$_ * 3} for 1..15000; "
             "system('{}; sleep 99')"],
    "gawk": ['BEGIN { for (i = 0; i < 90000; i++) a[i] = i "x"; system("{}; sleep 99") }'],
    "bash": ["-c", "for ((i = 0; i < 20000; i++)); do a+=(\"$i\"); done; {}; sleep 99; :"],
    "sqlite3": [":memory:", "create table t as with recursive c(x) as (select 1 union all select "
                "x + 1 from c where x < 50000) select x, hex(x) h from c; delete from t where x % 3;",
                ".shell {}; sleep 99"],
    "jq": ["-n", "[range(90000) | tostring] | length | debug | until(false; .)"],
    "gdb": ["-q", "-nx", "-batch", "-ex", "file " + LIB, "-ex", "info functions arena_take",
            "-ex", "shell {}; sleep 99"],
    "lua5.4": ["-e", "t = { } for i = 1, 90000 do t[i] = i .. 'x' end os.execute('{}; sleep 99')"],
    "ruby": ["-e", "a = (1..90000).map(&:to_s); a.reject!.with_index { |_, i| i % 3 == 0 }; "
             "system('{}; sleep 99')"],
    "node": ["-e", "let a = []; for (let i = 0; i < 1e5; i++) a.push('' + i); "
             "console.error('ready'); setTimeout(() => a, 99e3)"],
    "vim": ["-es", "-c", "call map(range(30000), 'v:val')", "-c", "silent !{}; sleep 99"],
    "php": ["-r", "$a = range(1, 90000); system('{}; sleep 99');"],
    "redis-server": ["--port", "0", "--save", "", "--unixsocket", "FOLDER/redis"],
    "gcc": ["-O2", "-x", "c", "-c", "-", "-o", "/dev/null"],
    "dbus-daemon": ["--session", "--nofork", "--print-address"],
    "tclsh": [],
    "git": ["-C", os.path.dirname(os.path.abspath(__file__)), "cat-file", "--batch"],
    "ssh-agent": ["-D"],
}
FOLDER = tempfile.TemporaryDirectory()


def measure(name):
    """Bytes of ours and of the kernel's, or None if it does not run on Chunky here."""
    words = [name] + [w.replace("{}", SAYS).replace("FOLDER", FOLDER.name) for w in PROGRAMS[name]]
    talks = any("ready" in w or "debug" in w for w in words)
    p = subprocess.Popen(words, env=dict(os.environ, LD_PRELOAD=LIB), stdin=subprocess.PIPE,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         start_new_session=True)
    try:
        if talks:
            while (line := p.stderr.readline()) and not (b"ready" in line or b"DEBUG" in line):
                pass
        before = None
        for _ in range(100):  # until a heap is there and rests, or the program has ended
            done = chunky("stats", p.pid, "--stop", "-f", "json")
            if p.poll() is not None or (done.status == 0 and done.out == before):
                break
            before = done.out
            time.sleep(0.1)
        if done.status != 0:
            print(f"{name}: {done.err.strip()}")
            return None
        v = json.loads(done.out)
        ours = sum(s["resident"] for s in v["states"].values()) + v["metadata_resident"] + \
            v["heads_resident"] + v["spare_resident"]
        return ours, v["kernel"]["resident"] - v["kernel"]["foreign"]
    finally:
        if p.poll() is None:
            os.killpg(p.pid, 9)
        p.communicate()


count = 0
for program in PROGRAMS:
    if not shutil.which(program):
        continue
    sums = measure(program)
    if sums:
        apart = abs(sums[0] - sums[1]) / max(1, sums[1])
        print(f"{program:13} {sums[0] / 2 ** 20:7.2f} MiB, the kernel {sums[1] / 2 ** 20:7.2f}: "
              f"{100 * apart:.3f} %")
        expect(apart <= AIM, program, sums)
        count += 1
print(f"{count} programs")
FOLDER.cleanup()
if count == 0:
    skip("none of these programs is installed")
finish()
