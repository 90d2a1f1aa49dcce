/* A program whose own clock_gettime allocates, as libraries that fake the time do when they
 * read their file again: malloc must not come back to itself by way of the clock. */
#include "support/expect.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, SLOTS = 512, STEPS = 200000, KEPT = 64 };

static _Thread_local int inside;
static _Thread_local char *kept[KEPT];
static _Thread_local unsigned calls;

/* In the place of libc's, for every library. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!inside) {
        inside = 1;
        for (unsigned i = 0; i < 4; i++, calls++) {
            char **slot = &kept[calls % KEPT];
            free(*slot);
            *slot = malloc(calls * 37 % 5000);
        }
        inside = 0;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

static void *work(void *seed)
{
    static char *slots[THREADS][SLOTS];
    unsigned id = *(unsigned *)seed, x = id + 1;
    for (unsigned i = 0; i < STEPS; i++) {
        x = x * 1103515245 + 12345;
        char **slot = &slots[id][x >> 16 & (SLOTS - 1)];
        size_t bytes = (x >> 8) % (x >> 28 == 1 ? 200000 : 2000) + 8;
        free(*slot);
        *slot = malloc(bytes);
        memset(*slot, (int)id, 8);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        EXPECT(slots[id][i] == NULL || slots[id][i][7] == (char)id);
        free(slots[id][i]);
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (unsigned i = 0; i < KEPT; i++)
        free(kept[i]);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    unsigned id[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        id[i] = i;
        REQUIRE(pthread_create(&thread[i], NULL, work, &id[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return expect_done();
}
