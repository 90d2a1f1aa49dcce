"""A process that is killed while it is looked at: the tool says so, and never takes what
it could not read any more for a finding."""
import collections
import os
import random
import subprocess
import sys
import time

import operate

WORK = "print('ready', flush=True)\nwhile True: x = [str(i) * 9 for i in range(2000)]"
statuses = collections.Counter()
for i in range(60):
    child = subprocess.Popen([sys.executable, "-S", "-E", "-c", WORK], env=dict(
        os.environ, LD_PRELOAD=operate.LIB, PYTHONMALLOC="malloc"), stdout=subprocess.PIPE)
    child.stdout.readline()  # it uses Chunky from now on
    check = subprocess.Popen([operate.TOOL, "check", str(child.pid)], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # Mostly soon, since a fast machine has looked at all of it within milliseconds.
    time.sleep(random.Random(i).random() ** 3 * 0.08)
    child.kill()
    out, _ = check.communicate(timeout=300)
    child.wait()
    child.stdout.close()
    statuses[check.returncode] += 1
    operate.expect(check.returncode in (0, 3), "status", check.returncode, ":", out)
    operate.expect(check.returncode != 3 or "rule" not in out, out)
print(dict(statuses))
operate.expect(statuses[3] > 0, "none ended in time")
operate.finish()
