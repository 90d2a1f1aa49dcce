#!/usr/bin/env python3
"""golden.py CHUNKY [--update]: each cases/NAME.play, whose first line holds the options
after "//", is drawn and compared with cases/NAME.txt."""
import difflib
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def draw(chunky, case):
    options = case.read_text().splitlines()[0].removeprefix("//").split()
    run = subprocess.run([chunky, "play", "--relative", *options, "-f", str(case)],
                         capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if run.returncode != 0 or run.stderr:
        sys.exit(f"{case.name}: exit {run.returncode}: {run.stderr}")
    # Of a report, its first line: how it goes on is tested elsewhere.
    return "".join(line for line in run.stdout.splitlines(True)
                   if not line.startswith("     | ") or "| chunky: " in line)


def main():
    chunky, update = sys.argv[1], "--update" in sys.argv
    cases = sorted((HERE / "cases").glob("*.play"))
    if not cases:
        sys.exit("no cases")
    bad = 0
    for case in cases:
        drawn = draw(chunky, case)
        if "calls not seen" in drawn:
            print("skipped: a process may not trace its child here")
            sys.exit(77)
        golden = case.with_suffix(".txt")
        if update:
            golden.write_text(drawn)
        wanted = golden.read_text() if golden.exists() else ""
        if drawn != wanted:
            bad += 1
            sys.stdout.writelines(difflib.unified_diff(
                wanted.splitlines(True), drawn.splitlines(True), str(golden), "drawn"))
    print(f"{len(cases)} cases, {bad} differ")
    sys.exit(bad != 0)


main()
