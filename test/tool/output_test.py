"""-o FILE: what is read from stays as it is, whatever it is called there."""
import os
import shutil
import tempfile

from subject import Subject, chunky, expect, finish


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
    script(folder)
    os.chdir("/")
finish()
