"""Shared by the tests of test/ops: a process on Chunky, the tool, checks."""
import os
import subprocess
import sys
import threading

TOOL = os.environ["CHUNKY_TOOL"]
LIB = os.environ["CHUNKY_LIB"]
failed = checks = 0


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def expect(condition, *what):
    global failed, checks
    checks += 1
    if not condition:
        failed += 1
        print("FAILED:", *what)


def finish():
    print(f"{checks} checks, {failed} failed")
    sys.exit(1 if failed or not checks else 0)


def tool(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                          timeout=300)
    return done.returncode, done.stdout


class Process:
    def __init__(self, conf="", **more):
        env = dict(os.environ, LD_PRELOAD=LIB, CHUNKY_CONF=conf, **more)
        self.child = subprocess.Popen([os.environ["SUBJECT"]], env=env, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
        self.watchdog = threading.Timer(240, self.child.kill)
        self.watchdog.start()
        self.pid = self.child.pid
        self.child.stdout.readline()

    def act(self, letter):
        self.child.stdin.write(letter)
        self.child.stdin.flush()
        return self.child.stdout.readline().split()

    def keep_passing(self):
        """Passes slow paths until told to stop: an idle process serves nobody."""
        self.stop = False

        def loop():
            while not self.stop:
                self.act("p")
        self.thread = threading.Thread(target=loop)
        self.thread.start()

    def rest(self):
        self.stop = True
        self.thread.join()

    def resident(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def end(self):
        out, err = self.child.communicate()
        self.watchdog.cancel()
        return self.child.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
