"""A headless Chromium over its debugging pipe: load a page, press keys, click, take a
picture, and see everything that it complained about. Standard library only."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE = 120  # seconds; only against hangs


def find():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return name
    return None


class Browser:
    def __init__(self, width=1280, height=800):
        name = find()
        if name is None:
            print("skipped: no Chromium")
            sys.exit(77)
        self.home = tempfile.TemporaryDirectory()
        their_in, self.out = os.pipe()
        self.into, their_out = os.pipe()

        def place():
            os.dup2(their_in, 10)
            os.dup2(their_out, 11)
            os.dup2(10, 3)
            os.dup2(11, 4)

        self.process = subprocess.Popen(
            [name, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--remote-debugging-pipe", f"--user-data-dir={self.home.name}",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             f"--window-size={width},{height}", "about:blank"],
            pass_fds=(3, 4), preexec_fn=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)
        self.buffer = b""
        self.number = 0
        self.complaints = []
        self.loaded = False
        self.session = self.ask("Target.attachToTarget", targetId=self.first_page(),
                                flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def first_page(self):
        """It answers before it has opened its first page."""
        end = time.time() + PATIENCE
        while time.time() < end:
            for target in self.ask("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return target["targetId"]
            time.sleep(0.05)
        raise RuntimeError("the browser opens no page")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.ask("Browser.close")
        except (OSError, EOFError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.into)
        self.home.cleanup()

    def read(self):
        while b"\0" not in self.buffer:
            data = os.read(self.into, 1 << 20)
            if not data:
                raise EOFError("the browser ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details["text"]
            self.complaints.append(text)
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(("file:", "data:", "blob:", "about:")):
                self.complaints.append("asks the network for " + url)
        elif method == "Page.loadEventFired":
            self.loaded = True

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def load(self, path, fragment=""):
        """Opens a file, in a new document, and waits until it is loaded."""
        for url in ("about:blank", "file://" + os.path.abspath(path) + fragment):
            self.open(url)

    def open(self, url):
        self.loaded = False
        self.ask("Page.navigate", url=url)
        while not self.loaded:
            self.note(self.read())

    def run(self, script):
        """The value of an expression in the page; promises are awaited."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(script + ": " + json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def until(self, condition):
        """Also while the document changes, where an answer may be that there is none."""
        end, why = time.time() + PATIENCE, ""
        while time.time() < end:
            try:
                if self.run(condition):
                    return
            except RuntimeError as error:
                why = str(error)
            time.sleep(0.05)
        raise RuntimeError(f"never true: {condition}; {why}")

    def frame(self):
        """Waits until the page has painted what it has to paint."""
        self.run("new Promise(r => requestAnimationFrame(() => "
                 "requestAnimationFrame(() => r(1))))")

    def key(self, key):
        text = key if len(key) == 1 else ""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key,
                     text=text if kind == "keyDown" else "")
        self.frame()

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                     clickCount=1)
        self.frame()

    def picture(self, path):
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
