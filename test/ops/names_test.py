"""A named heap from outside: the tool tells its name, and finds nothing wrong with it."""
import json

from operate import Process, expect, finish, tool

with Process() as p:
    p.act("f")
    small, large, _ = p.act("n")
    status, out = tool("check", p.pid)
    expect(status == 0 and "0 findings" in out, out)
    status, out = tool("stats", p.pid)
    expect(status == 0 and '"sessions"' in out, out)
    status, out = tool("what", p.pid, small, large)
    expect(status == 0 and out.count('"sessions"') == 2, out)
    expect("100 asked" in out or "asked 100" in out, out)
    status, out = tool("stats", p.pid, "--format=json")
    names = [a.get("name") for a in json.loads(out)["arenas"]]
    expect(names.count("sessions") == 1, names)

# A name of any letters stays what it is.
with Process(HEAP_NAME='a "b" \\ c\x1b') as p:
    p.act("n")
    status, out = tool("stats", p.pid, "--format=json")
    names = [a.get("name") for a in json.loads(out)["arenas"]]
    expect('a "b" \\ c\\x1b' in names, names)
finish()
