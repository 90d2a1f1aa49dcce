/* Does the cost of an operation grow with the heap? `live` MiB of blocks of 16 bytes to
 * 1 KiB are alive; then blocks among them are replaced. With far=1 each at random (what
 * memory costs is in it); with far=0 within a window of 1,000 (what the allocator does).
 * Prints nanoseconds per operation of the second part.
 * heapsize live=MIB steps=N far=0|1 */
#include "bench.h"

#include <stdio.h>
#include <time.h>

enum { AVERAGE = 340, WINDOW = 1000 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    uint64_t live = bench_param(&b, "live", 1);
    size_t slots = (size_t)(live << 20) / AVERAGE;
    uint64_t steps = bench_work(&b, bench_param(&b, "steps", 4000000));
    bool far = bench_param(&b, "far", 0) != 0;
    struct slot *table = bench_table(slots, sizeof *table);
    struct rng r = rng_seed(1);

    for (size_t i = 0; i < slots; i++)
        slot_fill(&table[i], rng_size(&r, 4, 10));
    size_t window = slots < WINDOW ? slots : WINDOW;
    size_t first = rng_below(&r, slots - window + 1);
    double begin = now_ns();
    for (uint64_t i = 0; i < steps; i++)
        slot_fill(&table[far ? rng_below(&r, slots) : first + rng_below(&r, window)],
                  rng_size(&r, 4, 10));
    double spent = now_ns() - begin;
    printf("picoseconds=%llu ",
           (unsigned long long)(spent * 1000 / (2 * (double)steps)));
    for (size_t i = 0; i < slots; i++)
        slot_empty(&table[i]);
    return bench_close(2 * slots + 2 * steps);
}
