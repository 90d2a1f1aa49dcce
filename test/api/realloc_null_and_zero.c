/* realloc(NULL, n) allocates; realloc(p, 0) frees p and returns NULL: as glibc does? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/proc.h"

enum { BIG = 1 << 20, ROUNDS = 3000 };

static const size_t sizes[] = {1, 24, 200, 1024, 9000, 140000, 3000000, 40000000};

static void *shrink_away(void *mem, unsigned way)
{
    switch (way % 4) {
    case 0:
        return realloc(mem, 0);
    case 1:
        return reallocarray(mem, 0, 10);
    case 2:
        return reallocarray(mem, 10, 0);
    default:
        return reallocarray(mem, unknown(SIZE_MAX), 0);
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *mem = realloc(NULL, sizes[i]);
        if (!GOT(mem))
            continue;
        EXPECT(malloc_usable_size(mem) >= sizes[i]);
        pattern_fill_sparse(mem, sizes[i], 1);
        errno = EPROTO;
        EXPECT(realloc(mem, 0) == NULL);
        EXPECT_F(errno == EPROTO, "%zu bytes: errno %d", sizes[i], errno);
    }
    /* Freed indeed: otherwise each size would pile up to at least 300 MB. */
    size_t before = proc_resident();
    long rounds = scaled(ROUNDS, 400);
    for (size_t bytes = 100000; bytes <= BIG; bytes *= 10) {
        for (long i = 0; i < rounds; i++) {
            unsigned char *mem = malloc(bytes);
            if (!GOT(mem))
                continue;
            memset(mem, 1, bytes);
            errno = EPROTO;
            EXPECT(shrink_away(mem, (unsigned)i) == NULL && errno == EPROTO);
        }
    }
    size_t after = proc_resident();
    if (!UNDER_SANITIZER)
        EXPECT_F(after < before + 16 * BIG, "resident %zu, then %zu", before, after);
    return expect_done();
}
