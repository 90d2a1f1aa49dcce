/* A thread that holds an arena's lock, since it is shown a block and takes its time, and one
 * that overwrites a size meanwhile: for attacks on whoever waits for that lock. */
#ifndef DEATH_WAITING_H
#define DEATH_WAITING_H

#include "chunky.h"
#include "death.h"
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { WAITING_PAUSE = 150000 }; /* microseconds */

static struct {
    atomic_int stage; /* 1: the lock is held; 2: whoever shall wait for it begins */
    struct chunky_heap *heap; /* that is walked; NULL: the process */
    char *volatile shown;     /* block at which the walk pauses */
    char *victim, *end;       /* its size will reach to there */
    uint64_t flags;           /* of its header that stay */
} waiting;

static int waiting_look(const struct chunky_block *b, void *context)
{
    (void)context;
    if (b->mem == waiting.shown && waiting.stage == 0) {
        waiting.stage = 1;
        usleep(WAITING_PAUSE);
    }
    return 0;
}

static void *waiting_walk(void *unused)
{
    if (waiting.heap != NULL)
        chunky_heap_walk(waiting.heap, waiting_look, NULL);
    else
        chunky_walk(waiting_look, NULL);
    return unused;
}

/* Returns when another thread holds the lock of the arena that this block is of. */
static pthread_t waiting_hold(char *block)
{
    pthread_t walker;
    waiting.shown = block;
    waiting.stage = 0;
    pthread_create(&walker, NULL, waiting_walk, NULL);
    for (int i = 0; waiting.stage == 0 && i < 20000; i++)
        usleep(100);
    return walker;
}

static void *waiting_overwrite(void *unused)
{
    char *p = waiting.victim;
    while (waiting.stage != 2)
        usleep(100);
    usleep(20000);
    uint32_t size =
        (uint32_t)(waiting.end - p) | (uint32_t)(*header(p) & waiting.flags);
    memcpy(header(p), &size, sizeof size);
    return unused;
}

/* A thread that overwrites the size of `victim`, so that it reaches to `end`, soon after
 * waiting_begin. To be made before the lock is held: it allocates. */
static pthread_t waiting_forge(char *victim, char *end, uint64_t flags)
{
    pthread_t writer;
    waiting.victim = victim;
    waiting.end = end;
    waiting.flags = flags;
    pthread_create(&writer, NULL, waiting_overwrite, NULL);
    return writer;
}

static void waiting_begin(void)
{
    waiting.stage = 2;
}

#endif
