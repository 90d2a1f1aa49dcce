"""What the verbs draw of heaps that never change: the snapshots and cores of the corpus,
compared letter by letter with golden/. GOLDEN=write writes them anew: look at the diff."""
import difflib
import os

from subject import chunky, expect, finish

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {
    "stats": ["stats", "asked.snap", "--all"],
    "stats-threads": ["stats", "threads.snap"],
    "stats-wide": ["stats", "threads.core", "--width", "120"],
    "map": ["map", "bins.snap"],
    "map-bytes": ["map", "asked-bytes.snap", "--range", "heap+0x0-heap+0x200"],
    "map-colour": ["map", "asked.snap", "--color", "always"],
    "map-pages": ["map", "threads.core", "--cell", "4k"],
    "map-narrow": ["map", "threads.core", "--cell", "4k", "--width", "80"],
    "map-size": ["map", "plain.snap", "--cell", "64", "--color-by", "size"],
    "map-art": ["map", "bins.snap", "--art"],
    "map-mapped": ["map", "asked.snap", "mapped1+0x49100"],
    "map-damaged": ["map", "overflow.snap"],
    "map-svg": ["map", "shrunk.snap", "-f", "svg"],
    "layout": ["layout", "threads.snap"],
    "layout-narrow": ["layout", "threads.snap", "--width", "80"],
    "chunks": ["chunks", "bins.snap", "--rel"],
    "chunks-summary": ["chunks", "threads.snap", "--summary"],
    "what-live": ["what", "asked-bytes.snap", "heap+0x60", "--hex"],
    "what-free": ["what", "bins.snap", "heap+0x11e0"],
    "what-mapped": ["what", "asked.snap", "mapped1+0x100"],
    "bins": ["bins", "bins.snap", "--all"],
    "bins-threads": ["bins", "threads.snap", "--all"],
    "frag": ["frag", "bins.snap"],
    "frag-narrow": ["frag", "bins.snap", "--width", "60"],
    "frag-trimmed": ["frag", "shrunk.snap"],
    "check": ["check", "asked.snap"],
    "check-damaged": ["check", "overflow.snap"],
    "diff": ["diff", "bins.snap", "shrunk.snap"],
    "diff-narrow": ["diff", "bins.snap", "shrunk.snap", "--width", "80"],
}


def compare(name, words):
    at = f"{HERE}/golden/{name}.txt"
    words = [f"{HERE}/corpus/{w}" if w.endswith((".snap", ".core")) else w for w in words]
    result = chunky(*words, env={"LC_ALL": "C.UTF-8", "COLUMNS": "", "NO_COLOR": ""})
    text = (result.out + result.err).replace(HERE + "/", "") + f"exit {result.status}\n"
    if os.environ.get("GOLDEN") == "write":
        with open(at, "w", encoding="utf-8") as f:
            f.write(text)
    with open(at, encoding="utf-8") as f:
        want = f.read()
    diff = "".join(difflib.unified_diff(want.splitlines(1), text.splitlines(1), at, "now", n=1))
    expect(text == want, "\n" + diff[:3000])


os.makedirs(HERE + "/golden", exist_ok=True)
for case, arguments in CASES.items():
    compare(case, arguments)
stray = set(os.listdir(HERE + "/golden")) - {name + ".txt" for name in CASES}
expect(not stray, "golden texts of no case", stray)
finish()
