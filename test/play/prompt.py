#!/usr/bin/env python3
"""prompt.py CHUNKY: the prompt from a pipe, and on a terminal with keys: history, editing, undo,
mistakes, help."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

CHUNKY = sys.argv[1]
PROMPT = "play> "
bad = []


def check(what, good, shown=""):
    if not good:
        bad.append(what)
        print(f"wrong: {what}\n{shown}")


def piped():
    lines = "a=malloc(10)\nb=maloc(3)\nb=malloc(5); free(b\nb=malloc(20)\nundo\nhistory\nmode bins\nfree(a)\nquit\nc=malloc(1)\n"
    run = subprocess.run([CHUNKY, "play"], input=lines, capture_output=True, text=True)
    drawn = re.findall(r"^#(\d+) (\S+)", run.stdout, re.M)
    check("steps of a pipe", drawn == [("1", "a=malloc(10)"), ("2", "b=malloc(20)"), ("2", "free(a)")], run.stdout)
    check("mistakes of a pipe have line and column",
          "2:3: expected a call, found \"maloc\"; the nearest is \"malloc\"" in run.stderr and
          "3:20: expected \")\"" in run.stderr, run.stderr)
    check("a mistake is told by the exit status", run.returncode == 2, run.returncode)
    check("mode bins", "fast[0x20]" in run.stdout, run.stdout)
    run = subprocess.run([CHUNKY, "play"], capture_output=True, text=True, input=
                         "a=malloc(1)\nthread(t){b=malloc(2);c=malloc(3)}\nd=malloc(4)\nundo 2\nfree(b)\n"
                         "udno\nundo 7\nfree(a)\n")
    check("undo of several lines, blocks of threads too",
          re.findall(r"^#(\d+) ", run.stdout, re.M) == ["1", "2", "3", "4"] and
          "nothing has been done yet" in run.stdout and
          "5:6: expected a variable that was assigned before, found \"b\"" in run.stderr and
          "8:6: expected a variable, found \"a\", and nothing" in run.stderr, run.stdout + run.stderr)
    check("a mistyped command", "6:1: expected a call or a command, found \"udno\"; the nearest is \"undo\"" in
          run.stderr, run.stderr)
    run = subprocess.run([CHUNKY, "play"], input=lines, capture_output=True, text=True)
    check("history", "\n  b=maloc(3)\n" in run.stdout, run.stdout)


class Terminal:
    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="80")
            os.execv(CHUNKY, [CHUNKY, "play"])
        self.shown = ""

    def until(self, text):
        """Reads until the text has been shown; what was shown since the last time."""
        got = ""
        while text not in got:
            if not select.select([self.fd], [], [], 100)[0]:
                break
            try:
                got += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                break
        return got

    def keys(self, keys, text):
        """Types, and waits for `text` and for the next prompt: what is typed before the
        editor reads again would be lost."""
        os.write(self.fd, keys.encode())
        got = self.until(text)
        check(f"{keys!r} shows {text!r}", text in got, repr(got))
        if PROMPT not in got.split(text)[-1]:
            self.until(PROMPT)

    def end(self):
        """Types ^U ^D until it has ended. An editor may show its prompt before it has taken the
        terminal from the kernel's line editor, which makes another key of ^D: then the line is
        cleared and the key typed again, as a person would."""
        for _ in range(40):
            try:
                os.write(self.fd, b"\x15\x04")
            except OSError:
                pass  # it has ended already
            for _ in range(10):
                if select.select([self.fd], [], [], 0.1)[0]:
                    try:
                        os.read(self.fd, 4096)
                    except OSError:
                        time.sleep(0.1)
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid != 0:
                    return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def terminal():
    t = Terminal()
    t.until(PROMPT)
    t.keys("a=malloc(10)\r", "#1 a=malloc(10)")
    t.keys("\x1b[A\x01\x1b[3~b\r", "#2 b=malloc(10)")  # up, start of the line, delete, b
    t.keys("fre(a)\r", "the nearest is \"free\"")
    t.keys("freex\x7f(a)\r", "#3 free(a)")
    t.keys("undo\r", "in use 2 chunks")
    t.keys("help\r", "takes the last lines back")
    check("the end of the input ends it", t.end() == 0)


piped()
terminal()
print(f"the prompt: {len(bad)} wrong")
sys.exit(bool(bad))
