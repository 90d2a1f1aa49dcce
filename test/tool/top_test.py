"""chunky top on a terminal of 80 by 24, with every key."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

from subject import TOOL, Subject, chunky, expect, finish


class Screen:
    def __init__(self, *arguments, shell=(), term="xterm-256color"):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = term
            command = [*shell, TOOL, "top", *arguments]
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.text = ""

    def read(self, seconds):
        end = time.time() + seconds
        while time.time() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    data = os.read(self.fd, 1 << 16)
                except OSError:
                    return
                if not data:
                    return
                self.text += data.decode("utf-8", "replace")

    def until(self, pattern, seconds=120):
        end = time.time() + seconds
        while time.time() < end:
            self.read(0.1)
            if re.search(pattern, self.frame()):
                return True
        return False

    def frame(self):
        """The last frame, without colours."""
        last = self.text.split("\x1b[H")[-1]
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", last)

    def press(self, key):
        os.write(self.fd, key.encode())

    def end(self):
        """The exit status; reads on, so that the program can end."""
        until = time.time() + 60
        while time.time() < until:
            self.read(0.05)
            time.sleep(0.01)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return status
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return -1


with Subject() as s:
    screen = Screen(str(s.pid), "--watch", "0.3")
    expect(screen.until("waterfall|headers"), screen.frame())
    for key, shown in (("m", "one cell is"), ("b", "caches"), ("f", "external fragmentation"),
                       ("l", "high addresses"), ("h", "pause"), ("s", "headers")):
        screen.press(key)
        expect(screen.until(shown), key, screen.frame())
        lines = screen.frame().replace("\r", "").split("\n")
        expect(len(lines) <= 24, key, len(lines))
        expect(all(len(line) <= 80 for line in lines), key, [x for x in lines if len(x) > 80])
    screen.press("l")
    expect(screen.until("high addresses"))
    screen.press("\x1b[6~\x1b[6~")
    expect(screen.until("arena 0|text:|low addresses"), screen.frame())
    screen.press("p")
    expect(screen.until("paused"), screen.frame())
    for key in "S++--S":
        screen.press(key)
    screen.press("q")
    expect(screen.end() == 0, "q ends it")
    expect(screen.text.endswith("\x1b[?25h\x1b[?1049l\x1b[0m"), repr(screen.text[-60:]))

    screen = Screen(str(s.pid))
    expect(screen.until("headers"))
    s.process.kill()
    s.process.wait()
    status = screen.end()
    expect(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3, "the process ended", status)

screen = Screen("--", "sh", "-c", "echo seen; exec python3 -c 'import time; time.sleep(99)'")
expect(screen.until("python3(.|\n)*headers"), screen.frame())
expect("seen" not in screen.text, "what the command prints is not on the screen")
screen.press("q")
expect(screen.end() == 0, "q ends it, and the command")

# Of a shell that lives on, as most do.
screen = Screen("--", "python3", "-c", "import time; time.sleep(98)",
                shell=("sh", "-c", '"$@"; sleep 20', "sh"))
expect(screen.until("python3(.|\n)*headers"), screen.frame())
beside = int(re.search(r"process (\d+)", screen.frame())[1])
with open(f"/proc/{beside}/stat", encoding="ascii") as stat:
    os.kill(int(stat.read().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
for _ in range(100):
    if not os.path.exists(f"/proc/{beside}"):
        break
    time.sleep(0.1)
expect(not os.path.exists(f"/proc/{beside}"), "the command outlives the tool that was killed")
os.kill(screen.pid, signal.SIGKILL)
screen.end()

# One that cannot move its cursor gets one line, and none of the sequences for that.
for term in ("dumb", ""):
    for words in ([str(os.getpid())], ["--", "sleep", "97"]):
        screen = Screen(*words, term=term)
        status = screen.end()
        expect(os.WIFEXITED(status) and os.WEXITSTATUS(status) == 2, term, status)
        expect("\x1b" not in screen.text and len(screen.text.splitlines()) == 1 and
               "stats --watch" in screen.text, term, repr(screen.text))

result = chunky("top", "1")
expect(result.status == 2 and "terminal" in result.err, result)
sys.stdout.flush()
finish()
