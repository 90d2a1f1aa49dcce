"""CHUNKY_METRICS: OpenMetrics text, whole at any moment: at the end, asked for, by time."""
import os
import re
import tempfile
import time

from operate import Process, expect, finish, tool

LINE = re.compile(r"(chunky_[a-z_]+?)(_total)? (\d+)$")


def parse(path):
    with open(path, encoding="ascii") as file:
        text = file.read()
    values, types = {}, {}
    expect(text.endswith("# EOF\n"), "no EOF", text[-100:])
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            expect(name not in types, "twice", name)
            types[name] = kind
        elif not line.startswith("#"):
            match = LINE.match(line)
            expect(match, "malformed", line)
            if match:
                name = match.group(1)
                values[name] = int(match.group(3))
                expect(types.get(name) == ("counter" if match.group(2) else "gauge"), line)
    return values


with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/of-%p.prom"
    with Process("limit_hard=1G", CHUNKY_METRICS=path) as p:
        here = f"{folder}/of-{p.pid}.prom"
        p.act("f")
        expect(not os.path.exists(here), "written without being asked")
        p.keep_passing()
        status, out = tool("ctl", p.pid, "metrics")
        p.rest()
        expect(status == 0, out)
        values = parse(here)
        expect(values["chunky_heap_used_bytes"] > 30000 * 1000, values)
        expect(values["chunky_heap_bytes"] >= values["chunky_heap_used_bytes"], values)
        expect(values["chunky_limit_hard_bytes"] == 1 << 30, values)
        expect(values["chunky_limit_used_bytes"] >= values["chunky_heap_bytes"], values)
        expect(values["chunky_fills"] > 0 and values["chunky_heap_grows"] > 0, values)
        os.unlink(here)
        p.end()
        expect(parse(here)["chunky_fills"] > 0, "nothing at the end")
        expect(os.listdir(folder) == [os.path.basename(here)], os.listdir(folder))
    with Process("metrics_every=1", CHUNKY_METRICS=f"{folder}/timed") as p:
        p.keep_passing()
        seen = set()
        deadline = time.monotonic() + 120
        while len(seen) < 2 and time.monotonic() < deadline:
            if os.path.exists(f"{folder}/timed"):
                parse(f"{folder}/timed")
                seen.add(os.stat(f"{folder}/timed").st_ino)
            time.sleep(0.05)
        p.rest()
        expect(len(seen) >= 2, "not written twice", seen)
    with Process("", CHUNKY_METRICS="/nowhere/at/all") as p:
        p.keep_passing()
        status, out = tool("ctl", p.pid, "metrics")
        p.rest()
        expect(status == 2, "no path, and yet", out)
        status, out, err = p.end()
        expect(status == 0, "a path that cannot be written is no reason to fail", err)
finish()
