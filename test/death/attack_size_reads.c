/* expect: harmless sizes=large plain conf=cache=0 */
/* While a block is resized, freed, or taken in a named heap, another thread overwrites the size
 * that tells where it ends, and may put it back, in the time between two reads: as in
 * attack_between_reads the processor stops at each. */
#include "death.h"

#if defined(__x86_64__) && defined(__linux__)
#include "chunky.h"
#include "steps.h"

enum { READS = 24, BLOCKS = 16 };
enum way {
    EXTEND, /* into the free block behind, whose size changes */
    STAY,   /* grow to where the next block ends: the block's own */
    FREE,
    NAMED, /* take the place of a block that was freed */
    WAYS
};

static struct chunky_heap *heap;
static unsigned
    at; /* the read that finds the change, or with READS more from there on */

static bool sees_change(unsigned read)
{
    return at < READS ? read == at : read >= at - READS;
}

static char *take(size_t bytes)
{
    return heap != NULL ? chunky_heap_malloc(heap, bytes) : malloc(bytes);
}

/* The second of five that lie one behind the other. */
static int find_row(char **b, size_t bytes)
{
    for (int k = 0; k < BLOCKS; k++)
        b[k] = memset(take(bytes), 0x11, bytes);
    for (int i = 1; i + 3 < BLOCKS; i++) {
        ptrdiff_t step = b[i + 1] - b[i];
        if (b[i] - b[i - 1] == step && b[i + 2] - b[i + 1] == step &&
            b[i + 3] - b[i + 2] == step)
            return i;
    }
    _exit(77);
}

static char *resize(char **row, enum way way, size_t step, size_t *bytes)
{
    *bytes = 2 * step - (way == STAY ? 8 : 40);
    watch(header(row[way == EXTEND]), step);
    return realloc(row[0], *bytes);
}

static void attack(size_t bytes, enum way way)
{
    static char *b[BLOCKS];
    char *got = NULL;
    if (way == NAMED)
        heap = chunky_heap_create("reads", 0);
    char **row = b + find_row(b, bytes);
    size_t step = (size_t)(row[1] - row[0]);
    guard_range(row[way == EXTEND ? 2 : 1], bytes);
    if (way == EXTEND)
        free(row[1]);
    if (way == EXTEND || way == STAY) {
        got = resize(row, way, step, &bytes);
    } else if (way == FREE) {
        watch(header(row[0]), step);
        free(row[0]);
    } else {
        chunky_heap_free(heap, row[0]);
        watch(header(row[0]), step);
        got = take(bytes);
    }
    watch_no_more();
    char *next = row[way == EXTEND ? 2 : 1];
    if (got != NULL && got < next &&
        (got + bytes > next || got + malloc_usable_size(got) > next))
        _exit(42);
    try_to_profit(bytes);
    _exit(0);
}

void misuse(size_t bytes)
{
    catch_steps();
    for (unsigned way = 0; way < WAYS; way++)
        for (at = 0; at < 2 * READS; at++) {
            pid_t pid = fork();
            if (pid == 0) {
                begin_child();
                attack(bytes, (enum way)way);
            }
            if (child_profits(pid)) {
                printf("way %u, read %u\n", way, at);
                exit(42);
            }
        }
}
#else
void misuse(size_t bytes)
{
    (void)bytes;
    exit(77);
}
#endif
