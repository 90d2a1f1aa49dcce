/* expect: harmless sizes=small plain */
/* While one thread gives thousands of blocks back in one go, another reads in a freed one
 * that it was verified, and then writes: a larger size into its header, or, with the larger
 * blocks, the mark that it bears into the live block behind. */
#include "death.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { FILL = 12000, GROUPS = 64, ROUNDS = 60, UNMARKED = 0x4242, CLEAR = 32 };

static char *fill[FILL], *group[4 * GROUPS];
static char *volatile freed;
static size_t step;
static atomic_bool is_giving, is_done, is_mark;
static atomic_int now;

static void *attack(void *unused)
{
    for (int mine = 0; !is_done; mine = now) {
        while (now == mine && !is_done)
            ;
        volatile uint64_t *at = hide(freed);
        while (*at == UNMARKED && !is_done)
            ;
        if (!is_giving)
            continue;
        if (is_mark)
            *(uint64_t *)hide(freed + step) = *at;
        else
            *(uint32_t *)header(freed) += (uint32_t)step;
        is_done = true;
    }
    return unused;
}

/* Blocks from group[i] on that lie side by side: the second one is freed. */
static int next_group(int i)
{
    for (int left = GROUPS; left > 0; left--) {
        i = (i + 4) % (4 * GROUPS);
        char **p = group + i;
        step = (size_t)(p[1] - p[0]);
        if (p[0] != NULL && p[2] - p[1] == p[1] - p[0] && p[3] - p[2] == p[1] - p[0])
            return i;
    }
    exit(77);
}

void misuse(size_t bytes)
{
    char *victim = NULL;
    pthread_t thread;
    is_mark = bytes > 500;
    bytes = 100;
    for (int i = 0; i < 4 * GROUPS; i++)
        group[i] = malloc(bytes);
    pthread_create(&thread, NULL, attack, NULL);
    for (int i = 0; now < ROUNDS && !is_done;) {
        i = next_group(i);
        for (int k = 0; k < FILL; k++)
            fill[k] = malloc(bytes);
        for (int k = 0; k < FILL; k++)
            free(fill[k]);
        victim = memset(group[i + 2], 0, bytes);
        freed = group[i + 1];
        group[i] = NULL;
        free(freed);
        *(uint64_t *)hide(freed) = UNMARKED;
        is_giving = true;
        now++;
        malloc_trim(0);
        is_giving = false;
    }
    is_done = true;
    pthread_join(thread, NULL);
    guard_range(victim, CLEAR);
    for (int k = 0; k < FILL; k++) {
        char *p = malloc(2 * bytes);
        if (p < victim && p + 2 * bytes > victim)
            exit(42);
    }
    try_to_profit(2 * bytes);
}
