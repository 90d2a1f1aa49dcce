"""chunky ctl: options with their origins; changes and actions in a running process."""
import ctypes
import json
import os
import signal
import tempfile

from operate import Process, expect, finish, tool

with Process("limit_soft=1G,purge=200M,purge_percent=1000") as p:
    status, out = tool("ctl", p.pid)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    expect(status == 0 and rows["limit_soft"][:2] == [str(1 << 30), "CHUNKY_CONF"], out)
    expect(rows["cache"][1] == "default" and rows["request"][-1] == "fixed", out)
    status, out = tool("ctl", p.pid, "--format=json")
    expect(json.loads(out)["schema"] == "chunky-ctl/1", out)
    options = {o["name"]: o for o in json.loads(out)["options"]}
    expect(options["purge"] == {"name": "purge", "value": 200 << 20, "origin": "CHUNKY_CONF",
                                "max": options["purge"]["max"], "live": True}, out)

    expect(options["check"]["live"] and rows["check"][-3:] == ["may", "become", "3"],
           rows["check"])
    expect(rows["report"][-1] == "fixed" and rows["report"][0] == "0", rows["report"])
    every = json.loads(tool("stats", p.pid, "-f", "json")[1])["config"]
    expect(every == {name: o["value"] for name, o in options.items()}, every)
    status, shown = tool("stats", p.pid, "--all")
    expect(all(f"    {name:20} {o['value']}\n" in shown for name, o in options.items()), shown)

    # A snapshot keeps them; one of before says that it does not.
    with tempfile.TemporaryDirectory() as folder:
        for more in ([], ["--bytes"]):
            tool("dump", p.pid, "-o", folder + "/a.snap", *more)
            expect(tool("ctl", folder + "/a.snap") == tool("ctl", p.pid), tool("ctl", folder + "/a.snap"))
        status, shown = tool("ctl", folder + "/a.snap", "purge=1")
        expect(status == 2 and "running process" in shown, status, shown)
    old = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tool/corpus/bins.snap")
    status, shown = tool("ctl", old)
    expect(status == 4 and "snapshot" in shown and "no control block" in shown, status, shown)

    p.act("f")
    p.act("e")
    before = p.resident()
    p.keep_passing()
    status, out = tool("ctl", p.pid, "trim")
    expect(status == 0 and "trim=0: done" in out and " bytes" in out, out)
    # No byte is told twice, and none that was not resident.
    gave = int(out.split()[2])
    expect(abs(before - p.resident() - gave) < (1 << 20), before, p.resident(), gave)
    status, out = tool("ctl", p.pid, "purge=1M", "purge_percent=3")
    expect(status == 0 and out.count("done") == 2, out)
    for wrong, text in (("request=1", "cannot change"), ("check=2", "cannot change"),
                        ("nonsense=1", "no \"nonsense\""), ("fast_max=2000", "too much"),
                        ("purge=x", "is not name=number"), ("purge", "purge wants a value"),
                        ("limit_hard", "wants a value"), ("=1", "is not name=number"), ("relay=1", "cannot change")):
        status, out = tool("ctl", p.pid, wrong)
        expect(status == 2 and text in out, wrong, status, out)
    status, out = tool("ctl", p.pid, "check=3")
    expect(status == 0, out)
    status, out = tool("ctl", p.pid, "print")
    expect(status == 0, out)
    status, out = tool("ctl", p.pid)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    expect(rows["purge"][:3] == [str(1 << 20), "chunky", "ctl"], out)
    expect(rows["check"] == ["3", "chunky", "ctl", "fixed"], rows["check"])
    p.rest()
    after = p.resident()
    expect(after < before - (10 << 20), "resident", before, after)
    status, out = tool("check", p.pid)
    expect(status == 0 and "0 findings" in out, out)

    # What is refused is not asked for: it would keep others waiting.
    for wrong, text in (("nonsense=1", "no \"nonsense\""), ("fast_max=2000", "too much"),
                        ("request=1", "cannot change"), ("purge", "wants a value")):
        status, out = tool("ctl", p.pid, wrong)
        expect(status == 2 and text in out, wrong, status, out)
    # A process that does not come by is not asked twice; what was asked is done later.
    status, out = tool("ctl", p.pid, "top_pad=64K")
    expect(status == 1 and "not done yet" in out, status, out)
    status, out = tool("ctl", p.pid, "top_pad=128K")
    expect(status == 1 and "still waiting" in out, status, out)
    p.act("p")
    status, out = tool("ctl", p.pid)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    expect(rows["top_pad"][0] == "65536", out)

    status, out, err = p.end()
    expect(status == 0 and "lock_visits=" in err, status, err)

# Of a process that stands still it is said, and what to do; it is not asked.
with Process() as p:
    os.kill(p.pid, signal.SIGSTOP)
    os.waitpid(p.pid, os.WUNTRACED)
    status, out = tool("ctl", p.pid, "top_pad=64K")
    expect(status == 1 and "is stopped" in out and f"kill -CONT {p.pid}" in out and
           out.count("\n") == 1, status, out)
    expect(tool("ctl", p.pid)[0] == 0, "what is in force can be read all the same")
    os.kill(p.pid, signal.SIGCONT)
    p.keep_passing()
    status, out = tool("ctl", p.pid, "top_pad=128K")
    expect(status == 0 and "done" in out, status, out)
    p.rest()
    libc = ctypes.CDLL(None)
    PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
    if libc.ptrace(PTRACE_SEIZE, p.pid, None, None) == 0:
        libc.ptrace(PTRACE_INTERRUPT, p.pid, None, None)
        os.waitpid(p.pid, 0)
        status, out = tool("ctl", p.pid, "top_pad=64K")
        expect(status == 1 and f"stopped by a debugger (process {os.getpid()})" in out and
               out.count("\n") == 1, status, out)
        libc.ptrace(PTRACE_DETACH, p.pid, None, None)

# Who asked for guards has them, or none: the rate stays.
for conf in ("guard_rate=5", "check=1", "report=/tmp/nobody"):
    with Process(conf) as p:
        status, out = tool("ctl", p.pid)
        rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
        expect(rows["check"][-1] == ("3" if conf[0] == "r" else "fixed"), conf, rows["check"])
        expect(rows["report"][:2] == (["1", "CHUNKY_CONF"] if conf[0] == "r" else ["0", "default"]),
               conf, rows["report"])

# A limit can come later, too.
with Process() as p:
    p.keep_passing()
    expect(tool("ctl", p.pid, "limit_hard=24M")[0] == 0)
    p.rest()
    got = int(p.act("f")[0])
    expect(10000 < got < 25000, "blocks of 1000 under 24 MiB:", got)

status, out = tool("ctl", 1 << 30)
expect(status == 3, status, out)
finish()
