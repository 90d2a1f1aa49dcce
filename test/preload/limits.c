/*
 * Little address space (RLIMIT_AS), little data (RLIMIT_DATA), no file descriptors, from the
 * start of the program on: refusals are NULL and ENOMEM, and what was freed is had again.
 */
#include "allocator.h"

#include "support/expect.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, BLOCK = 1000 };

struct link {
    struct link *next;
    char rest[BLOCK - sizeof(struct link *)];
};

/* Bytes that could be had in blocks of BLOCK; all are freed again. */
static size_t fill_and_free(void)
{
    struct link *all = NULL;
    size_t bytes = 0;
    errno = 0;
    for (struct link *one; (one = malloc(sizeof *one)); bytes += sizeof *one) {
        memset(one, 0x5a, sizeof *one);
        one->next = all;
        all = one;
    }
    EXPECT(errno == ENOMEM);
    EXPECT(malloc(64 * (size_t)MIB) == NULL);
    while (all) {
        struct link *next = all->next;
        free(all);
        all = next;
    }
    return bytes;
}

static void run_out(size_t limit)
{
    size_t first = fill_and_free();
    size_t second = fill_and_free();
    EXPECT_F(first >= limit / 3 * 2, "only %zu MiB of %zu", first / MIB, limit / MIB);
    EXPECT_F(second >= first / 10 * 9, "%zu MiB, then %zu", first / MIB, second / MIB);
    void *large = malloc(limit / 3);
    EXPECT(large != NULL);
    free(large);
    EXPECT(allocator_churn(1, 20000, 16) == 0);
    /* The stacks of threads need what the heap still spans. */
    malloc_trim(0);
    EXPECT(allocator_churn_threads(6, 256 * 1024, 20000, 14) == 0);
}

static void limit_and_start_again(int resource, size_t limit, const char *inside)
{
    struct rlimit to = {limit, limit};
    REQUIRE(setrlimit((__rlimit_resource_t)resource, &to) == 0);
    allocator_again(inside);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    REQUIRE(allocator_is_preloaded());
    if (!strcmp(mode, "address"))
        limit_and_start_again(RLIMIT_AS, 200 * (size_t)MIB, "in-address");
    else if (!strcmp(mode, "data"))
        limit_and_start_again(RLIMIT_DATA, 60 * (size_t)MIB, "in-data");
    else if (!strcmp(mode, "in-address"))
        run_out(200 * (size_t)MIB);
    else if (!strcmp(mode, "in-data"))
        run_out(60 * (size_t)MIB);
    else
        return 2;
    return expect_done();
}
