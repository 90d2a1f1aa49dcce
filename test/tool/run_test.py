"""chunky run: what a command sees and how it ends is its own affair."""
import os
import re
import signal
import subprocess
import tempfile
import time

from subject import LIB, TOOL, chunky, compiled, expect, finish


def statuses():
    for code in (0, 1, 7, 255):
        for look in ([], ["--report"], ["--check"]):
            result = chunky("run", *look, "--", "sh", "-c", f"exit {code}")
            expect(result.status == code, look, result)
    for name in ("TERM", "KILL", "SEGV"):
        for look in ([], ["--report"]):
            result = chunky("run", *look, "--", "sh", "-c", f"kill -{name} $$")
            expect(result.status == -getattr(signal, "SIG" + name), name, result)
    expect(chunky("run", "--", "/nonexistent").status == 127)
    expect(chunky("run", "--report", "--", "/nonexistent").status == 127)
    expect(chunky("run", "--", "/etc/passwd").status == 126)
    result = chunky("run", "--", "/nonexistent\x1b[31m")
    expect("\x1b" not in result.err, "raw control characters", result)
    expect(chunky("run").status == 2)


def surroundings():
    result = chunky("run", "--", "sh", "-c", "echo $LD_PRELOAD", env={"LD_PRELOAD": "libdl.so.2"})
    expect(result.out.strip().split(":") == [os.path.realpath(LIB), "libdl.so.2"], result)
    result = chunky("run", "--", "cat", stdin="through\n")
    expect(result.out == "through\n", result)
    result = chunky("run", "--", "cat", env={"CHUNKY_LIB": "/nonexistent"})
    expect(result.status == 126 and "CHUNKY_LIB" in result.err, result)
    result = chunky("run", "--check=2", "--", "sh", "-c", "echo $CHUNKY_CONF",
                    env={"CHUNKY_CONF": "stats=0"})
    expect(re.search(r"^stats=0,relay=/proc/\d+/fd/\d+,check=2$", result.out, re.M), result)


def signals():
    """What is sent to the tool reaches the command; SIGCHLD order and stops do not matter."""
    for look in ([], ["--report"]):
        process = subprocess.Popen([TOOL, "run", *look, "--", os.environ["SUBJECT"], "catch"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.stdin.write("grow 1 10\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        out, err = process.communicate()
        expect(process.returncode == 40 + signal.SIGTERM, look, process.returncode, err)
        expect(not look or "arena" in err, err)
    process = subprocess.Popen([TOOL, "run", "--report", "--", "sh", "-c",
                                "kill -STOP $$; exit 9"], stderr=subprocess.PIPE)
    child = None
    for _ in range(600):
        listed = subprocess.run(["pgrep", "-P", str(process.pid)], text=True, check=False,
                                stdout=subprocess.PIPE).stdout.split()
        if listed:
            child = int(listed[0])
            with open(f"/proc/{child}/stat", encoding="ascii") as f:
                if f.read().rsplit(")", 1)[1].split()[0] in "Tt":
                    break
        time.sleep(0.05)
    time.sleep(0.2)
    os.kill(child, signal.SIGCONT)
    process.communicate(timeout=120)
    expect(process.returncode == 9, "stopped and continued", process.returncode)


def inherited():
    """What was ignored stays so for the command, and nothing else is."""
    for ignored in ((), (signal.SIGPIPE,), (signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)):
        def treat(which=ignored):
            for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN if number in which else signal.SIG_DFL)
        # The shell itself wants SIGCHLD.
        wanted = sum(1 << (number - 1) for number in ignored if number != signal.SIGCHLD)
        for words in (["run"], ["run", "--report"], ["stats"],
                      ["play", "--record", "-o", "/dev/null"]):
            done = subprocess.run([TOOL, *words, "--", "sh", "-c", "cat /proc/$$/status; exit 7"],
                                  preexec_fn=treat, text=True, check=False, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            found = re.search(r"^SigIgn:\s+(\w+)$", done.stdout, re.M)
            # From 32 on they are the C library's own; posix_spawn has them ignored.
            expect(found and int(found[1], 16) & 0x7fffffff == wanted, words, ignored, found and found[1],
                   done.stderr)
            expect(done.returncode == (0 if words == ["stats"] else 7), words, ignored,
                   done.returncode)


def by_its_number():
    """`chunky run` waits for its command: its own number means the command's heap."""
    process = subprocess.Popen([TOOL, "run", "--", os.environ["SUBJECT"]], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    for verb in ("stats", "check"):
        result = chunky(verb, process.pid)
        expect(result.status == 0 and "tool_subject" in result.out, result)
    process.communicate("quit 0\n")


def report():
    result = chunky("run", "--report", "--", "python3", "-c", "print(sum(range(1000)))")
    expect(result.out == "499500\n" and result.status == 0, result)
    for part in ("arena", "headers", "cached", "free bins", "top", "the main heap",
                 "heap ends", "difference", "caches"):
        expect(part in result.err, part, result)
    threads = chunky("run", "--report", "--check", "--", os.environ["SUBJECT"],
                     stdin="threads 3\nspin 0.3 2\nquit 5\n")
    expect(threads.status == 5 and " 0 findings" in threads.err, threads)
    with tempfile.TemporaryDirectory() as folder:
        one = compiled(folder, "one", "#include <stdlib.h>\nint main(void){free(malloc(1));}\n")
        told = chunky("run", "--report", "--", one)
        expect(" 1 class, up to" in told.err, told)
    exits = chunky("run", "--report", "--", "sh", "-c", "exec python3 -c 'import os; os._exit(3)'")
    expect(exits.status == 3 and "python3" in exits.err, exits)


def findings():
    result = chunky("run", "--check", "--", os.environ["SUBJECT"], stdin="overflow\nquit 0\n")
    expect(result.status == 1 and "C1" in result.err, result)
    result = chunky("run", "--check", "--", os.environ["SUBJECT"], stdin="overflow\nquit 6\n")
    expect(result.status == 6, result)


statuses()
surroundings()
signals()
inherited()
by_its_number()
report()
findings()
finish()
