"""The GDB script: commands on a live program and on a core, and printers."""
import os
import shutil
import subprocess
import tempfile

from subject import TOOL, Subject, expect, finish, skip

if not shutil.which("gdb"):
    skip("no gdb")
SCRIPT = os.path.join(os.path.dirname(__file__), "../../tool/gdb/chunky-gdb.py")
if "False" in subprocess.run(["gdb", "-q", "-batch", "-ex", "python print(bool(gdb))"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False).stdout:
    skip("this gdb has no Python")


def gdb(*commands, arguments=()):
    words = ["gdb", "-q", "-nx", "-batch", *arguments, "-ex", f"source {SCRIPT}"]
    for c in commands:
        words += ["-ex", c]
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, CHUNKY_TOOL=TOOL, LC_ALL="C"), check=False,
                          stdin=subprocess.DEVNULL, timeout=300)
    return done.stdout


with tempfile.TemporaryDirectory() as folder, Subject() as s:
    block = s.block[1000]
    attach = ["-p", str(s.pid)]
    out = gdb("chunky stats", "chunky check", f"chunky what {block:#x}", "chunky what (char*)&main",
              "p arena_main", "p *(struct chunk *)arena_main.top", "p *cache_list",
              "p *arena_main.heaps", "chunky nonsense", f"generate-core-file {folder}/core",
              arguments=attach)
    for part in ("headers", " 0 findings", "asked 1000", "not in a block", "arena 0: heaps",
                 "chunk at", "cache of thread", "= heap 0x", "nonsense is none of"):
        expect(part in out, part, out[-3000:])
    out = gdb("chunky check", f"chunky what {block:#x}",
              arguments=[os.environ["SUBJECT"], f"{folder}/core"])
    for part in (" 0 findings", "asked 1000"):
        expect(part in out, part, out[-3000:])
finish()
