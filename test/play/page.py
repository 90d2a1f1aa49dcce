#!/usr/bin/env python3
"""page.py CHUNKY DRAW: the page of `play --html`, that of a large heap, and the whole course as one
page (DRAW --html), in a headless Chromium: keys are pressed by a script added to a copy, and what
the page shows after each is compared. An error in the console is a failure."""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CHUNKY, DRAW = sys.argv[1:3]
SCRIPT = "# two blocks; a=malloc(10); b=malloc(20); free(a); c=malloc(30); free(b); free(b)"
CATCH = """<script>const errors=[];addEventListener("error",e=>errors.push(e.message));
console.error=console.warn=m=>errors.push(String(m));</script>"""
PRESS = """<script>
const text=id=>document.getElementById(id).textContent;
const log=[];
const look=k=>log.push({key:k,step:step+1,of:RUNS[run].steps.length,run,why:text("why"),bins:text("bins"),
  report:text("report").split("\\n")[0],canvases:document.querySelectorAll("canvas").length,
  folds:document.querySelectorAll(".fold").length,now:document.querySelectorAll("#ops .now").length,
  bytes:parseInt(/(\\d+) bytes a row/.exec(text("heap")+"0 bytes a row")[1])});
look("");
for(const k of %s){dispatchEvent(new KeyboardEvent("keydown",{key:k}));look(k);}
const out=document.createElement("pre");out.id="log";out.textContent=JSON.stringify([log,errors]);
document.body.append(out);
</script></body>"""
bad = []


def check(what, good, shown=""):
    if not good:
        bad.append(what)
        print(f"wrong: {what}: {shown}")


def look(browser, folder, page, keys):
    """What the page shows at first and after each key."""
    text = page.read_text()
    check(f"{page.name} refers to nothing outside", not re.search(r"(src|href)\s*=|https?://", text))
    page.write_text(text.replace("<head>", "<head>" + CATCH).replace("</body>", PRESS % json.dumps(keys)))
    run = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,800",
                          f"--user-data-dir={folder}/profile", "--virtual-time-budget=8000", "--dump-dom",
                          page.as_uri()], capture_output=True, text=True)
    found = re.search(r'<pre id="log">(.*?)</pre>', run.stdout, re.S)
    if not found:
        if run.returncode != 0 or not run.stdout:
            print(f"skipped: chromium does not run here ({run.returncode})")
            sys.exit(77)
        sys.exit(f"{page.name}: its script did not run to its end")
    log, errors = json.loads(html.unescape(found.group(1)))
    check(f"no errors in {page.name}", not errors, errors)
    check(f"one operation of {page.name} is marked at a time", all(entry["now"] == 1 for entry in log))
    return log


def small(browser, folder):
    page = folder / "small.html"
    subprocess.run([CHUNKY, "play", "-m", "coalesce", "--html", str(page), SCRIPT], check=True)
    log = look(browser, folder, page,
               ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "+", "-", "ArrowDown"])
    steps = [entry["step"] for entry in log]
    check("steps by keys", steps == [1, 2, 3, 2, 6, 6, 1, 1, 1, 2], steps)
    check("bins after free(a)", "unsorted" in log[2]["bins"] and "+00" in log[2]["bins"], log[2])
    check("the report of a double free", "double free" in log[4]["report"], log[4])
    check("zoom", log[7]["bytes"] < log[8]["bytes"], (log[7], log[8]))
    check("one canvas for one heap", all(entry["canvases"] == 1 for entry in log))
    return len(log)


def large(browser, folder):
    page = folder / "large.html"
    script = "repeat(2000){a$=malloc(88); b$=malloc(88)}; repeat(2000){free(b$)}; x=malloc(10); free(a1000); trim()"
    subprocess.run([CHUNKY, "play", "--from", "6001", "--html", str(page), script], check=True)
    log = look(browser, folder, page, ["ArrowRight", "End", "+", "+", "-"])
    check("a large heap is folded, and seen as a whole",
          all(entry["folds"] >= 1 and entry["canvases"] >= 3 for entry in log), log)
    check("a page from step 6001 on", log[0]["of"] == 3, log[0])
    return len(log)


def course(browser, folder):
    page = folder / "course.html"
    made = subprocess.run([DRAW, CHUNKY, "--html", str(page)], check=True, capture_output=True, text=True)
    count = int(re.search(r"(\d+) scripts", made.stdout)[1])
    log = look(browser, folder, page, ["End", "PageDown"] * count + ["PageUp"])
    ends = [entry for entry in log if entry["key"] == "End"]
    check("each script of the course is there to its end", [entry["run"] for entry in ends] == list(range(count)) and
          all(entry["step"] == entry["of"] for entry in ends))
    check("each script says why", all(len(entry["why"]) > 10 for entry in log))
    check("after the last comes the first", log[-2]["run"] == 0 and log[-1]["run"] == count - 1, log[-2:])
    return len(log)


def main():
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("skipped: no chromium")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        states = sum(look_at(browser, pathlib.Path(name)) for look_at in (small, large, course))
    print(f"{states} states of three pages, {len(bad)} wrong")
    sys.exit(bool(bad))


main()
