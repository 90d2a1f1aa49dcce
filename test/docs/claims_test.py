"""claims_test.py BUILD: docs/compatibility.md holds in each row a test that exists, or a
reason; links between documents lead somewhere; options that are named exist; README.md
shows what the tool draws."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
failed = checked = 0


def expect(condition, *what):
    global failed, checked
    checked += 1
    if not condition:
        failed += 1
        print("failed:", *what)


tests = set(re.findall(r"Test +#\d+: (\S+)", subprocess.run(
    ["ctest", "-N"], cwd=sys.argv[1], text=True, stdout=subprocess.PIPE, check=True).stdout))
options = set(re.findall(r'^    \{"([a-z_]+)", OPTION_',
                         (ROOT / "src/front/options.c").read_text(encoding="utf-8"), re.M))
header = set(re.findall(r"\b(chunky_[a-z0-9_]+)\(",
                        (ROOT / "include/chunky.h").read_text(encoding="utf-8")))
expect(len(tests) > 100 and len(options) > 20, "too few tests or options found")

table = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
rows = [line.strip("|").split("|") for line in table.splitlines()
        if line.startswith("|") and not line.startswith(("|---", "| theirs"))]
expect(len(rows) > 120, "only", len(rows), "rows")
for row in rows:
    expect(len(row) == 3, "not three columns:", row)
    theirs, ours, proof = (cell.strip() for cell in row)
    expect(theirs and ours and proof, "an empty cell:", row)
    named = re.findall(r"`([a-z]+\.[a-z0-9_]+)`", proof)
    for name in named:
        expect(name in tests, "no test", name, "in", theirs)
    expect(named or len(proof.split()) >= 3, "neither test nor reason:", theirs)
    for name in re.findall(r"`([a-z_]+)=[^`]*`", ours):
        expect(name in options, "no option", name, "in", theirs)
    for name in re.findall(r"`(chunky_[a-z0-9_]+)`", ours):
        expect(name in header, "no call", name, "in", theirs)

# The rows of README.md's waterfall are those that the tool prints.
ROW = r"^  [ +=] ([a-z]+(?: [a-z]+)?) +[0-9.]+ [KMG]?i?B \|"
drawn = subprocess.run([sys.argv[1] + "/chunky", "stats", "--", "true"], text=True,
                       stdout=subprocess.PIPE, check=True).stdout
shown = re.findall(ROW, (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
expect(shown == re.findall(ROW, drawn, re.M) and len(shown) > 5, "rows of the waterfall:", shown)

for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]:
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in link:
            expect((path.parent / link).exists(), path.relative_to(ROOT), "links to", link)
print(f"{checked} checks, {failed} failed")
sys.exit(1 if failed else 0)
