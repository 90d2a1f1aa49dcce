"""Processes that end, or become another program, while they are looked at: no verb shows
what it then reads as a heap. Those that a debugger holds can be looked at."""
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time

from subject import LIB, Subject, chunky, expect, finish

GOING = """
import os, sys, time
kept = [str(i) for i in range(300000)]
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
os.execv("/bin/sleep", ["sleep", "20"]) if sys.argv[1] == "exec" else os._exit(0)
"""
VERBS = ("stats", "map", "chunks", "bins", "frag", "check", "layout", "view", "dump")
MAY = {"exec": (0, 3, 4), "exit": (0, 3)}


def going(how, verb, seconds):
    """The status; 0 is right if the verb was faster."""
    p = subprocess.Popen([sys.executable, "-c", GOING, how, str(seconds)],
                         env=dict(os.environ, LD_PRELOAD=LIB), stdout=subprocess.PIPE)
    p.stdout.readline()
    more = ["-o", "/dev/null"] if verb in ("view", "dump") else []
    result = chunky(verb, p.pid, *more)
    p.kill()
    p.wait()
    p.stdout.close()
    expect(result.status in MAY[how], how, verb, seconds, result)
    if result.status == 3:
        expect(result.err.count("\n") == 1 and result.err.startswith("chunky: "), result)
    return result.status


def caught(how):
    """So often that some are caught in the middle."""
    told = 0
    for turn in range(45):
        told += going(how, VERBS[turn % len(VERBS)], turn % 15 * 0.002) != 0
    return told


def stopped_by_us():
    """A tool that is slower than its process: chunks with nobody who reads them."""
    with Subject(conf="request=0") as s:
        s.say("grow 200000 40")
        tool = subprocess.Popen([os.environ["CHUNKY_TOOL"], "chunks", str(s.pid)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        tool.stdout.readline()
        time.sleep(0.2)  # the pipe is full
        s.process.kill()
        s.process.wait()
        told, said = tool.communicate()
        expect(" broken" not in told, told[-500:])
        expect(tool.returncode == 3 and said.endswith("ended while it was looked at\n"),
               tool.returncode, said)


def summed():
    """It ends behind the first line of a verb that reads all of it: no sums of half a
    heap, and nothing damaged."""
    for words in (["stats"], ["frag"], ["map"], ["bins"], ["check"]):
        with Subject(conf="request=0") as s:
            s.say("grow 400000 40")
            tool = subprocess.Popen([os.environ["CHUNKY_TOOL"], words[0], str(s.pid)], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            title = tool.stdout.readline()
            s.process.kill()
            s.process.wait()
            told, said = tool.communicate()
            expect(title.startswith("process ") and tool.returncode in (0, 3), words, said)
            if tool.returncode == 3:
                expect("damaged" not in told and "|!" not in told, words, told)
                expect(words[0] not in ("stats", "frag") or told == "", words, told)


def interrupted():
    """A signal ends the tool while it writes: what is half written goes, and the process
    goes on."""
    with tempfile.TemporaryDirectory() as folder, Subject(conf="request=0") as s:
        s.say("grow 400000 40")
        path = folder + "/out"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for words in (["dump"], ["chunks", "-f", "jsonl"]):
                tool = subprocess.Popen([os.environ["CHUNKY_TOOL"], words[0], str(s.pid), *words[1:],
                                         "-o", path], stdout=subprocess.DEVNULL)
                while tool.poll() is None:
                    if os.path.exists(path) and os.path.getsize(path) > 0:
                        tool.send_signal(number)
                        break
                if expect(tool.wait() == -number, "not caught", words, number, tool.returncode):
                    expect(not os.path.exists(path), "half of a file", words, number)
        link = folder + "/link"
        os.symlink("/dev/null", link)
        expect(chunky("dump", s.pid, "-o", link).status == 0 and os.path.islink(link))
        s.say("trim")


def traced():
    """As under a debugger: standing still, it can be looked at; running, it is told."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    attach, go_on, detach = 16, 7, 17
    none = ctypes.c_void_p(0)
    with Subject() as s, tempfile.TemporaryDirectory() as folder:
        snap = folder + "/a.snap"
        if ptrace(attach, s.pid, none, none) != 0:
            print("no ptrace here:", os.strerror(ctypes.get_errno()))
            return
        os.waitpid(s.pid, 0)
        for verb in (["stats"], ["check", "--stop"], ["map", "--stop"], ["dump", "-o", snap]):
            result = chunky(verb[0], s.pid, *verb[1:])
            expect(result.status == 0, verb, result)
        expect(chunky("check", snap).status == 0)
        ptrace(go_on, s.pid, none, none)
        result = chunky("check", s.pid, "--stop")
        expect(result.status == 3 and f"runs under a debugger (process {os.getpid()})"
               in result.err and result.err.count("\n") == 1, result)
        expect(chunky("check", s.pid).status == 0)
        os.kill(s.pid, signal.SIGSTOP)
        os.waitpid(s.pid, 0)
        ptrace(detach, s.pid, none, none)
        os.kill(s.pid, signal.SIGCONT)
        s.say("trim")


def becoming():
    """Looked at while it becomes another program that uses Chunky, again and again: each
    look is of one program, or told."""
    script = ("import os, sys; n = int(sys.argv[1]); kept = [str(i) for i in range(20000)]\n"
              "os.execv(sys.executable, [sys.executable, sys.argv[2], str(n - 1), sys.argv[2]])"
              " if n else None")
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/again.py"
        with open(path, "w", encoding="ascii") as f:
            f.write(script)
        p = subprocess.Popen([sys.executable, path, "12", path],
                             env=dict(os.environ, LD_PRELOAD=LIB))
        while p.poll() is None:
            result = chunky("frag", p.pid)
            expect(result.status in (0, 3, 4), result)
        p.wait()


def kernel_thread():
    result = chunky("stats", 2)
    expect(result.status == 3, result)


for way in ("exec", "exit"):
    caught(way)
stopped_by_us()
summed()
interrupted()
traced()
becoming()
kernel_thread()
finish()
