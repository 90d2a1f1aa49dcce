"""The static probes: gdb lists them and stops at them with the right arguments; where the
kernel lets bpftrace set probes, it counts them in a process that knows nothing of it."""
import os
import re
import shutil
import subprocess
import threading

from operate import LIB, expect, finish, skip

if not shutil.which("gdb"):
    skip("no gdb")


def gdb(*commands):
    words = ["gdb", "-q", "-nx", "-batch", "-iex", "set auto-load no",
             "-iex", "set debuginfod enabled off",
             "-ex", f"set environment LD_PRELOAD {LIB}", "-ex", "set startup-with-shell off",
             "-ex", "set breakpoint pending on"]
    for c in commands:
        words += ["-ex", c]
    done = subprocess.run(words + [os.environ["SUBJECT"]], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, input="fpebq",
                          timeout=300)
    return done.stdout


out = gdb(f"add-symbol-file {LIB}", "info probes stap chunky")
if "chunky" not in out and re.search("[Uu]nrecognized|not supported", out):
    skip("this gdb knows no probes")
# Linked in several places by the compiler, each of them at least once.
for name in ("refill", "flush", "map", "unmap", "purge", "finding", "limit", "relieve",
             "control"):
    expect(re.search(rf"stap +chunky +{name} +0x", out), "not listed:", name, out[-2000:])

for name, first, second in (("refill", "[1-9][0-9]*", "[1-9][0-9]*"),
                            ("flush", "[1-9][0-9]*", "[1-9][0-9]*"),
                            ("map", "[0-9]{9,}", "[0-9]{6}"),
                            ("purge", "0", "[1-9][0-9]*")):
    out = gdb("break main", "run < /dev/null", f"break -probe-stap chunky:{name}", "kill")
    out = gdb("break main", "run", f"break -probe-stap chunky:{name}", "continue",
              "printf \"arguments %lu %lu\\n\", $_probe_arg0, $_probe_arg1", "kill")
    expect(re.search(f"arguments {first} {second}\\b", out), name, out[-1500:])
out = gdb("break main", "run", "break -probe-stap chunky:finding", "continue",
          "printf \"rule: %s\\n\", (char*)$_probe_arg0", "kill")
expect("rule: free" in out, "finding", out[-1500:])


def trace_refills():
    script = f'usdt:{LIB}:chunky:refill {{ printf("refill %d %d\\n", arg0, arg1); exit(); }}'
    tracer = subprocess.Popen(["bpftrace", "-e", script], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    watchdog = threading.Timer(240, tracer.kill)
    watchdog.start()
    while tracer.poll() is None:  # from some moment on, it sees them
        subprocess.run([os.environ["SUBJECT"]], env=dict(os.environ, LD_PRELOAD=LIB),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    watchdog.cancel()
    said = tracer.stdout.read()
    if tracer.returncode != 0:  # refused by the kernel
        print("bpftrace ended with", tracer.returncode, said)
        return
    expect(re.search(r"^refill [1-9][0-9]* [1-9][0-9]*$", said, re.MULTILINE), said)


if shutil.which("bpftrace") and os.access("/sys/kernel/tracing/uprobe_events", os.W_OK):
    trace_refills()
else:
    print("no bpftrace, or the kernel lets it set no probes here")
finish()
