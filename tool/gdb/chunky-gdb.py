"""GDB support for Chunky: `chunky VERB [...]` looks at the heap of the program being
debugged, live or core, and structures of Chunky print as what they mean.

Loaded by itself when it lies in the auto-load place of libchunky.so; otherwise:
    (gdb) source chunky-gdb.py
"""
import os
import re
import shutil
import subprocess
import tempfile

import gdb

VERBS = ("stats", "map", "layout", "chunks", "what", "bins", "frag", "check", "dump", "view",
         "explain")


def tool():
    """The command: $CHUNKY_TOOL, beside the library (a build tree), or in the path."""
    named = os.environ.get("CHUNKY_TOOL")
    if named:
        return named
    for objfile in gdb.objfiles():
        name = objfile.filename or ""
        if "libchunky" in os.path.basename(name):
            beside = os.path.join(os.path.dirname(os.path.realpath(name)), "chunky")
            if os.access(beside, os.X_OK):
                return beside
    found = shutil.which("chunky")
    if found is None:
        raise gdb.GdbError("chunky is not in the path; CHUNKY_TOOL can name it")
    return found


def core_file():
    match = re.search(r"core dump file:\s+`(.*)', file type",
                      gdb.execute("info target", to_string=True))
    return match.group(1) if match else None


class Source:
    """What the tool is told to look at; a temporary core for remote targets."""

    def __enter__(self):
        self.made = None
        core = core_file()
        if core:
            return core
        inferior = gdb.selected_inferior()
        connection = getattr(inferior, "connection", None)
        if inferior.pid and (connection is None or connection.type == "native"):
            return str(inferior.pid)
        if not inferior.pid:
            raise gdb.GdbError("no program is being debugged")
        handle, self.made = tempfile.mkstemp(prefix="chunky-core-")
        os.close(handle)
        gdb.execute("generate-core-file " + self.made, to_string=True)
        return self.made

    def __exit__(self, *_):
        if self.made:
            os.unlink(self.made)


def run(arguments):
    color = ["--color=always"] if arguments[0] in VERBS and stdout_is_terminal() and \
        arguments[0] not in ("dump", "view", "explain") else []
    done = subprocess.run([tool()] + arguments + color, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    gdb.write(done.stdout.decode("utf-8", "replace"))


def stdout_is_terminal():
    try:
        return os.isatty(1)
    except OSError:
        return False


class ChunkyCommand(gdb.Command):
    """chunky VERB [ARGUMENT...]: look at the heap of the program being debugged.
chunky what EXPRESSION takes any expression whose value is an address."""

    def __init__(self):
        super().__init__("chunky", gdb.COMMAND_DATA, prefix=False)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not words or words[0] in ("help", "--version"):
            run(words or ["help"])
            return
        if words[0] not in VERBS:
            raise gdb.GdbError(f"chunky: {words[0]} is none of {', '.join(VERBS)}")
        if words[0] == "what":
            words[1:] = [hex(int(gdb.parse_and_eval(w)) & (1 << 64) - 1)
                         if not w.startswith("-") else w for w in words[1:]]
        with Source() as source:
            if words[0] == "explain":
                run(words + [source])
            else:
                run([words[0], source] + words[1:])

    def complete(self, text, word):
        return [v for v in VERBS if v.startswith(word or "")]


FLAGS = ((1, "P"), (2, "M"), (4, "A"), (8, "R"))


def number(value):
    return int(value) if value is not None else 0


class ChunkPrinter:
    """struct chunk: its size and flags; the check is the tool's to judge."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        bits = number(self.value["bits"])
        size = (number(self.value["high"]) << 32) | (bits & ~15)
        flags = "".join(letter for mask, letter in FLAGS if bits & mask)
        at = f" at {int(self.value.address):#x}" if self.value.address is not None else ""
        return f"chunk{at}, size {size:#x}, flags {flags or '-'}"


class ArenaPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        v = self.value
        return (f"arena {number(v['index'])}: heaps {number(v['heap_bytes'])} B, "
                f"free {number(v['free_bytes'])} B, fast {number(v['fast_bytes'])} B, "
                f"{'locked' if number(v['generation']) % 2 else 'unlocked'}")

    def children(self):
        for name in ("heaps", "top", "unsorted", "dirty_bytes", "counts"):
            yield name, self.value[name]


class HeapPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        v = self.value
        return f"heap {number(v['start']):#x} to {number(v['end']):#x} of {v['arena']}"


class CachePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        v, held = self.value, 0
        states = v["state"]
        low, high = states.type.range()
        for i in range(low, high + 1):
            if number(states[i]["base"]):
                held += (number(v["stack"][i]["top"]) - number(states[i]["base"])) // 8
        return f"cache of thread {number(v['thread'])}: {held} chunks"


PRINTERS = {"chunk": ChunkPrinter, "arena": ArenaPrinter, "heap": HeapPrinter,
            "cache": CachePrinter}


def look_up(value):
    kind = value.type.strip_typedefs().unqualified()
    if kind.code != gdb.TYPE_CODE_STRUCT or kind.tag not in PRINTERS:
        return None
    names = {field.name for field in kind.fields()}
    mine = {"chunk": "prev_size", "arena": "generation", "heap": "limit", "cache": "address_key"}
    return PRINTERS[kind.tag](value) if mine[kind.tag] in names else None


look_up.__name__ = "chunky"
gdb.pretty_printers[:] = [p for p in gdb.pretty_printers
                          if getattr(p, "__name__", "") != "chunky"]
gdb.pretty_printers.append(look_up)
ChunkyCommand()
