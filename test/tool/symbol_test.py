#!/usr/bin/env python3
"""Stacks of a report have names: when `chunky run` is the parent, and by `chunky symbolize`
afterwards; for each way to link, with symbols, a debug file, or dynamic symbols only."""
import os
import re
import shutil
import subprocess
import tempfile

from subject import LIB, chunky, expect, finish, skip

SOURCE = """
#include <stdlib.h>
#define APART __attribute__((noinline))
APART void *taker(void) { void *volatile p = malloc(50); return p; }
APART void giver(void *p) { free(p); __asm__(""); }
APART void user(void *p) { ((volatile char *)p)[3] = 1; __asm__(""); }
"""
MAIN = """
void *taker(void); void giver(void *p); void user(void *p);
int main(void) { void *p = taker(); giver(p); user(p); return 0; }
"""
CC = os.environ.get("CC", "cc")
ARCHIVE = os.path.join(os.path.dirname(os.path.realpath(LIB)), "libchunky.a")
TITLES = {"found here": "user", "freed here": "giver", "allocated here": "taker"}


def build(folder, name, *flags, after=()):
    """The program; False where this machine cannot link it so."""
    path = os.path.join(folder, name)
    done = subprocess.run([CC, "-g", "-O1", "-o", path, "all.c", *flags], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        return None
    for command in after:
        subprocess.run([word.replace("@", path) for word in command], cwd=folder, check=True)
    return path


def stacks(text):
    """Title: its lines."""
    found = {}
    for title, lines in re.findall(r"^  (\w+ here), thread \d+\n((?:    #.*\n)+)", text, re.M):
        found[title] = lines.splitlines()
    return found


def judge(what, text, names=True, lines=True, first=True):
    told = stacks(text)
    for title, function in TITLES.items():
        frames = told.get(title, [""])
        where = frames[0] if first else "\n".join(frames)
        if names:
            expect(re.search(rf"  {function}\+0x", where), what, title, "lacks", function, text)
        if lines:
            expect(re.search(r"all\.c:\d+$", where, re.M), what, title, "lacks its line", text)
        if not names and not lines:
            expect("(no symbols, build id " in where, what, title, "no build id", text)


def look(what, path, folder, **known):
    report = os.path.join(folder, "report")
    if os.path.exists(report):
        os.remove(report)
    conf = {"CHUNKY_CONF": f"check=3,guard_rate=1,report={report}"}
    run = chunky("run", "--", path, env=conf)
    expect(run.status in (134, -6), what, "status", run.status, run.err)
    judge(what + ", run", run.err, **known)
    with open(report, encoding="utf-8") as file:
        raw = file.read()
    expect("+0x" in raw and "  taker+" not in raw, what, "the file is as it was written", raw)
    judge(what + ", symbolize", chunky("symbolize", report).out, **known)
    judge(what + ", standard input", chunky("symbolize", stdin=raw).out, **known)


def programs(folder):
    debug = [["objcopy", "--only-keep-debug", "@", "@.debug"], ["strip", "@"],
             ["objcopy", "--add-gnu-debuglink=@.debug", "@"]]
    none = {"names": False, "lines": False}
    yield "PIE", build(folder, "pie", "-pie", "-fPIE"), {}
    yield "non-PIE", build(folder, "fixed", "-no-pie"), {}
    yield "DWARF 4", build(folder, "dwarf4", "-gdwarf-4"), {}
    yield "no lines", build(folder, "plain", "-g0"), {"lines": False}
    yield "stripped", build(folder, "bare", after=[["strip", "@"]]), none
    yield "dynamic symbols only", build(folder, "dyn", "-rdynamic", after=[["strip", "@"]]), \
        {"lines": False}
    yield "debug file", build(folder, "link", after=debug), {}
    yield "debug file beside it in .debug", build(
        folder, "beside", after=debug + [["mkdir", "-p", ".debug"], ["mv", "@.debug", ".debug"]]), {}
    for kind in ("-static", "-static-pie"):
        # Only what is asked for comes out of an archive: the unwinder, too.
        path = build(folder, "program" + kind, kind, "-fPIE" if "pie" in kind else "-fno-pie",
                     "-Wl,-u,backtrace", ARCHIVE)
        yield kind, path, {"first": False}


def without_checks(folder):
    """At level 0, in a program without frame pointers: the stack of the second free."""
    with open(os.path.join(folder, "twice.c"), "w", encoding="utf-8") as file:
        file.write(SOURCE + "APART void again(void *p) { giver(p); __asm__(\"\"); }\n"
                   "int main(void) { void *p = taker(); giver(p); again(p); return 0; }\n")
    path = os.path.join(folder, "twice")
    subprocess.run([CC, "-g", "-O2", "-fomit-frame-pointer", "-o", path,
                    os.path.join(folder, "twice.c")], check=True)
    for level in ("0", "1", "2"):
        run = chunky("run", "--", path, env={"CHUNKY_CONF": "check=" + level})
        frames = stacks(run.err).get("found here", [])
        names = [re.search(r"  (\w+)\+0x", frame) for frame in frames[:3]]
        expect([name and name.group(1) for name in names] == ["giver", "again", "main"],
               "level", level, "the stack", run.err)


def in_a_handler(folder):
    """Across the frame that the kernel pushed for a signal."""
    with open(os.path.join(folder, "signal.c"), "w", encoding="utf-8") as file:
        file.write("#include <signal.h>\n" + SOURCE + "static void *p;\n"
                   "APART void handle(int n) { giver(p); giver(p); __asm__(\"\"); }\n"
                   "APART void raiser(void) { raise(SIGUSR1); __asm__(\"\"); }\n"
                   "int main(void) { p = taker(); signal(SIGUSR1, handle); raiser(); return 0; }\n")
    path = os.path.join(folder, "signal")
    subprocess.run([CC, "-g", "-O2", "-o", path, os.path.join(folder, "signal.c")], check=True)
    run = chunky("run", "--", path)
    text = "\n".join(stacks(run.err).get("found here", []))
    expect(re.search(r"  giver\+.*\n.*  handle\+.*\n.*  \(a signal came here\)\n(.*\n)*.*  raiser\+"
                     r".*\n.*  main\+", text), "the handler's stack", run.err)


def shared(folder):
    """The functions in a library, stripped and not."""
    for name, after in (("shared", []), ("shared, stripped", [["strip", "@"]])):
        library = build(folder, "libpart.so", "-shared", "-fPIC", "-DPART", after=after)
        path = build(folder, "main", "-DMAIN", "-L.", "-lpart", "-Wl,-rpath," + folder)
        look(name, path, folder, lines=not after)


def parts_of_processes(folder):
    """Two processes that fail at once: two whole reports."""
    path = os.path.join(folder, "pie")
    conf = {"CHUNKY_CONF": "check=3,guard_rate=1"}
    run = chunky("run", "--", "sh", "-c", f"{path} & {path} & {path} & wait", env=conf)
    expect(len(re.findall(r"^chunky: use after free", run.err, re.M)) == 3, "three reports", run)
    expect(len(re.findall(r"  user\+0x", run.err)) == 3, "each with its names", run)
    apart = re.split(r"^chunky: ", run.err, flags=re.M)[1:]
    expect(all(part.count("here, thread") == 3 for part in apart), "each whole", run)


def kept(folder):
    """run --report keeps the heap of a program that was ended."""
    path = os.path.join(folder, "pie")
    here = os.getcwd()
    os.chdir(folder)
    run = chunky("run", "--report", "--", path, env={"CHUNKY_CONF": "check=3,guard_rate=1"})
    os.chdir(here)
    name = re.search(r"^chunky: kept in (chunky-\d+\.snap):", run.err, re.M)
    if expect(name, "a snapshot", run):
        file = os.path.join(folder, name.group(1))
        expect(chunky("check", file).status == 0, "it opens", chunky("check", file))
        expect(chunky("map", file).status == 0, "it is drawn")


def main():
    for tool in (CC, "objcopy", "strip"):
        if shutil.which(tool) is None:
            skip(f"no {tool}")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "all.c"), "w", encoding="utf-8") as file:
            file.write(f"#ifndef MAIN\n{SOURCE}#endif\n#ifndef PART\n{MAIN}#endif\n")
        for what, path, known in programs(folder):
            if path is not None:
                look(what, path, folder, **known)
        without_checks(folder)
        in_a_handler(folder)
        shared(folder)
        parts_of_processes(folder)
        kept(folder)
        missing = chunky("symbolize", os.path.join(folder, "nothing"))
        expect(missing.status == 3 and "nothing" in missing.err, "a file that is not there", missing)
        for name in ("", "/."):
            unread = chunky("symbolize", folder + name)
            expect(unread.status == 3 and "Is a directory" in unread.err, unread)
        here = os.getcwd()
        os.chdir(folder)
        with open("-report", "w", encoding="ascii") as file:
            file.write("a report\n")
        for words in (["--", "-report"], ["--", "-report", "./-report"], ["./-report", "--"],
                      ["./-report", "--", "-report"]):
            told = chunky("symbolize", *words)
            times = sum("-report" in word for word in words)
            expect(told.status == 0 and told.out == times * "a report\n", words, told)
        os.chdir(here)
        odd = "    #1  0x1  /not/there+0x10\n   # not\n    #2  0x2  /etc/passwd+0x40\n"
        expect(chunky("symbolize", stdin=odd).out == odd, "what is not known stays as it was")
    finish()


main()
