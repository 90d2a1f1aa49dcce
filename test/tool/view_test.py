"""chunky view in a headless Chromium: the page loads from disk with nothing to complain
of, tells what `what` and `stats` tell, and does all that mouse and keys can ask for.
PICTURES=folder keeps pictures of three scales, light and dark."""
import json
import os
import tempfile

from browser import Browser
from subject import Subject, chunky, chunky_json, expect, finish

PICTURES = os.environ.get("PICTURES")


def picture(b, name):
    if PICTURES:
        b.frame()
        b.picture(f"{PICTURES}/{name}.png")


def page(b, source, path, *more):
    made = chunky("view", source, "-o", path, *more)
    expect(made.status == 0, made)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    expect("http:" not in text and "https:" not in text, "an address of the network")
    b.load(path)
    b.until("document.documentElement.dataset.ready === 'yes'")


def selected(b):
    return b.run("document.getElementById('selected').textContent")


def go(b, text):
    b.run("document.getElementById('address').value = ''")
    b.key("/")
    expect(b.run("document.activeElement.id") == "address", "/ asks for an address")
    b.ask("Input.insertText", text=text)
    b.run("document.getElementById('search').requestSubmit()")
    b.frame()


def level(b):
    return b.run("chunkyView.view.level")


def tells_the_same(b, s):
    stats = chunky_json("stats", s.pid)
    rows = b.run("[...document.querySelectorAll('#waterfall tr')].map(r => r.innerText)")
    expect(any(r.startswith("requested") for r in rows), rows)
    chunks = b.run("chunkyView.heaps.reduce((n, h) => n + h.count, 0)")
    expect(chunks == sum(stats["states"][k]["count"] for k in stats["states"]
                         if k not in ("mapped", "kept")), chunks)
    for asked in (10, 1000, 40000):
        go(b, hex(s.block[asked]))
        text = selected(b)
        expect("in use" in text and f"asked {asked}," in text, text)
        expect(hex(s.block[asked] - 16) in text, text)
    go(b, "heap+0x0")
    expect("heap+0x0" in selected(b), selected(b))
    go(b, "0x10")
    expect("in no heap" in selected(b), selected(b))
    told = b.run("document.getElementById('selected').getAttribute('aria-live')")
    expect(told == "polite", "what is selected is read aloud")


def keys(b, s):
    go(b, hex(s.block[1000]))
    before = level(b)
    b.key("-")
    expect(level(b) == before + 1, "- zooms out")
    b.key("+")
    b.key("Enter")
    expect(level(b) == max(0, before - 2), "Enter zooms in", level(b))
    while level(b) > 0:
        b.key("+")
    expect("a cell is 1 B" in b.run("document.body.innerText"))
    picture(b, "byte")
    at = b.run("chunkyView.view.selected.offset")
    b.key("ArrowRight")
    expect(b.run("chunkyView.view.selected.offset") == at + 1)
    b.key("ArrowDown")
    b.key("ArrowUp")
    b.key("ArrowLeft")
    expect(b.run("chunkyView.view.selected.offset") == at)
    first = b.run("chunkyView.view.selected.i")
    b.key("]")
    expect(b.run("chunkyView.view.selected.i") == first + 1, "] is the next chunk")
    b.key("[")
    expect(b.run("chunkyView.view.selected.i") == first)
    for key in ("Home", "PageDown", "PageUp", "End", "g", "g"):
        b.key(key)
        expect(selected(b), key)
    for by in ("size", "arena", "state"):
        b.key("c")
        pressed = b.run("document.querySelector('[aria-pressed=true]').dataset.color")
        expect(pressed == by, pressed)
        if by != "state":
            picture(b, "by-" + by)
    was = b.run("document.documentElement.classList.contains('dark')")
    b.key("d")
    expect(b.run("document.documentElement.classList.contains('dark')") != was)
    picture(b, "dark")
    b.key("d")


def mouse(b):
    while level(b) < 6:
        b.key("-")
    b.key("Home")
    box = b.run("(r => [r.left, r.top])(document.getElementById('map').getBoundingClientRect())")
    cell = b.run("[chunkyView.view.px, chunkyView.view.line]")
    first = (-(-13 // cell[1]) + 0.5) * cell[1]  # below the title
    b.click(box[0] + 92 + 2.5 * cell[0], box[1] + first)
    expect(b.run("chunkyView.view.selected.offset") == 2 * 4096, "a click on the third page",
           b.run("chunkyView.view.selected.offset"))
    expect("resident" in selected(b), selected(b))
    b.ask("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + 92 + cell[0], y=box[1] + first)
    b.frame()
    expect(b.run("!document.getElementById('tip').hidden"), "a hint under the mouse")
    b.ask("Input.dispatchMouseEvent", type="mouseWheel", x=box[0] + 100, y=box[1] + 50,
          deltaX=0, deltaY=120)
    b.frame()
    picture(b, "page")
    b.run("document.querySelector('#bins tr.go, #arenas tr.go').click()")
    b.frame()
    expect(selected(b))


def legible(b):
    """Colours are repeated by glyphs or text, and stand out from the ground."""
    legend = b.run("document.getElementById('legend').innerText")
    for state in ("in use", "cached", "free", "top", "not resident"):
        expect(state in legend, legend)
    ratio = b.run("""(() => {
      const light = c => { const d = document.createElement('canvas').getContext('2d');
        d.fillStyle = c; d.fillRect(0, 0, 1, 1); const p = d.getImageData(0, 0, 1, 1).data;
        const f = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
        return 0.2126 * f(p[0]) + 0.7152 * f(p[1]) + 0.0722 * f(p[2]); };
      const style = getComputedStyle(document.documentElement);
      const a = light(style.getPropertyValue('--text')), b = light(style.getPropertyValue('--back'));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); })()""")
    expect(ratio >= 7, "contrast of text", ratio)


def linked(b, path, s):
    """A link leads to a place."""
    b.load(path, f"#a={s.block[1000]:#x}&z=1")
    b.until("document.documentElement.dataset.ready === 'yes'")
    expect(level(b) == 1 and "asked 1000" in selected(b), selected(b))


with tempfile.TemporaryDirectory() as folder, Browser() as b, Subject() as s:
    s.say("threads 2")
    path = folder + "/heap.html"
    page(b, s.pid, path)
    expect(b.run("document.title").startswith("process"), b.run("document.title"))
    picture(b, "first")
    tells_the_same(b, s)
    keys(b, s)
    mouse(b)
    legible(b)
    b.key("d")
    legible(b)
    linked(b, path, s)
    page(b, s.pid, folder + "/bytes.html", "--bytes")
    go(b, hex(s.block[1000]))
    expect("6b 6b 6b 6b" in b.run("document.getElementById('hex').textContent"))
    picture(b, "stored")
    page(b, s.pid, folder + "/range.html", "--range", "heap+0x0-heap+0x2000")
    few = b.run("chunkyView.heaps.reduce((n, h) => n + h.count, 0)")
    expect(0 < few < 200, "only the range chunk by chunk", few)
    live = b.run("chunkyView.heaps[0].pages[0].sums[0]")
    expect(live > 0, "the rest as sums", live)
    page(b, s.pid, folder + "/none.html", "--range", "0x10-0x20")
    at_first = level(b)
    expect(b.run("chunkyView.heaps[0].count === 0 && chunkyView.heaps[0].pages[0].unit") ==
           65536 >> 2 * (8 - at_first), "at first, the finest sums that there are", at_first)
    snap = folder + "/s.snap"
    expect(chunky("dump", s.pid, "-o", snap).status == 0)
    page(b, snap, folder + "/snap.html")
    go(b, hex(s.block[1000]))
    expect("asked 1000" in selected(b), selected(b))
    expect(not b.complaints, "the page complains", json.dumps(b.complaints)[:2000])
finish()
