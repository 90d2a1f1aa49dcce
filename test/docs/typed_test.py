"""typed_test.py BUILD [FILE...]: runs the ```console blocks of README.md and docs/*.md.

Lines that start with `$ ` are typed, one after the other in one empty folder a document,
with an installed Chunky in the paths. The lines below each are what it prints: `...` alone
stands for any lines, inside a line for anything; any number stands for any other. A
command without `|| ` must succeed."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
failed = typed = 0


def install(place):
    kept = {n: (BUILD / n).read_bytes() for n in ("install_manifest.txt", "install_folders.txt")
            if (BUILD / n).exists()}
    subprocess.run(["cmake", "--install", BUILD, "--prefix", place], check=True,
                   stdout=subprocess.DEVNULL)
    for name in ("install_manifest.txt", "install_folders.txt"):
        (BUILD / name).unlink(missing_ok=True)
    for name, content in kept.items():
        (BUILD / name).write_bytes(content)
    lib = next(pathlib.Path(place).rglob("libchunky.so.1")).parent
    env = dict(os.environ, LD_LIBRARY_PATH=str(lib), LIBRARY_PATH=str(lib),
               CPATH=f"{place}/include", PKG_CONFIG_PATH=f"{lib}/pkgconfig",
               PATH=f"{place}/bin:{os.environ['PATH']}", COLUMNS="80", LC_ALL="C")
    env.pop("CHUNKY_CONF", None)
    return env


def pattern(line):
    parts = [re.sub(r"[0-9]+", "[0-9]+", re.escape(p)) for p in line.split("...")]
    return ".*".join(parts)


def matches(wanted, got):
    """Lines of `got` against those of `wanted`."""
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(matches(wanted[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and re.fullmatch(pattern(wanted[0]), got[0]) is not None and \
        matches(wanted[1:], got[1:])


def run(place, command, wanted, env, folder):
    global failed, typed
    typed += 1
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)
    got = [line.rstrip() for line in done.stdout.splitlines()]
    # bash says itself when a program of its dies.
    got = [re.sub(r"^bash: line [0-9]+: +[0-9]+ ", "bash: ", line) for line in got
           if not re.search(r"(Aborted|Terminated)", line)]
    if done.returncode != 0 or not matches(wanted, got):
        failed += 1
        print(f"{place}: $ {command}\n  status {done.returncode}, printed:")
        print("".join(f"    {line}\n" for line in got[:40]))


def document(path, env):
    text = path.read_text(encoding="utf-8")
    folder = tempfile.mkdtemp(prefix="chunky-typed-")
    for block in BLOCK.finditer(text):
        at = text[:block.start()].count("\n") + 2
        command, wanted, start = None, [], at
        for number, line in enumerate(block.group(1).splitlines() + ["$ "], at):
            if not line.startswith("$ "):
                wanted.append(line.rstrip())
                continue
            if command:
                run(f"{path.relative_to(ROOT)}:{start}", command, wanted, env, folder)
            command, wanted, start = line[2:], [], number
    shutil.rmtree(folder)


with tempfile.TemporaryDirectory(prefix="chunky-prefix-") as prefix:
    environment = install(prefix)
    for name in sys.argv[2:] or ["README.md", *sorted(
            str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]:
        document(ROOT / name, environment)
print(f"{typed} commands typed, {failed} failed")
sys.exit(1 if failed or not typed else 0)
