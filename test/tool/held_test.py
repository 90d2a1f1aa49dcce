"""Processes that are held while they are looked at: no signal gets lost, threads may come and
go meanwhile, and the first one may have ended before all others."""
import os
import signal
import tempfile
import threading
import time

from subject import LIB, Driven, chunky, compiled, expect, finish

COUNTS = """
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static volatile sig_atomic_t taken;
static void take(int number) { (void)number; taken++; }
int main(void)
{
    struct timespec moment = {0, 1000000};
    struct sigaction act;
    char line[64];
    void *p = malloc(100);
    memset(&act, 0, sizeof act);
    act.sa_handler = take;
    act.sa_flags = SA_RESTART;
    sigaction(SIGRTMIN, &act, NULL);
    printf("ready\\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        for (int i = 0; i < 5000 && taken < atoi(line); i++)
            nanosleep(&moment, NULL);
        printf(taken == atoi(line) ? "done\\n" : "%d\\n", (int)taken);
        fflush(stdout);
    }
    free(p);
}
"""

COMES_AND_GOES = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *work(void *a)
{
    void *p[50];
    for (int i = 0; i < 50; i++)
        p[i] = malloc(16 + i * 40);
    for (int i = 0; i < 50; i++)
        free(p[i]);
    return a;
}
static void *make(void *a)
{
    for (;;) {
        pthread_t t[20];
        int n = 0;
        for (int i = 0; i < 20; i++)
            n += pthread_create(&t[n], NULL, work, NULL) == 0;
        while (n > 0)
            pthread_join(t[--n], NULL);
    }
    return a;
}
int main(int argc, char **argv)
{
    pthread_t t;
    for (int i = 0; i < 3; i++)
        pthread_create(&t, NULL, make, NULL);
    printf("ready\\n");
    fflush(stdout);
    if (argc > 1 && strcmp(argv[1], "leave") == 0)
        pthread_exit(NULL);
    pause();
}
"""

LOOKS = (["stats"], ["map"], ["bins"], ["chunks"], ["layout"], ["frag"], ["check"], ["ctl"],
         ["stats", "--stop"], ["bins", "--stop"], ["check", "--stop"])
ENV = dict(os.environ, LD_PRELOAD=LIB)


def status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
        return f.read()


def signals(folder):
    """As many arrive as were sent."""
    path = compiled(folder, "counts", COUNTS)
    sent, over = [0], threading.Event()
    with Driven([path], ENV) as d:
        def send():
            while not over.wait(0.0001):
                for _ in range(40):
                    os.kill(d.pid, signal.SIGRTMIN)
                sent[0] += 40
        sender = threading.Thread(target=send)
        sender.start()
        for _ in range(200):
            result = chunky("stats", "--stop", d.pid)
            expect(result.status == 0, result)
        over.set()
        sender.join()
        d.process.stdin.write(f"{sent[0]}\n")
        d.process.stdin.flush()
        told = d.process.stdout.readline()
        expect(told == "done\n", "of", sent[0], "signals arrived", told)


def threads(folder):
    """Those that end just then are no reason not to look; nor is the first one that has."""
    path = compiled(folder, "threads", COMES_AND_GOES)
    for how, rounds in (("stay", 12), ("leave", 3)):
        with Driven([path, how], ENV) as d:
            while how == "leave" and "State:\tZ" not in status(d.pid):
                time.sleep(0.001)
            for words in LOOKS * rounds + (["dump", "-o", folder + "/a.snap"],) * 10 * rounds:
                result = chunky(*words, d.pid)
                expect(result.status == 0 and (result.err == "" or len(words) == 1), how, words, result)
            result = chunky("what", d.pid, "heap+0x40")
            expect(result.status == 0, result)
            if how == "leave":
                told = chunky("ctl", d.pid, "top_pad=64K")
                expect(told.status == 0 and "done" in told.out, told)
                expect(f"process {d.pid} (threads)" in chunky("stats", d.pid).out)
                expect(f"process {d.pid} (threads)" in chunky("stats", folder + "/a.snap").out)


with tempfile.TemporaryDirectory() as folder:
    signals(folder)
    threads(folder)
finish()
