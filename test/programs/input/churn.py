"""json, re, dicts and lists that come and go, threads, subprocesses, fork, zlib, sqlite3."""
import collections
import concurrent.futures
import hashlib
import json
import multiprocessing
import random
import re
import subprocess
import sys
import threading
import zlib

def make_tree(source, depth):
    if depth == 0:
        return source.choice([None, True, source.random(), source.randrange(10**12),
                              "s" * source.randrange(60), "\u00e9\u4e2d" * source.randrange(9)])
    if source.random() < 0.5:
        return [make_tree(source, depth - 1) for _ in range(source.randrange(1, 7))]
    return {"k%d" % i: make_tree(source, depth - 1) for i in range(source.randrange(1, 7))}

def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]

def json_and_re(source):
    text = json.dumps([make_tree(source, 5) for _ in range(40)], sort_keys=True)
    again = json.dumps(json.loads(text), sort_keys=True, indent=1)
    words = collections.Counter(re.findall(r'"(k\d)": (?:\[|\{|[\d.]+)', again))
    swapped = re.sub(r"(\d+)\.(\d+)", lambda m: m.group(2) + "." + m.group(1), again)
    print("json", len(text), digest(again), sorted(words.items()), digest(swapped))

def dicts_and_lists(source):
    table = {}
    for step in range(60000):
        key = source.randrange(9000)
        if key in table and step % 3:
            del table[key]
        else:
            table[key] = [bytes(source.randrange(300)), {step: str(key)}, (key,) * (key % 20)]
    total = sum(len(v[0]) for v in table.values())
    rows = sorted(table.items(), key=lambda item: (len(item[1][0]), item[0]))
    print("dicts", len(table), total, [row[0] for row in rows[:8]])

def work_in_thread(seed, results):
    source = random.Random(seed)
    parts = []
    for _ in range(300):
        parts.append("".join(chr(97 + source.randrange(26)) for _ in range(100)))
        if len(parts) > 100:
            del parts[::2]
    packed = zlib.compress("".join(parts).encode() * 20)
    results[seed] = (len(zlib.decompress(packed)), digest("".join(parts)))

def threads():
    results = {}
    for first in range(0, 24, 6):
        team = [threading.Thread(target=work_in_thread, args=(n, results))
                for n in range(first, first + 6)]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        lengths = list(pool.map(lambda n: len(str(3 ** (n * 50))), range(120)))
    print("threads", digest(repr(sorted(results.items()))), sum(lengths))

def square(n):
    return n * n, "x" * (n % 50)

def children():
    script = "import json, sys; print(sum(json.load(sys.stdin)))"
    sums = [subprocess.run([sys.executable, "-c", script], input=json.dumps(list(range(n))),
                           capture_output=True, text=True, check=True).stdout.strip()
            for n in range(1000, 1008)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        squares = pool.map(square, range(5000), 50)
    print("children", sums, digest(repr(squares)))

def database():
    import sqlite3
    with sqlite3.connect(":memory:") as db:
        db.execute("create table t (a integer primary key, b text)")
        db.executemany("insert into t values (?, ?)",
                       ((n, str(n * 7919 % 10007)) for n in range(20000)))
        print("database", db.execute(
            "select count(distinct b), max(b), sum(length(b)) from t").fetchone())

def main():
    source = random.Random(int(sys.argv[1]))
    json_and_re(source)
    dicts_and_lists(source)
    threads()
    children()
    database()

if __name__ == "__main__":
    main()
