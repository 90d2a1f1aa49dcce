#!/usr/bin/env python3
"""what explains a chunk deep in a long list: its place is right, and finding it costs few
calls, however long the list is."""
import os
import shutil
import subprocess
import tempfile

from subject import LIB, TOOL, chunky, chunky_json, expect, finish, skip

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
enum { N = 240000 };
static void *block[N];
int main(int argc, char **argv) {
    size_t bytes = (size_t)atoi(argv[1]), step = (size_t)atoi(argv[2]);
    for (int i = 0; i < N; i++) block[i] = malloc(bytes);
    for (size_t i = 0; i < N; i += step) free(block[i]);
    printf("%p %p %p\\n", block[0], block[N / 2], block[N - step]);
    fflush(stdout);
    getchar();
    return argc == 0;
}
"""
CC = os.environ.get("CC", "cc")


def deep(path, bytes_each, step, conf, kind):
    p = subprocess.Popen([path, str(bytes_each), str(step)], text=True, stdin=subprocess.PIPE,
                         env=dict(os.environ, LD_PRELOAD=LIB, CHUNKY_CONF=conf),
                         stdout=subprocess.PIPE)
    first, middle, last = p.stdout.readline().split()
    told = [chunky_json("what", p.pid, a) for a in (first, middle, last)]
    count = 240000 // step
    for t in told:
        expect(t["list"].startswith(kind) and t["length"] == count, t)
    place = [t["place"] for t in told]
    expect(abs(place[2] - place[0]) == count - 1, place)
    expect(abs(place[1] - place[0]) == count // 2, place)
    if shutil.which("strace") and kind != "fast[0x30]":
        out = path + ".calls"
        traced = subprocess.run(["strace", "-f", "-o", out, "-e", "trace=process_vm_readv",
                                 TOOL, "what", str(p.pid), middle], text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if traced.returncode == 0:
            calls = sum(1 for _ in open(out, encoding="utf-8"))
            expect(calls < 0.7 * count, "calls", calls, "chunks in the list", count)
    page = chunky("what", p.pid, middle)
    expect("in use lie" in page.out, page)
    p.communicate("\n")


with tempfile.TemporaryDirectory() as folder:
    with open(folder + "/deep.c", "w", encoding="ascii") as f:
        f.write(SOURCE)
    path = folder + "/deep"
    if subprocess.run([CC, "-O1", "-fno-builtin", "-o", path, "deep.c"], cwd=folder,
                      check=False).returncode != 0:
        skip("no compiler")
    nothing = "cache=0,depot=0,"
    deep(path, 200, 2, nothing + "fast=0", "small[0xd0]")
    deep(path, 40, 2, nothing + "fast=64M,fast_max=160", "fast[0x30]")
finish()
