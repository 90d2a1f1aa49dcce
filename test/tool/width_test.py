"""On a terminal no line is wider than it is, in UTF-8 and without; what is broken or made
shorter still says the same. Into a pipe or file nothing is broken."""
import fcntl
import os
import pty
import re
import struct
import termios

from subject import TOOL, Subject, chunky, expect, finish

VERBS = ("stats", "stats --all", "map", "map --cell 64", "map heap+0x1000", "map --color-by size",
         "layout", "chunks --limit 50", "chunks --summary", "bins --all", "frag", "check", "ctl",
         "what heap+0x1000", "diff PID", "explain malloc 30")


def on_terminal(columns, words, **env):
    pid, fd = pty.fork()
    if pid == 0:
        os.read(0, 1)  # until the terminal has its size
        os.execve(TOOL, [TOOL, *words], {**os.environ, "TERM": "xterm-256color", **env})
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.write(fd, b"\n")
    out = b""
    try:
        while True:
            out += os.read(fd, 65536)
    except OSError:
        pass
    expect(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, words, out[-500:])
    os.close(fd)
    text = out.decode("utf-8", "replace").replace("\r\n", "\n")
    return text.partition("\n")[2]  # without the echo


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def words_of(text):
    """The words, whatever breaks them; boxes and rows of cells aside."""
    return [w for line in text.splitlines() if "|" not in line for w in line.split()]


def look(s, verb, columns, locale):
    words = verb.replace("PID", str(s.pid)).split()
    words.insert(3 if words[0] == "explain" else 1, str(s.pid))
    env = {"LC_ALL": locale, "COLUMNS": "", "NO_COLOR": ""}
    text = plain(on_terminal(columns, words, **env))
    wide = [line for line in text.splitlines() if len(line) > columns]
    expect(not wide and text.count("\n") > 1, verb, columns, locale, wide[:3])
    if locale == "C" and columns >= 80 and words[0] not in ("map", "layout", "diff"):
        expect(words_of(text) == words_of(chunky(*words, env=env).out), verb, columns)


with Subject() as s:
    for locale in ("C.UTF-8", "C"):
        for columns in (40, 50, 80, 100):
            for verb in VERBS:
                look(s, verb, columns, locale)
    whole = chunky("map", s.pid, "--cell", "4k").out
    expect(" resident but free" in whole, whole)
    narrow = plain(on_terminal(80, ["map", str(s.pid), "--cell", "4k"], LC_ALL="C"))
    expect(re.search(r"^  \+0000000 \|.{64}\| ?\d+$", narrow, re.M), narrow)
    rows = [line.split("|")[1] for line in narrow.splitlines() if line.startswith("  +0") and "|" in line]
    same = [line.split("|")[1] for line in whole.splitlines() if line.startswith("  +0") and "|" in line]
    expect(rows == same and rows, rows, same)
    boxes = plain(on_terminal(80, ["layout", str(s.pid)], LC_ALL="C")).splitlines()
    expect(all(line[19] in "+|" for line in boxes[2:-1]), boxes[:9])


def reported():
    """The report at the end of a program: on a terminal, too."""
    told = plain(on_terminal(80, ["run", "--report", "--", "sh", "-c", "exec $SUBJECT few </dev/null >/dev/null"], LC_ALL="C"))
    wide = [line for line in told.splitlines() if len(line) > 80]
    expect("in the whole process" in told and "classes, up to" in told and not wide, wide, told)


def helps():
    """Helps fit into 80 columns wherever they are read."""
    verbs = re.findall(r"^  ([a-z]+)  ", chunky("help").out, re.M)
    expect(len(verbs) > 15, verbs)
    texts = [chunky("help").out] + [chunky("help", verb).out for verb in verbs]
    texts += [chunky(verb, "--help").out for verb in verbs if verb not in ("help", "run")]
    wide = [line for text in texts for line in text.splitlines() if len(line) > 80]
    expect(not wide, wide)


def narrowest():
    """What is narrower than 40 columns is drawn as if it had 40."""
    with Subject() as s:
        for verb in ("layout", "stats", "map"):
            least = chunky(verb, s.pid, "--width", "40").out
            expect(chunky(verb, s.pid, "--width", "20").out == least, verb)
        for columns in (40, 59, 60, 80):
            boxes = chunky("layout", s.pid, "--width", columns).out
            edges = [line for line in boxes.splitlines()[3:-1] if line.endswith("+")]
            expect(len(edges) > 5 and all(re.fullmatch(r" *\w+ \+-+\+", e) for e in edges), boxes)
            expect("the program break" in " ".join(re.findall("[a-z]+", boxes)), boxes)


def double_free():
    """The engine's report within play: the line that says where to look, too."""
    for columns in (60, 80):
        told = chunky("play", "--width", columns, "a=malloc(10); free(a); free(a)").out
        wide = [line for line in told.splitlines() if len(line) > columns]
        expect(not wide and "look: chunky what" in told, wide)
    told = chunky("play", "a=malloc(10); free(a); free(a)").out
    expect(re.search(r"look: .*guard_rate=1$", told, re.M), "files get full lines", told)
    expect(" #0 " not in told and "found here" not in told, "no stack of the tool's own", told)


reported()
helps()
narrowest()
double_free()


def played():
    """play: its strips, lists and words too; and a step that does not exist is told."""
    script = ("repeat(8){a=malloc(24)}; repeat(30){x$=malloc(100)}; repeat(30){free(x$)}; "
              "thread(t){p=malloc(100)}; m=malloc(200000)")
    for options in (["-m", "cache"], ["-m", "coalesce"], ["-m", "bins", "--level", "byte"]):
        for columns in (60, 80):
            told = chunky("play", *options, "--width", str(columns), script)
            wide = [line for line in told.out.splitlines() if len(line) > columns]
            expect(told.status == 0 and not wide, options, columns, wide[:3], told.err)
            full = chunky("play", *options, script)
            expect(any(len(line) > 80 for line in full.out.splitlines()), "files get full lines")
        shown = plain(on_terminal(80, ["play", *options, script]))
        expect(max(map(len, shown.splitlines())) <= 80, options)
    beyond = chunky("play", "--from", "9", "a=malloc(10); free(a)")
    expect(beyond.status == 0 and "there is no step 9: the last is #2" in beyond.out, beyond)
    expect("no step" not in chunky("play", "--from", "2", "a=malloc(10); free(a)").out)


played()
finish()
