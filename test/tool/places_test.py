"""Where a target may be: with a library that was deleted, in namespaces of its own, stripped
and linked in every way; and what a shell completes."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from subject import LIB, Subject, chunky, expect, finish

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def good(pid, what):
    result = chunky("check", pid)
    expect(result.status == 0 and " 0 findings" in result.out, what, result)
    for verb in ("stats", "map", "layout"):
        result = chunky(verb, pid)
        expect(result.status == 0, what, verb, result)


def deleted():
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(LIB, folder + "/libother.so")
        p = subprocess.Popen([os.environ["SUBJECT"]], env=dict(os.environ, LD_PRELOAD=copy),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdout.readline()
        os.unlink(copy)
    good(p.pid, "a library that is gone, of another name")
    p.kill()
    p.communicate()


def contained():
    """The library is seen in the target's mount namespace only; its numbers are others."""
    with tempfile.TemporaryDirectory() as folder:
        script = (f"mount -t tmpfs none {folder} && cp {LIB} {folder}/x.so && "
                  f"LD_PRELOAD={folder}/x.so exec {os.environ['SUBJECT']}")
        p = subprocess.Popen(["unshare", "-m", "-p", "-f", "--mount-proc", "sh", "-c", script],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
        if not p.stdout.readline():
            print("no namespaces here")
            p.communicate()
            return
        expect(not os.path.exists(folder + "/x.so"), "it is not seen from here")
        inside = subprocess.run(["pgrep", "-P", str(p.pid)], text=True, check=True,
                                stdout=subprocess.PIPE).stdout.split()
        good(int(inside[0]), "in a container")
        p.communicate(b"quit 0\n")


def numbered():
    """Its process number is another one inside, with and without a /proc of its own."""
    for more in ([], ["--mount-proc"]):
        script = f"LD_PRELOAD={LIB} exec {os.environ['SUBJECT']}"
        p = subprocess.Popen(["unshare", "-p", "-f", *more, "sh", "-c", script],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.DEVNULL)
        words = p.stdout.readline().split()
        if not words:
            print("no namespaces here")
            p.communicate()
            return
        pid = subprocess.run(["pgrep", "-P", str(p.pid)], text=True, check=True,
                             stdout=subprocess.PIPE).stdout.split()[0]
        block = words[0].split("=")[1]
        good(int(pid), more)
        with tempfile.TemporaryDirectory() as folder:
            for verb in (["check", pid, "--stop"], ["what", pid, block], ["bins", pid],
                         ["frag", pid], ["chunks", pid], ["ctl", pid], ["diff", pid, pid],
                         ["dump", pid, "-o", folder + "/x.snap"],
                         ["check", folder + "/x.snap"],
                         ["view", pid, "-o", folder + "/x.html"],
                         ["explain", "free", block, pid]):
                result = chunky(*verb)
                expect(result.status == 0 and not result.err, more, verb, result)
        p.communicate("quit 0\n")


VFORKED = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    void *p = malloc(100);
    int end[2];
    char c;
    printf("%p\\n", p);
    fflush(stdout);
    if (pipe(end) == 0 && vfork() == 0) {
        while (read(0, &c, 1) > 0)
            ;
        _exit(0);
    }
    return p == NULL;
}
"""


def vforked():
    """A process that waits for a child of vfork cannot be stopped: that is told, and soon."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/vforked"
        done = subprocess.run([os.environ.get("CC", "cc"), "-O1", "-w", "-o", path, "-x", "c", "-"],
                              input=VFORKED, text=True, check=False)
        if done.returncode != 0:
            print("no compiler")
            return
        p = subprocess.Popen([path], env=dict(os.environ, LD_PRELOAD=LIB), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdout.readline()
        while not os.path.exists(f"/proc/{p.pid}/task/{p.pid}/children") or not open(
                f"/proc/{p.pid}/task/{p.pid}/children", encoding="ascii").read():
            time.sleep(0.01)
        for verb in (["stats", p.pid, "--stop"], ["dump", p.pid, "-o", folder + "/x.snap"]):
            result = chunky(*verb)
            expect(result.status == 3 and "(vfork)" in result.err, verb, result)
            expect(result.err.count("\n") == 1 and "--stop" in result.err, result)
        expect(chunky("stats", p.pid).status == 0, "without --stop")
        p.communicate("")
        expect(p.returncode == 0, "it went on", p.returncode)


def linked():
    for kind in ("SUBJECT", "SUBJECT_STRIPPED", "SUBJECT_STATIC"):
        with Subject(kind, preload=kind != "SUBJECT_STATIC") as s:
            s.say("threads 3")
            good(s.pid, kind)
    # Of two Chunkys in a process the one that serves it is looked at.
    for preload in (False, True):
        with Subject("SUBJECT_OWN", preload=preload) as s:
            good(s.pid, "its own")
            told = chunky("what", s.pid, hex(s.block[1000]))
            expect("asked 1000" in told.out, "its own, preloaded:", preload, told)
    ended = chunky("run", "--report", "--", os.environ["SUBJECT_OWN"])
    expect(ended.status == 0 and "  the main heap at 0x" in ended.err, ended)


def bash(*words):
    """What bash offers for the last of these words."""
    script = (f"source {ROOT}/completions/chunky.bash; compopt() {{ :; }}; "
              "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _chunky; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", "chunky", *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    expect(done.returncode == 0 and not done.stderr, words, done.stderr)
    return done.stdout.split()


def zsh():
    """What zsh completes, at its own prompt. Each line is typed when the prompt is there."""
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/.zshrc", "w", encoding="ascii") as f:
            f.write(f"fpath=({ROOT}/completions $fpath); autoload -Uz compinit; compinit -u -D\n"
                    "PS1='ready> '; bindkey '^I' complete-word; unsetopt zle_bracketed_paste\n")
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", ZDOTDIR=folder, COLUMNS="120")
            os.execvp("zsh", ["zsh", "-i"])

        def until(text):
            got, end = "", time.time() + 60
            while text not in got and time.time() < end:
                if select.select([fd], [], [], 1)[0]:
                    got += os.read(fd, 1 << 16).decode(errors="replace")
            expect(text in got, f"zsh does not show {text!r}:", repr(got))

        until("ready> ")
        for typed, shown in (("chunky sta\t", "chunky stats "),
                             ("chunky map --color-by=si\t", "--color-by=size "),
                             ("chunky stats -f op\t", "-f openmetrics "),
                             ("chunky help lay\t", "help layout "),
                             ("chunky play --mode=coa\t", "--mode=coalesce "),
                             ("chunky run -- unshar\t", "-- unshare ")):
            os.write(fd, b"\x15" + typed.encode())  # clears the line first
            until(shown)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


def completed():
    expect(bash("st") == ["stats"], bash("st"))
    expect(bash("map", "--co") == ["--color=", "--color-by="], bash("map", "--co"))
    expect(bash("stats", "--format", "") == ["text", "json", "xml", "openmetrics"])
    expect(bash("stats", "--format", "=") == ["text", "json", "xml", "openmetrics"])
    expect(bash("stats", "--format", "=", "op") == ["openmetrics"])
    expect(bash("play", "--lev") == ["--level="])
    expect("unshare" in bash("run", "--", "unshar"))
    expect(bash("help", "che") == ["check"])
    expect(str(os.getpid()) in bash("stats", ""), "numbers of processes")
    if shutil.which("zsh"):
        done = subprocess.run(["zsh", "-n", ROOT + "/completions/_chunky"], check=False,
                              stderr=subprocess.PIPE, text=True)
        expect(done.returncode == 0, done.stderr)
        zsh()
    for verb in re.findall(r"^  ([a-z]+)  ", chunky("help").out, re.M):
        page = f"{ROOT}/docs/man/chunky-{verb}.1"
        if verb != "help" and expect(os.path.exists(page), "no page", verb):
            done = subprocess.run(["man", "--warnings", "-l", page], text=True, check=False,
                                  env=dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8"),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) \
                if shutil.which("man") else None
            expect(done is None or (done.stdout and not done.stderr), verb, done and done.stderr)


deleted()
contained()
numbered()
vforked()
linked()
completed()
finish()
