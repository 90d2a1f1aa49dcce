/* expect: harmless sizes=small plain */
/* While a drain joins neighbours, another thread overwrites the header of one, and may put it
 * back, in the time between two reads: as in attack_between_reads the processor stops at each.
 */
#include "death.h"

#if defined(__x86_64__) && defined(__linux__)
#include "steps.h"

enum {
    READS = 8,
    WAYS = 2 * READS, /* the change is seen once, or from there on */
    CHANGES = 2,
    BLOCKS = 100,
    RUN = 30 /* more than a drain looks at at a time */
};

/* Whose header changes: the first's of a run, one's inside, the last's, or that of the live
 * block behind. */
static const int places[] = {0, 24, RUN - 1, RUN};

static unsigned way; /* of WAYS */

static bool sees_change(unsigned read)
{
    return way < READS ? read == way : read >= way - READS;
}

/* Where RUN blocks begin that lie one behind the other, with one before and one behind. */
static int find_run(char **b, size_t *step)
{
    int first = 1;
    for (int i = 1; i < BLOCKS; i++) {
        *step = (size_t)(b[first] - b[first - 1]);
        if ((size_t)(b[i] - b[i - 1]) != *step)
            first = i + 1;
        else if (i - first >= RUN)
            return first;
    }
    _exit(77);
}

static void attack(size_t bytes, int place, unsigned what)
{
    static char *b[BLOCKS];
    size_t step;
    for (int i = 0; i < BLOCKS; i++)
        b[i] = memset(malloc(bytes), 0x11, bytes);
    int first = find_run(b, &step);
    uint64_t changes[CHANGES] = {step, -(uint64_t)HEADER_P};
    if (changes[what] != step) /* as if a free chunk lay before it */
        header(b[first + place])[-1] = step;
    guard_range(b[first - 1], bytes);
    guard_range(b[first + RUN], bytes);
    for (int i = 0; i < RUN; i++)
        free(b[first + i * 7 % RUN]);
    watch(header(b[first + place]), changes[what]);
    malloc_trim(0);
    watch_no_more();
    try_to_profit(bytes);
    try_to_profit(RUN * step / 2);
    _exit(0);
}

static void try_all_ways(size_t bytes, int place, unsigned what)
{
    for (way = 0; way < WAYS; way++) {
        pid_t pid = fork();
        if (pid == 0) {
            begin_child();
            attack(bytes, place, what);
        }
        if (child_profits(pid)) {
            printf("place %d, change %u, way %u\n", place, what, way);
            exit(42);
        }
    }
}

void misuse(size_t bytes)
{
    catch_steps();
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        for (unsigned what = 0; what < CHANGES; what++)
            try_all_ways(bytes, places[i], what);
}
#else
void misuse(size_t bytes)
{
    (void)bytes;
    exit(77);
}
#endif
