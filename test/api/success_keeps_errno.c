/* Do calls that succeed leave errno as they found it? (glibc's habit; programs that
 * check errno after a loop of calls rely on it.) */
#include "api/names.h"
#include "support/expect.h"

#include <sys/resource.h>

static const size_t sizes[] = {0, 1, 100, 1024, 5000, 40000, 200000, 3000000, 40000000};

#define KEEPS(call)                                                                    \
    do {                                                                               \
        errno = EPROTO;                                                                \
        mem = (call);                                                                  \
        if (GOT(mem))                                                                  \
            EXPECT_F(errno == EPROTO, "%s: errno became %d", #call, errno);            \
        free(mem);                                                                     \
    } while (0)

enum { BLOCKS = 2000, LIMIT = 60 << 20 };

/* Where memory is short, calls that find some at the second try. */
static void take_what_there_is(size_t least, size_t step)
{
    static void *kept[BLOCKS];
    size_t count = 0;
    do {
        errno = EPROTO;
        kept[count] = count % 2 == 0 ? malloc(least + count % 7 * step)
                                     : memalign(64, least + count % 7 * step);
        EXPECT(kept[count] == NULL || errno == EPROTO);
    } while (kept[count] != NULL && ++count < BLOCKS);
    for (size_t i = 0; i < count; i += 2) {
        free(kept[i]);
        errno = EPROTO;
        kept[i] = malloc(20000 + i * 100);
        EXPECT(kept[i] == NULL || errno == EPROTO);
    }
    for (size_t i = 0; i < count; i++)
        free(kept[i]);
}

static void when_short(void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    if (setrlimit(RLIMIT_DATA, &limit) != 0)
        return;
    for (int round = 0; round < 3; round++) {
        take_what_there_is(200000, 100000);
        take_what_there_is(30000, 9000);
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        void *mem;
        KEEPS(malloc(n));
        KEEPS(calloc(n, 3));
        KEEPS(aligned_alloc(64, n));
        KEEPS(memalign(4096, n));
        KEEPS(valloc(n));
        KEEPS(pvalloc(n));
        KEEPS(realloc(NULL, n));
        KEEPS(realloc(malloc(10), n + 1));
        KEEPS(realloc(malloc(n + 10), n + 1));
        KEEPS(reallocarray(malloc(n + 1), n + 1, 2));

        errno = EPROTO;
        mem = NULL;
        int code = posix_memalign(&mem, 256, n);
        EXPECT(code == 0 || (code == ENOMEM && memory_may_run_out()));
        EXPECT(errno == EPROTO);
        malloc_usable_size(mem);
        EXPECT(errno == EPROTO);
        free(mem);
    }
    if (!UNDER_SANITIZER)
        when_short();
    return expect_done();
}
