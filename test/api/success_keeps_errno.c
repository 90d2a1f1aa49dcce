/* Do calls that succeed leave errno as they found it? (glibc's habit; programs that
 * check errno after a loop of calls rely on it.) */
#include "api/names.h"
#include "support/expect.h"

static const size_t sizes[] = {0, 1, 100, 1024, 5000, 40000, 200000, 3000000, 40000000};

#define KEEPS(call)                                                                    \
    do {                                                                               \
        errno = EPROTO;                                                                \
        mem = (call);                                                                  \
        if (GOT(mem))                                                                  \
            EXPECT_F(errno == EPROTO, "%s: errno became %d", #call, errno);            \
        free(mem);                                                                     \
    } while (0)

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
    return expect_done();
}
