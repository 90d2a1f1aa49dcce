/* Threads that take much, free it and do so again soon: their memory is kept, for a second.
 * When they are gone and another thread allocates a little, is it given back? */
#include <pthread.h>
#include <time.h>

#include "api/names.h"
#include "support/crew.h"
#include "support/proc.h"

enum { THREADS = 4, PEAKS = 6, BLOCKS = 20000, BYTES = 1000, MIB = 1 << 20 };

static void fill_and_free(unsigned char **mem, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (GOT(mem[i] = malloc(BYTES)))
            memset(mem[i], 1, BYTES);
    for (size_t i = 0; i < count; i++)
        free(mem[i]);
}

static void *peak(void *number)
{
    unsigned char **mem = malloc(BLOCKS * sizeof *mem);
    (void)number;
    if (GOT(mem))
        fill_and_free(mem, BLOCKS);
    free(mem);
    return NULL;
}

static void work_a_little(void)
{
    unsigned char *mem[1000];
    for (int round = 0; round < 100; round++)
        fill_and_free(mem, 1000);
}

int main(void)
{
    struct crew crew;
    struct timespec second = {1, 200000000};
    work_a_little();
    size_t before = proc_resident();
    for (int i = 0; i < PEAKS; i++) {
        crew_start(&crew, THREADS, peak);
        crew_join(&crew);
    }
    size_t kept = proc_resident();
    nanosleep(&second, NULL);
    work_a_little();
    size_t now = proc_resident();
    printf("resident before %zu KiB, after the peaks %zu, a second later %zu\n",
           before >> 10, kept >> 10, now >> 10);
    if (!UNDER_SANITIZER)
        EXPECT_F(now < before + 12 * MIB, "%zu, then %zu", before, now);
    return expect_done();
}
