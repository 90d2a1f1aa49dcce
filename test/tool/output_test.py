"""-o FILE: what is read from stays as it is, whatever it is called there."""
import os
import shutil
import subprocess
import tempfile
import time

from subject import TOOL, Subject, chunky, expect, finish


def content(path):
    with open(path, "rb") as f:
        return f.read()


def spared(folder, snap):
    """The source itself, by its name, by another, through links."""
    os.symlink(snap, folder + "/soft")
    os.link(snap, folder + "/hard")
    other = folder + "/other.snap"
    shutil.copy(snap, other)
    before = content(snap)
    for path in (snap, f"{folder}/./a.snap", folder + "/soft", folder + "/hard"):
        for words in (["stats", snap], ["map", snap, "-f", "html"], ["view", snap],
                      ["dump", snap], ["chunks", path], ["diff", snap, other],
                      ["diff", other, snap], ["diff", snap, "--", "true"]):
            result = chunky(words[0], "-o", path, *words[1:])
            lines = result.err.strip().splitlines()
            expect(result.status == 2 and len(lines) == 1 and path in result.err, words, path, result)
            expect(content(snap) == before, "written over", words, path)
    result = chunky("stats", snap, "-o", other)
    expect(result.status == 0 and b"waterfall" not in content(other) and b"= mapped" in content(other),
           "another file is written over", result)


def standard(folder, snap):
    """- is standard output, and no file of that name."""
    here = os.getcwd()
    os.chdir(folder)
    for words in (["stats"], ["map"], ["map", "-f", "html"], ["chunks"], ["bins"], ["frag"],
                  ["layout"], ["check", "-f", "json"], ["ctl"], ["what", "heap+0"], ["diff", snap]):
        words[1:1] = [snap]
        plain, told = chunky(*words), chunky(*words, "-o", "-")
        expect(told.status == 0 and told.err == "" and told.out == plain.out, words, told)
    page = chunky("view", snap, "-o", "-")
    expect(page.status == 0 and page.out.startswith("<!") and page.out.endswith("</html>\n") and
           page.err == "", page)
    result = chunky("view", snap, "-o", "-", "--open")
    expect(result.status == 2 and len(result.err.splitlines()) == 1, result)
    with open("piped.snap", "wb") as f:
        done = subprocess.run(["sh", "-c", f"{TOOL} dump {snap} -o - | cat"], stdout=f, check=False)
    expect(chunky("dump", snap, "-o", "filed.snap").status == 0)
    piped, filed = (chunky("stats", name + ".snap") for name in ("piped", "filed"))
    expect(done.returncode == 0 and piped.status == 0 and piped.out == filed.out, done, piped)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TOOL, "dump", snap, "-o-"], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    expect(done.returncode == 3 and len(done.stderr.splitlines()) == 1, done)
    result = chunky("play", "--record", "-o", "-", "--", "true")
    expect(result.status == 2 and len(result.err.splitlines()) == 1, result)
    expect(not os.path.exists("-"), "a file named -")
    os.chdir(here)


def mistaken(folder, snap):
    """What was asked makes no sense: a file that is there stays, and none is made."""
    new, old = folder + "/new", folder + "/old"
    with open(old, "w", encoding="ascii") as f:
        f.write("what was there")
    for words in (["view", snap, "--range", "foo-bar"], ["view", snap, "--range", "heap+0x90-heap+0x10"],
                  ["map", snap, "0x5"], ["map", snap, "--range", "foo-bar", "-f", "html"],
                  ["chunks", snap, "--state", "livid"], ["chunks", snap, "--range", "foo-bar"],
                  ["chunks", snap, "--size", "9-1"], ["chunks", snap, "--size", "x" * 99 + "-1"],
                  ["what", snap, "heap+0", "foo"], ["ctl", snap, "trim"]):
        for path in (old, new):
            result = chunky(*words, "-o", path)
            expect(result.status == 2 and len(result.err.splitlines()) == 1, words, result)
        expect(content(old) == b"what was there" and not os.path.exists(new), words)
    result = chunky("diff", snap, folder + "/none", "-o", old)
    expect(result.status == 3 and content(old) == b"what was there", result)
    for range, said in (("heap+0x10-heap+0x20", 0), ("heap+0x10", 0), ("0x5-0x90", 1)):
        result = chunky("view", snap, "--range", range, "-o", new)
        expect(result.status == 0 and len(result.err.splitlines()) == said, range, result)
    expect(chunky("chunks", snap, "--state", "broken", "-o", old).status == 0 and
           content(old) == b"", "nothing is what was found")
    if shutil.which("strace"):
        calls = subprocess.run(["strace", "-f", "-e", "trace=open,openat", TOOL, "diff", snap, snap],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               check=False).stderr
        expect("openat" in calls and "/dev/null" not in calls, "a file that diff does not need")


def unwritten(folder, snap):
    """Where nothing can be written is one status, as the manual says."""
    os.mkfifo(folder + "/fifo")
    for verb in (["stats"], ["map"], ["chunks"], ["dump"], ["view"], ["stats", "-f", "json"],
                 ["map", "-f", "html"], ["bins"], ["ctl"], ["what", "heap+0"]):
        for path in ("/nonexistent/x", "/dev/full", "/"):
            words = [verb[0], snap, *verb[1:], "-o", path]
            result = chunky(*words)
            lines = result.err.strip().splitlines()
            expect(result.status == 3 and len(lines) == 1, words, result)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([TOOL, "diff", snap, snap], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
        expect(done.returncode == 3 and len(done.stderr.splitlines()) == 1, "diff", done)
    for path in ("/nonexistent/x", "/dev/full", "/"):
        result = chunky("play", "--html", path, "a=malloc(1)")
        expect(result.status == 3, path, result)
    for page in (chunky("help"), chunky("help", "--man"), chunky("help", "--man", "stats")):
        expect("output" in page.out[page.out.lower().index("exit status"):], page)


def closed(folder, snap):
    """Without standard output or error a file is as good; what was to be printed is not."""
    def shell(words):
        return subprocess.run(["sh", "-c", f"{TOOL} {words}"], stderr=subprocess.PIPE, text=True,
                              check=False)
    chunky("dump", snap, "-o", folder + "/first")
    time.sleep(1.1)  # the second in which it was taken is in it, not that of the copy
    chunky("dump", snap, "-o", folder + "/second")
    expect(content(folder + "/first") == content(folder + "/second"), "copies differ")
    for verb in ("dump", "view"):
        for close in (">&-", ">&- 2>&-", "<&- >&- 2>&-"):
            whole, file = folder + "/whole", folder + "/closed"
            expect(chunky(verb, snap, "-o", whole).status == 0)
            done = shell(f"{verb} {snap} -o {file} {close}")
            expect(done.returncode == 0 and done.stderr == "" and content(file) == content(whole),
                   verb, close, done)
    shell(f"view {snap} --range 0x5-0x90 -o {file} >/dev/null 2>&-")
    expect(content(file).startswith(b"<!"), "what was to be told on standard error is in the file")
    done = shell(f"stats {snap} >&-")
    expect(done.returncode == 3 and len(done.stderr.splitlines()) == 1, done)
    done = shell("run -- sh -c '[ -e /proc/$$/fd/1 ] && exit 9; exit 7' >&-")
    expect(done.returncode == 7, "a command finds it closed", done)


def streams(folder, snap):
    """A pipe is refused at once; nothing waits for who would write into it."""
    for path in (folder + "/fifo", "/dev/tty", "/dev/zero"):
        result = chunky("stats", path, timeout=20)
        expect(result.status == 3 and len(result.err.splitlines()) == 1, path, result)
    expect("a pipe" in chunky("stats", folder + "/fifo", timeout=20).err)
    with open(snap, "rb") as f:
        done = subprocess.run(["bash", "-c", f'{TOOL} stats <(cat {snap})'], stdin=f, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        expect(done.returncode == 3 and "a pipe" in done.stderr, done)


def script(folder):
    path = folder + "/script"
    with open(path, "w", encoding="ascii") as f:
        f.write("a=malloc(10)\n")
    for words in ([path], ["-f", path]):
        result = chunky("play", *words, "--html", path)
        expect(result.status == 2 and content(path) == b"a=malloc(10)\n", words, result)


with tempfile.TemporaryDirectory() as folder:
    with Subject() as s:
        expect(chunky("dump", s.pid, "-o", folder + "/a.snap").status == 0)
        os.chdir(folder)
        expect(chunky("dump", s.pid, "-o", str(s.pid)).status == 0, "a file named like a process")
        expect(chunky("dump", s.pid, "-o", str(s.pid)).status == 0, "the same again")
    spared(folder, folder + "/a.snap")
    standard(folder, folder + "/a.snap")
    mistaken(folder, folder + "/a.snap")
    unwritten(folder, folder + "/a.snap")
    closed(folder, folder + "/a.snap")
    streams(folder, folder + "/a.snap")
    script(folder)
    os.chdir("/")
finish()
