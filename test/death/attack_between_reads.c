/* expect: harmless sizes=small,large plain conf=cache=0 */
/* While malloc looks at a free chunk, another thread overwrites the size in its header and puts
 * it back, in the time between two reads. Here the processor stops at each read of that header,
 * and what it then finds is the larger size or the right one: all ways to do that with the
 * first READS of them, a process each. */
#include "death.h"

#if defined(__x86_64__) && defined(__linux__)
#include "steps.h"

enum { READS = 5, BLOCKS = 16 };
enum way { EXACTLY, SORTED_EXACTLY, LESS, ALIGNED, TRIM, SMALLER, WAYS };

static unsigned ways; /* bit n: read n finds the change */

static bool sees_change(unsigned read)
{
    return read < READS && (ways >> read & 1) != 0;
}

static void attack(size_t bytes, enum way way)
{
    char *b[BLOCKS], *got = NULL;
    size_t step = 0;
    int i = 0;
    for (int k = 0; k < BLOCKS; k++)
        b[k] = memset(malloc(bytes), 0x11, bytes);
    while (++i + 2 < BLOCKS) {
        step = (size_t)(b[i + 1] - b[i]);
        if (b[i] - b[i - 1] == b[i + 1] - b[i] &&
            b[i + 2] - b[i + 1] == b[i + 1] - b[i])
            break;
    }
    if (i + 2 >= BLOCKS)
        _exit(77);
    free(b[i]);
    if (way == SORTED_EXACTLY)
        hide(malloc(1 << 19));
    if (way != SMALLER) { /* what a chunk of twice the size would have behind it */
        header(b[i + 2])[-1] = 2 * step;
        *header(b[i + 2]) &= ~(uint64_t)HEADER_P;
    }
    guard_range(b[i + 1], bytes);
    watch(header(b[i]), way == SMALLER ? -(uint64_t)(step / 32 * 16) : step);
    if (way == TRIM)
        malloc_trim(0);
    else if (way == SMALLER)
        hide(malloc(bytes));
    else if (way == ALIGNED)
        got = memalign(64, 2 * step - 216);
    else
        got = malloc(2 * step - (way == LESS ? 32 : 8));
    watch_no_more();
    if (got != NULL && got < b[i + 2] && got + malloc_usable_size(got) > b[i + 1])
        _exit(42);
    try_to_profit(bytes);
    try_to_profit(2 * step - 32);
    _exit(0);
}

void misuse(size_t bytes)
{
    catch_steps();
    for (unsigned way = 0; way < WAYS; way++)
        for (ways = 1; ways < 1U << READS; ways++) {
            pid_t pid = fork();
            if (pid == 0) {
                begin_child();
                attack(bytes, (enum way)way);
            }
            if (child_profits(pid)) {
                printf("way %u, reads %#x\n", way, ways);
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
