/* Acceptance case 2: 64 threads each allocate and free 64 MiB, one after another. Does
 * resident memory stay below what two threads use, be the others gone or asleep? */
#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/proc.h"

enum { MIB = 1 << 20, THREADS = 64, SIZES = 4 };

static const size_t sizes[SIZES] = {100, 1000, 9000, 100000};
static size_t share; /* what each thread uses, bytes */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_done;
static pthread_barrier_t *stay;

struct list {
    struct list *next;
};

static void use_and_free(size_t bytes)
{
    struct list *all = NULL;
    for (size_t had = 0; had < share; had += bytes) {
        struct list *block = malloc(bytes);
        if (!GOT(block))
            break;
        memset(block, 1, bytes);
        block->next = all;
        all = block;
    }
    while (all) {
        struct list *block = all;
        all = block->next;
        free(block);
    }
}

static void *take_a_turn(void *number)
{
    size_t i = (size_t)(uintptr_t)number;
    pthread_mutex_lock(&one_at_a_time);
    use_and_free(sizes[i % SIZES]);
    pthread_mutex_unlock(&one_at_a_time);
    if (stay)
        pthread_barrier_wait(stay);
    return NULL;
}

/* A build that gives everything back at each free touches what went back a moment ago,
 * and that may stay a while: another question. And where caches hold one pointer, so does
 * each of the arrays that they hand on, and these are most of what is seen. */
#if defined CHUNKY_HARD_TRIM || defined CHUNKY_HARD_NOCACHE
enum { IS_MEASURED = 0 };
#else
enum { IS_MEASURED = UNDER_CHUNKY };
#endif

static void turns(const char *what, bool all_stay)
{
    pthread_t threads[THREADS];
    size_t before = proc_resident();
    int reset = proc_peak_reset();
    pthread_barrier_init(&all_done, NULL, THREADS + 1);
    stay = all_stay ? &all_done : NULL;
    for (size_t i = 0; i < THREADS; i++) {
        REQUIRE(!pthread_create(&threads[i], NULL, take_a_turn, (void *)i));
        if (!all_stay)
            pthread_join(threads[i], NULL);
    }
    size_t after = proc_resident();
    if (all_stay) {
        pthread_mutex_lock(&one_at_a_time); /* not before the running one is done */
        pthread_mutex_unlock(&one_at_a_time);
        pthread_barrier_wait(&all_done);
        after = proc_resident();
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
    }
    size_t peak = proc_peak();
    printf("%s: resident %zu KiB, peak %zu KiB, then %zu KiB\n", what, before >> 10,
           peak >> 10, after >> 10);
    if (reset && IS_MEASURED)
        EXPECT_F(peak < before + 2 * share, "%s: peak %zu KiB", what, peak >> 10);
    if (IS_MEASURED)
        EXPECT_F(after < before + 2 * share, "%s: then %zu KiB", what, after >> 10);
}

int main(void)
{
    if (UNDER_SANITIZER)
        SKIP("a sanitizer's own memory would be measured");
    /* With less, what 64 threads hold by themselves (caches, stacks: 6 MiB) would be most of
     * what is seen. */
    share = (size_t)scaled(64, 16) * MIB;
    turns("threads that end", false);
    turns("threads that stay", true);
    return expect_done();
}
