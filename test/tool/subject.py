"""The program that the tests look at, the tool, and checks that count."""
import json
import os
import subprocess
import sys

TOOL = os.environ["CHUNKY_TOOL"]
LIB = os.environ["CHUNKY_LIB"]
failures = 0
checks = 0


def expect(condition, *what):
    """Counts a check, and tells if it failed."""
    global failures, checks
    checks += 1
    if not condition:
        failures += 1
        caller = sys._getframe(1)
        print(f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno}:", *what)
    return bool(condition)


def finish():
    print(f"{checks} checks, {failures} failed")
    sys.exit(1 if failures or not checks else 0)


def skip(why):
    print("skipped:", why)
    sys.exit(77)


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"status {self.status}\n{self.out[-3000:]}\n{self.err[-1000:]}"


def chunky(*arguments, env=None, timeout=120, stdin=""):
    """Runs the tool; text in and out."""
    done = subprocess.run([TOOL] + [str(a) for a in arguments], input=stdin, timeout=timeout,
                          env={**os.environ, **(env or {})}, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return Result(done)


def chunky_json(*arguments):
    result = chunky(*arguments, "--format", "json")
    expect(result.status == 0, arguments, result)
    return json.loads(result.out)


class Driven:
    """A program that waits for lines, and has printed one."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.first = self.process.stdout.readline()

    def say(self, line, wait=True):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if wait:
            self.wait()

    def wait(self):
        """Until it has done what was said."""
        assert self.process.stdout.readline() == "done\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Subject(Driven):
    """The program under Chunky, waiting for lines."""

    def __init__(self, kind="SUBJECT", conf="request=1", args=(), preload=True):
        env = dict(os.environ, CHUNKY_CONF=conf)
        if preload:
            env["LD_PRELOAD"] = LIB
        super().__init__([os.environ[kind], *args], env)
        self.block = {int(k): int(v, 16) for k, v in (p.split("=") for p in self.first.split())}


def compiled(folder, name, source):
    """A program of one test, built so that its stacks have names and lines."""
    with open(f"{folder}/{name}.c", "w", encoding="ascii") as f:
        f.write(source)
    path = f"{folder}/{name}"
    if subprocess.run([os.environ.get("CC", "cc"), "-g", "-O1", "-fno-builtin",
                       "-fno-omit-frame-pointer", "-o", path, name + ".c"], cwd=folder,
                      check=False).returncode != 0:
        skip("no compiler")
    return path
