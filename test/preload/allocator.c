/*
 * Blocks that come and go, and where malloc comes from. No state.
 */
#include "allocator.h"

#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 96, MOST_THREADS = 16, HOLES = 400, HOLE_BYTES = 60000 };

struct slot {
    void *mem;
    size_t bytes;
    uint64_t seed;
};

struct job {
    uint64_t seed;
    long steps;
    unsigned bits;
    size_t refused;
};

/* The address of malloc would be that of a stub here if this is not position independent. */
bool allocator_is_preloaded(void)
{
    Dl_info from;
    const char *names = getenv("LD_PRELOAD");
    void *next = dlsym(RTLD_NEXT, "malloc");
    return names && next && dladdr(next, &from) && strstr(names, from.dli_fname);
}

_Noreturn void allocator_again(const char *arg)
{
    execl("/proc/self/exe", "again", arg, (char *)NULL);
    perror("cannot execute this program again");
    _exit(1);
}

static void slot_drop(struct slot *s)
{
    EXPECT_F(pattern_differs(s->mem, 0, s->bytes, s->seed) == s->bytes,
             "a block of %zu bytes at %p changed", s->bytes, s->mem);
    free(s->mem);
    s->mem = NULL;
}

static bool slot_fill(struct slot *s, struct random *r, unsigned bits)
{
    s->bytes = random_size(r, bits);
    s->seed = random_next(r);
    switch (random_below(r, 4)) {
    case 0:
        s->mem = calloc(1, s->bytes);
        if (s->mem)
            EXPECT(pattern_not_zero(s->mem, s->bytes) == s->bytes);
        break;
    case 1:
        s->mem = aligned_alloc(64, s->bytes);
        EXPECT((uintptr_t)s->mem % 64 == 0);
        break;
    default:
        s->mem = malloc(s->bytes);
        EXPECT(s->bytes < 16 || (uintptr_t)s->mem % 16 == 0);
    }
    if (s->mem)
        pattern_fill(s->mem, 0, s->bytes, s->seed);
    else
        EXPECT(errno == ENOMEM);
    return s->mem != NULL;
}

static bool slot_resize(struct slot *s, struct random *r, unsigned bits)
{
    size_t bytes = random_size(r, bits) + 1;
    size_t kept = bytes < s->bytes ? bytes : s->bytes;
    void *mem = realloc(s->mem, bytes);
    if (!mem)
        return false;
    EXPECT(pattern_differs(mem, 0, kept, s->seed) == kept);
    pattern_fill(mem, 0, bytes, s->seed);
    s->mem = mem;
    s->bytes = bytes;
    return true;
}

size_t allocator_churn(uint64_t seed, long steps, unsigned bits)
{
    struct random r = {seed};
    struct slot slots[SLOTS] = {{0}};
    size_t refused = 0;
    steps = scaled(steps, 200);
    for (long i = 0; i < steps; i++) {
        struct slot *s = &slots[random_below(&r, SLOTS)];
        if (!s->mem)
            refused += !slot_fill(s, &r, bits);
        else if (random_below(&r, 3) == 0)
            refused += !slot_resize(s, &r, bits);
        else
            slot_drop(s);
    }
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].mem)
            slot_drop(&slots[i]);
    return refused;
}

static void *job_run(void *arg)
{
    struct job *job = arg;
    job->refused = allocator_churn(job->seed, job->steps, job->bits);
    return NULL;
}

size_t allocator_churn_threads(unsigned count, size_t stack, long steps, unsigned bits)
{
    pthread_t threads[MOST_THREADS];
    struct job jobs[MOST_THREADS];
    pthread_attr_t attr;
    size_t refused = 0;
    REQUIRE(count <= MOST_THREADS && pthread_attr_init(&attr) == 0);
    REQUIRE(stack == 0 || pthread_attr_setstacksize(&attr, stack) == 0);
    for (unsigned i = 0; i < count; i++) {
        jobs[i] = (struct job){.seed = i + 1, .steps = steps, .bits = bits};
        REQUIRE(pthread_create(&threads[i], &attr, job_run, &jobs[i]) == 0);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        refused += jobs[i].refused;
    }
    pthread_attr_destroy(&attr);
    return refused;
}

void allocator_make_holes(void)
{
    static char *block[HOLES];
    for (int i = 0; i < HOLES; i++) {
        block[i] = malloc(HOLE_BYTES);
        REQUIRE(block[i] != NULL);
        memset(block[i], i, HOLE_BYTES);
    }
    for (int i = 0; i < HOLES; i += 2)
        free(block[i]);
    for (int i = 1; i < HOLES; i += 2) {
        EXPECT(block[i][0] == (char)i && block[i][HOLE_BYTES - 1] == (char)i);
        free(block[i]);
    }
}
