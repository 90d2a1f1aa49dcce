#!/usr/bin/env python3
"""page.py CHUNKY: the page of `play --html` in a headless Chromium: keys are pressed by a
script added to a copy, and what the page shows after each is compared."""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SCRIPT = "# two blocks; a=malloc(10); b=malloc(20); free(a); c=malloc(30); free(b); free(b)"
KEYS = ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "+", "-", "ArrowDown"]
CATCH = """<script>const errors=[];addEventListener("error",e=>errors.push(e.message));
console.error=m=>errors.push(String(m));</script>"""
PRESS = """<script>
const log=[];
const look=k=>log.push([k,step+1,document.getElementById("why").textContent,
  document.getElementById("bins").textContent,document.querySelectorAll("canvas").length,
  document.getElementById("report").textContent.split("\\n")[0],
  parseInt(/(\\d+) bytes a row/.exec(document.querySelector("h2").textContent)[1])]);
look("");
for(const k of %s){dispatchEvent(new KeyboardEvent("keydown",{key:k}));look(k);}
const out=document.createElement("pre");out.id="log";out.textContent=JSON.stringify([log,errors]);
document.body.append(out);
</script></body>"""


def main():
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or \
        shutil.which("google-chrome")
    if browser is None:
        print("skipped: no chromium")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        subprocess.run([sys.argv[1], "play", "-m", "coalesce", "--html", str(page), SCRIPT],
                       check=True)
        text = page.read_text()
        if re.search(r"(src|href)\s*=|https?://", text):
            sys.exit("the page refers to something outside")
        text = text.replace("<head>", "<head>" + CATCH).replace("</body>", PRESS % json.dumps(KEYS))
        page.write_text(text)
        run = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu",
                              "--window-size=1200,800", f"--user-data-dir={folder}/profile",
                              "--virtual-time-budget=4000", "--dump-dom", page.as_uri()],
                             capture_output=True, text=True)
    found = re.search(r'<pre id="log">(.*?)</pre>', run.stdout, re.S)
    if not found:
        if run.returncode != 0 or not run.stdout:
            print(f"skipped: chromium does not run here ({run.returncode})")
            sys.exit(77)
        sys.exit("the page's script did not run to its end")
    log, errors = json.loads(html.unescape(found.group(1)))
    steps = [entry[1] for entry in log]
    wanted = [1, 2, 3, 2, 6, 6, 1, 1, 1, 2]
    bad = [f"error in the page: {error}" for error in errors]
    if steps != wanted:
        bad.append(f"steps {steps}, wanted {wanted}")
    if "unsorted" not in log[2][3] or "+00" not in log[2][3]:
        bad.append(f"bins after free(a): {log[2][3]!r}")
    if "double free" not in log[4][5]:
        bad.append(f"report: {log[4][5]!r}")
    if not log[7][6] < log[8][6]:
        bad.append(f"zoom: rows of {log[7][6]} and then {log[8][6]} bytes")
    if any(entry[4] != 1 for entry in log):
        bad.append("not one canvas for one heap")
    print("\n".join(bad) or f"{len(log)} states of the page are right")
    sys.exit(bool(bad))


main()
