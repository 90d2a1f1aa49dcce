/* main of the programs here: PROGRAM BYTES main|thread|arena|aged; see death.h. */
#include "death.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

enum { RIVALS = 3, VISITORS = 1000, GUARDED = 16, TAKEN = 600 };

static volatile bool rivals_stop;

void *hide(const void *p)
{
    void *volatile hidden = (void *)(uintptr_t)p;
    return hidden;
}

uint64_t *header(void *mem)
{
    return (uint64_t *)((uintptr_t)hide(mem) - 8);
}

struct call {
    void (*f)(void *);
    void *argument;
};

static void *thread_run(void *argument)
{
    struct call *call = argument;
    call->f(call->argument);
    return NULL;
}

void in_thread(void (*f)(void *), void *argument)
{
    struct call call = {f, argument};
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_run, &call) != 0)
        exit(77);
    pthread_join(thread, NULL);
}

void churn(unsigned count)
{
    void *kept[64] = {0};
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i * 7 % 64;
        free(kept[at]);
        kept[at] = malloc(16 + (size_t)i * 37 % 3000);
    }
    for (unsigned i = 0; i < 64; i++)
        free(kept[i]);
}

/* Keeps the lock of arenas busy, so that others are made. */
static void *rival(void *unused)
{
    while (!rivals_stop)
        malloc_trim(0);
    return unused;
}

static pthread_t rivals[RIVALS];
static bool arena_left;

static void rivals_end(void)
{
    rivals_stop = true;
    for (int i = 0; i < RIVALS; i++)
        pthread_join(rivals[i], NULL);
}

static void misuse_in_thread(void *bytes)
{
    misuse(*(size_t *)bytes);
}

/* A thread that finds its arena busy at its first visit moves to another one. */
static void misuse_if_elsewhere(void *bytes)
{
    size_t size = *(size_t *)bytes;
    arena_left = (*header(malloc(1000)) & HEADER_A) != 0 &&
                 (*header(malloc(size)) & HEADER_A) != 0;
    if (!arena_left)
        return;
    rivals_end();
    misuse(size);
}

static void misuse_in_arena(size_t bytes)
{
    if (bytes > 100000)
        exit(77);
    for (int i = 0; i < RIVALS; i++)
        if (pthread_create(&rivals[i], NULL, rival, NULL) != 0)
            exit(77);
    for (int i = 0; i < VISITORS && !arena_left; i++)
        in_thread(misuse_if_elsewhere, &bytes);
    if (!arena_left)
        exit(77);
}

static struct {
    unsigned char *start;
    size_t bytes;
    unsigned char copy[4096];
} guarded[GUARDED];
static unsigned guarded_count;

void guard_range(void *start, size_t bytes)
{
    if (bytes > sizeof guarded[0].copy)
        bytes = sizeof guarded[0].copy;
    guarded[guarded_count].start = start;
    guarded[guarded_count].bytes = bytes;
    memcpy(guarded[guarded_count].copy, start, bytes);
    guarded_count++;
}

static void check_ranges(const unsigned char *start, size_t bytes)
{
    for (unsigned i = 0; i < guarded_count; i++) {
        if (start < guarded[i].start + guarded[i].bytes &&
            guarded[i].start < start + bytes) {
            fprintf(stderr, "block %p of %zu bytes overlaps %p of %zu\n", (void *)start,
                    bytes, (void *)guarded[i].start, guarded[i].bytes);
            _exit(42);
        }
    }
}

void try_to_profit(size_t bytes)
{
    static unsigned char *taken[TAKEN];
    static size_t size[TAKEN];
    for (unsigned i = 0; i < TAKEN; i++) {
        size[i] = i % 3 == 0   ? bytes
                  : i % 3 == 1 ? 16 + 16 * (i % 100)
                               : bytes + 16 * (i % 40);
        if (i % 97 == 0)
            size[i] = 20000 + 1000 * i;
        taken[i] = malloc(size[i]);
        if (taken[i] == NULL)
            continue;
        check_ranges(taken[i], size[i]);
        for (unsigned k = 0; k < i; k++) {
            if (taken[k] != NULL && taken[i] < taken[k] + size[k] &&
                taken[k] < taken[i] + size[i]) {
                fprintf(stderr, "blocks %p and %p overlap\n", (void *)taken[i],
                        (void *)taken[k]);
                _exit(42);
            }
        }
        memset(taken[i], 0xa5, size[i]);
    }
    for (unsigned i = 0; i < guarded_count; i++)
        if (memcmp(guarded[i].start, guarded[i].copy, guarded[i].bytes) != 0)
            _exit(42);
    for (unsigned i = 0; i < TAKEN; i += 2)
        free(taken[i]);
    malloc_trim(0);
    for (unsigned i = 0; i < guarded_count; i++)
        if (memcmp(guarded[i].start, guarded[i].copy, guarded[i].bytes) != 0)
            _exit(42);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s BYTES main|thread|arena|aged\n", argv[0]);
        return 2;
    }
    size_t bytes = strtoul(argv[1], NULL, 10);
    if (strcmp(argv[2], "thread") == 0) {
        in_thread(misuse_in_thread, &bytes);
    } else if (strcmp(argv[2], "arena") == 0) {
        misuse_in_arena(bytes);
    } else {
        if (strcmp(argv[2], "aged") == 0)
            churn(20000);
        misuse(bytes);
    }
    return 0;
}
