"""chunky stats --watch: a process again and again; a command once, with its end."""
import os
import signal
import subprocess
import tempfile
import time

from subject import TOOL, Subject, expect, finish


def watch(*words, preexec_fn=None):
    return subprocess.Popen([TOOL, "stats", "--watch", *words], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, preexec_fn=preexec_fn)


def looks(text):
    return text.count("= mapped")


def command(folder):
    """Started once, seen while it lives and at its end."""
    process = watch("0.3", "--", "sh", "-c", f"echo ran >>{folder}/ran; sleep 2; exit 3")
    out, err = process.communicate(timeout=60)
    with open(f"{folder}/ran", encoding="ascii") as f:
        expect(f.read() == "ran\n", "started more than once")
    expect(process.returncode == 0 and 3 <= looks(out) <= 8, process.returncode, out, err)
    short = watch("60", "--", "sh", "-c", "exit 0")
    out, err = short.communicate(timeout=30)
    expect(short.returncode == 0 and looks(out) == 1, "only its end", out, err)
    stopping = watch("0.2", "--", "sh", "-c", "kill -STOP $$; exit 0")
    time.sleep(0.7)
    with open(f"/proc/{stopping.pid}/task/{stopping.pid}/children", encoding="ascii") as f:
        os.kill(int(f.read().split()[0]), signal.SIGCONT)
    expect(looks(stopping.communicate(timeout=30)[0]) >= 2, "one that stopped")


def failing():
    for words, status, says in ((["0.2", "--", "/nonexistent"], 3, "/nonexistent"),
                                (["0.2", "--", os.environ["SUBJECT_STATIC"] + "x"], 3, "No such"),
                                (["0.2", "--stop", "--", "sleep", "5"], 2, "--stop")):
        process = watch(*words)
        _, err = process.communicate(timeout=30)
        expect(process.returncode == status and says in err, words, process.returncode, err)


def ended(folder):
    """By a signal, and what it started with it; by a reader that leaves."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = watch("0.2", "--", "sh", "-c", f"echo $$ >{folder}/pid; exec sleep 60")
        process.stdout.readline()
        process.send_signal(number)
        process.communicate(timeout=20)
        expect(process.returncode == -number, number, process.returncode)
        expect(gone(folder), "its command lives on", number)
        with Subject() as s:
            process = watch("0.2", str(s.pid))
            process.stdout.readline()
            process.send_signal(number)
            process.communicate(timeout=20)
            expect(process.returncode == -number, number, process.returncode)
    process = watch("0.2", "--", "sh", "-c", f"echo $$ >{folder}/pid; exec sleep 60")
    process.stdout.readline()
    process.stdout.close()
    expect(process.wait(20) == 0 and process.stderr.read() == "", "nobody reads")
    expect(gone(folder), "its command lives on")


def at_its_end():
    """A command that is held at its end holds nobody: what draws its heap can be ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen([TOOL, "chunks", "--", "python3", "-c", "x = 5"], text=True,
                                   stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.3) # the pipe is full
        process.send_signal(number)
        try:
            expect(process.wait(20) == -number, number, process.returncode)
        except subprocess.TimeoutExpired:
            expect(False, "does not end", number)
            process.kill()
        process.stdout.close()


def gone(folder):
    with open(f"{folder}/pid", encoding="ascii") as f:
        pid = int(f.read())
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


with tempfile.TemporaryDirectory() as folder:
    command(folder)
    failing()
    ended(folder)
    at_its_end()
finish()
