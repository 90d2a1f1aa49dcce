/*
 * A large heap to look at: big_heap CHUNKS BYTES [THREADS]. Blocks of many sizes, BYTES on
 * the whole, made by THREADS threads; then a seventh of them is freed, anywhere. Prints
 * "ready" and waits for the end of standard input; after "churn" it works on, one thread
 * with a million calls a report.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct part {
    char **block;
    uint64_t count, mean, seed;
    pthread_t thread;
};

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Sizes from 1 to 2 * mean - 1, most of them small, so that the mean is `mean`. */
static void *fill(void *argument)
{
    struct part *p = argument;
    uint64_t dice = p->seed, small = p->mean / 2, large = p->mean * 5 / 2;
    for (uint64_t i = 0; i < p->count; i++) {
        uint64_t most = next(&dice) % 4 == 0 ? large : small;
        size_t bytes = (size_t)(1 + next(&dice) % (2 * most - 1));
        p->block[i] = malloc(bytes);
        if (p->block[i] == NULL)
            exit(3);
        p->block[i][0] = 'b';
    }
    for (uint64_t i = 0; i < p->count / 7; i++) {
        char **at = &p->block[(next(&dice) << 20 ^ next(&dice)) % p->count];
        free(*at);
        *at = NULL;
    }
    return NULL;
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Frees and takes, and says every million calls how long they took, and of a processor. */
static void churn(struct part *p, unsigned long reports)
{
    enum { CALLS = 1000000 };
    uint64_t dice = 99;
    while (reports-- > 0) {
        double begin = now(CLOCK_MONOTONIC), used = now(CLOCK_THREAD_CPUTIME_ID);
        for (int i = 0; i < CALLS / 2; i++) {
            char **at = &p->block[next(&dice) % p->count];
            free(*at);
            *at = malloc(1 + (size_t)next(&dice) % 400);
        }
        printf("%.6f %.6f\n", now(CLOCK_MONOTONIC) - begin,
               now(CLOCK_THREAD_CPUTIME_ID) - used);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct part part[64];
    char line[64];
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t bytes = argc > 2 ? strtoull(argv[2], NULL, 10) : count * 200;
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    threads = threads < 1 ? 1 : threads > 64 ? 64 : threads;
    char **block = mmap(NULL, count * sizeof *block, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED || count < threads)
        return 3;
    for (unsigned i = 0; i < threads; i++) {
        part[i] = (struct part){.block = block + count / threads * i,
                                .count = count / threads,
                                .mean = bytes / count,
                                .seed = i + 1};
        if (threads == 1)
            fill(&part[0]);
        else if (pthread_create(&part[i].thread, NULL, fill, &part[i]) != 0)
            return 3;
    }
    for (unsigned i = 0; threads > 1 && i < threads; i++)
        pthread_join(part[i].thread, NULL);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        if (strncmp(line, "churn", 5) == 0)
            churn(&part[0], strtoul(line + 5, NULL, 10));
    return 0;
}
