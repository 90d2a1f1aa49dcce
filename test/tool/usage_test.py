"""Wrong words on the command line: one clear line, status 2, the nearest name."""
import json
import re
import tempfile

from subject import Subject, chunky, expect, finish

VERBS = ("run", "stats", "map", "layout", "chunks", "what", "bins", "frag", "check", "dump",
         "diff", "top", "view", "play", "explain")


def wrong(*arguments, says=""):
    result = chunky(*arguments)
    lines = result.err.strip().splitlines()
    expect(result.status == 2 and len(lines) == 1 and says in result.err, arguments, result)
    expect(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", result.err), "control characters", result)


def helps():
    for arguments in (["help"], ["--help"], ["help", "help"]):
        result = chunky(*arguments)
        expect(result.status == 0 and all(v in result.out for v in VERBS), result)
    for verb in VERBS:
        result = chunky("help", verb)
        expect(result.status == 0 and f"chunky {verb}" in result.out, verb, result)
    for verb in VERBS[:13]:
        direct = chunky(verb, "--help")
        expect(direct.status == 0 and direct.out == chunky("help", verb).out, verb)
    for verb in VERBS + ("ctl", "symbolize"):
        page = chunky("help", "--man", verb).out
        empty = re.search(r"^\.SH (.*)\n\.SH", page, re.M)
        expect(page.startswith(".TH") and not empty, verb, empty and empty[1])
        expect((".SH OPTIONS" in page) == (verb != "symbolize"), verb)
    expect("h shows all keys" in chunky("help", "top").out)
    version = chunky("--version")
    expect(re.fullmatch(r"chunky \d+\.\d+\.\d+ \(layout \d+\.\d+\)\n", version.out), version)
    expect(chunky().status == 2)


def mistakes(pid):
    wrong("stat", str(pid), says="did you mean stats?")
    wrong("\x1b]0;x\x07", says="\\x1b")
    wrong("help", "nosuch", says="nosuch")
    for verb in VERBS[1:10]:
        wrong(verb)
        wrong(verb, str(pid), "--nonsense")
    wrong("map", str(pid), "--widht", "70", says="did you mean --width?")
    wrong("map", str(pid), "--cell", "3")
    wrong("map", str(pid), "--cell", "0")
    wrong("map", str(pid), "--cell", says="--cell wants a value")
    for letter, name in (("-f", "--format"), ("-o", "--output"), ("-n", "--limit")):
        wrong("map", str(pid), letter, says=f"chunky: {name} wants a value")
    wrong("map", str(pid), "--width", "-5")
    wrong("map", str(pid), "--color", "purple")
    wrong("map", str(pid), "--color-by", "smell")
    wrong("map", str(pid), "--format", "pdf", says="text, json, html, svg")
    wrong("map", str(pid), "0x2000-0x1000")
    wrong("map", str(pid), "hello")
    wrong("chunks", str(pid), "--state", "livid", says="livid")
    wrong("chunks", str(pid), "--size", "5-1")
    wrong("chunks", str(pid), "--size", "x")
    wrong("chunks", str(pid), "--limit", "99999999999")
    wrong("chunks", str(pid), "--state", "", says="no state")
    for form in ("csv", "jsonl"):
        wrong("chunks", str(pid), "--hex", "-f", form, says="--hex is for the format text")
    wrong("what", str(pid), "heap+0", "--hex", "-f", "json", says="--hex is for the format text")
    for form in ("json", "svg"):
        wrong("map", str(pid), "--art", "-f", form, says="text or html")
    wrong("map", str(pid), "0x1234", says="lies at 0x1234 ")
    wrong("map", str(pid), str(2 ** 64 - 1), says="lies at 0xffffffffffffffff ")
    for form in ("text", "csv", "jsonl"):
        wrong("chunks", str(pid), "--range", "0x1000-0x2000", "-f", form, says="lies at 0x1000 ")
    wrong("chunks", str(pid), "--range", "0x1000", "--count", says="lies at 0x1000 ")
    wrong("map", str(pid), "--range", "0x1000-0x2000", says="lies at 0x1000 ")
    for place in ("heap+0x0", "heap+0x10-heap+0x20", "0x1000-0xffffffffffffffff", "mapped1+0x0",
                  "0x0-0xffffffffffffffff"):
        result = chunky("chunks", str(pid), "--range", place)
        expect(result.status == 0 and result.out, place, result)
    none = chunky("chunks", str(pid), "--range", "heap+0x0", "--state", "large")
    expect(none.status == 0 and none.out == "", "something lies there, of another state", none)
    wrong("play", "--from", "2", "--to", "1", "a=malloc(1); free(a)", says="comes after")
    wrong("stats", str(pid), "--watch", "0")
    wrong("stats", "0")
    wrong("stats", "", says="empty")
    wrong("stats", "99999999999999999999")
    wrong("what", str(pid))
    wrong("diff", str(pid))
    wrong("dump", str(pid))
    wrong("view", str(pid))
    for verb in ("stats", "layout", "chunks", "bins", "frag", "check", "dump", "view", "top"):
        wrong(verb, str(pid), "77", *(["-o/dev/null"] if verb != "top" else []),
              says='"77" is too much')
        wrong(verb, str(pid), "--", "true", says=f'"{pid}" is too much')
    wrong("map", str(pid), "heap+0", "77", says='"77" is too much')
    wrong("map", str(pid), "heap+0", "--range", "heap+0-heap+64", says="one place")
    wrong("diff", str(pid), str(pid), "77", says='"77" is too much')
    wrong("play", "-f", "/dev/null", "a=malloc(1)", says="one script")
    wrong("play", "a=malloc(1)", "b=malloc(1)", says="one script")
    wrong("run", "x", "--", "true", says='"x" is too much')


def commands():
    """-- CMD is a SOURCE everywhere."""
    command = ["--", "sh", "-c", "exec python3 -c 'x = [str(i) for i in range(1000)]'"]
    for verb in ("stats", "map", "layout", "chunks", "bins", "frag", "check"):
        result = chunky(verb, *command)
        expect(result.status == 0 and result.out, verb, result)
    result = chunky("what", "heap+0x40", *command)
    expect(result.status == 0 and "heap+0x40" in result.out, result)
    result = chunky("map", "heap+0x40", *command)
    expect(result.status == 0 and "one cell is 1 B" in result.out, result)
    with tempfile.TemporaryDirectory() as folder:
        for verb, file in (("dump", "a.snap"), ("view", "a.html")):
            result = chunky(verb, "-o", f"{folder}/{file}", *command)
            expect(result.status == 0, verb, result)
        result = chunky("diff", f"{folder}/a.snap", *command)
        expect(result.status == 0 and "stayed" in result.out, result)


def schemas(pid):
    """Every object names what it is, as the manual says."""
    page = chunky("help", "--man").out.replace("\\-", "-")
    own = dict(re.findall(r'"chunky-(\w+)/(\d)"', page))
    expect("chunky-\\fIVERB\\fR/1" in page and own == {"play": "2"}, own)
    for verb in VERBS + ("ctl",):
        formats = re.search(r"^formats: .*\bjson\b", chunky("help", verb).out, re.M)
        if not formats:
            continue
        words = {"play": ["a=malloc(1)"], "what": [pid, "heap+0"],
                 "diff": [pid, pid]}.get(verb, [pid])
        told = json.loads(chunky(verb, *words, "--format", "json").out)
        expect(next(iter(told.items())) == ("schema", f"chunky-{verb}/{own.get(verb, 1)}"), verb)
    for form in (["--format", "json"], ["--format", "html"], ["--html", "-"]):
        wrong("play", "--compare", *form, "a=malloc(1)", says="one --mode")
        wrong("play", *form, says="wants a script")


helps()
commands()
with Subject() as s:
    mistakes(s.pid)
    schemas(s.pid)
    for words in ([], ["-f", "json"], ["-f", "svg"], ["-f", "html"], ["--art"]):
        far = chunky("map", s.pid, "0x1000", *words)
        expect(far.status == 2 and far.out == "" and "no mapped block lies at 0x1000" in far.err, far)
    none = chunky("chunks", s.pid, "--arena", "77", "--count")
    expect(none.out.startswith("0 chunks"), none)
    json.loads(chunky("map", s.pid, "--arena", "77", "-f", "json").out)
    for verb in ("map", "bins"):
        expect("no arena 77" in chunky(verb, s.pid, "--arena", "77").out, verb)
    far = chunky("what", s.pid, "heap+0xffffffffffffffff")
    expect(far.status == 2 and "is no address" in far.err, far)
finish()
