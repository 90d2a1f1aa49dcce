/* Acceptance case 1: 2 million blocks of 120 bytes and one survivor after them; all but
 * it freed. Is resident memory at most 1.125 x live + 4 MiB, at once? */
#include <sys/mman.h>
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/proc.h"
#include "support/random.h"

enum { MIB = 1 << 20, BLOCKS = 2000000 };

/* Where caches hold one pointer, so does each of the arrays that they hand on, and these
 * are most of what is seen. */
#ifdef CHUNKY_HARD_NOCACHE
enum { IS_MEASURED = 0 };
#else
enum { IS_MEASURED = UNDER_CHUNKY };
#endif

static void **mem;

static void shuffle(size_t count)
{
    struct random r = {42};
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = random_below(&r, i + 1);
        void *kept = mem[i];
        mem[i] = mem[j];
        mem[j] = kept;
    }
}

static void free_all(size_t count, const char *order)
{
    if (!strcmp(order, "shuffled"))
        shuffle(count);
    if (!strcmp(order, "in reverse"))
        for (size_t i = count; i-- > 0;)
            free(mem[i]);
    else
        for (size_t i = 0; i < count; i++)
            free(mem[i]);
}

static void leave_one(size_t count, size_t bytes, const char *order)
{
    size_t before = proc_resident();
    for (size_t i = 0; i < count; i++)
        if (GOT(mem[i] = malloc(bytes)))
            memset(mem[i], 1, bytes);
    char *survivor = malloc(bytes);
    if (GOT(survivor))
        memset(survivor, 1, bytes);
    size_t full = proc_resident();
    free_all(count, order);
    size_t after = proc_resident();
    size_t most = before + bytes + bytes / 8 + 4 * MIB;
    printf("%zu blocks of %zu bytes freed %s: resident %zu KiB, %zu KiB, %zu KiB\n",
           count, bytes, order, before >> 10, full >> 10, after >> 10);
    EXPECT(full > before + count * bytes / 2 || memory_may_run_out());
    if (IS_MEASURED)
        EXPECT_F(after <= most, "%s: %zu KiB over", order, (after - most) >> 10);
    free(survivor);
}

/* In a process of its own: memory that went back and is used again within a second may
 * stay a while, and that is another question. */
static void one_survivor(size_t count, size_t bytes, const char *order)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(240);
        expect_reset();
        leave_one(count, bytes, order);
        fflush(stdout);
        _exit(expect_status());
    }
    EXPECT(child_reaped(pid, order));
}

int main(void)
{
    if (UNDER_SANITIZER)
        SKIP("a sanitizer's own memory would be measured");
    size_t count = (size_t)scaled(BLOCKS, 200000);
    mem = mmap(NULL, count * sizeof *mem, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    REQUIRE(mem != MAP_FAILED);
    one_survivor(count, 120, "in order");
    one_survivor(count, 120, "in reverse");
    one_survivor(count, 120, "shuffled");
    one_survivor(count / 10, 1200, "shuffled");
    one_survivor(count / 100, 12000, "shuffled");
    one_survivor(count / 800, 100000, "shuffled");
    return expect_done();
}
