"""A process that runs at full speed: never drawn wrong, never accused of what is only
motion; --stop gives an exact picture; and it goes on unharmed."""
import json
import os
import tempfile
import time

from subject import Subject, chunky, expect, finish

SECONDS = int(os.environ.get("SECONDS_TORN", "8"))


def spin(conf):
    with Subject(conf=conf) as s, tempfile.TemporaryDirectory() as folder:
        snap = folder + "/before.snap"
        expect(chunky("dump", s.pid, "-o", snap).status == 0)
        s.say(f"spin {SECONDS + 15} 4", wait=False)
        time.sleep(0.5)
        end = time.time() + SECONDS
        rounds = torn = 0
        while time.time() < end:
            rounds += 1
            for verb in (["stats", "-f", "json"], ["map"], ["chunks", "--count"], ["bins"], ["frag"],
                         ["check"], ["diff", snap]):
                result = chunky(*verb, s.pid)
                expect(result.status == 0, verb, result)
                expect("damaged" not in result.out.replace('"damaged":false', ""), verb, result)
                if verb[0] == "bins":
                    expect("!" not in result.out and "arena 0" in result.out, "accused", result)
                if verb[0] == "stats":
                    torn += '"torn":true' in result.out
            result = chunky("check", s.pid, "--stop")
            expect(result.status == 0, result)
            stopped = json.loads(chunky("stats", s.pid, "--stop", "-f", "json").out)
            total = sum(a["heap_bytes"] for a in stopped["arenas"])
            inside = sum(v["bytes"] for k, v in stopped["states"].items() if k not in ("mapped", "kept"))
            if not any(a["counts"] is None for a in stopped["arenas"]):
                expect(0 <= total - inside <= 4096 * len(stopped["arenas"]), total, inside)
        expect(rounds >= 1, rounds)
        print(f"{rounds} rounds, {torn} torn and told")
        expect(s.process.poll() is None, "the process ended")
        s.wait()
        result = chunky("check", s.pid)
        expect(result.status == 0, result)


spin("request=1")
spin("request=1,mmap_threshold=16K,dynamic=0")  # mappings come, move and go
finish()
