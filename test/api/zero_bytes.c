/* Does a request for nothing return a block of its own, aligned and freeable? */
#include "api/names.h"
#include "support/expect.h"

enum { CALLS = 11, ROUNDS = 50 };

static void *ask_for_nothing(int call)
{
    void *out = NULL;
    switch (call) {
    case 0:
        return malloc(0);
    case 1:
        return calloc(0, 0);
    case 2:
        return calloc(0, 100);
    case 3:
        return calloc(unknown(SIZE_MAX), 0);
    case 4:
        return realloc(NULL, 0);
    case 5:
        return reallocarray(NULL, 0, 5);
    case 6:
        return aligned_alloc(64, 0);
    case 7:
        return memalign(4096, 0);
    case 8:
        return valloc(0);
    case 9:
        return pvalloc(0);
    default:
        if (posix_memalign(&out, 128, 0)) {
            errno = ENOMEM;
            return NULL;
        }
        return out;
    }
}

int main(void)
{
    static void *all[CALLS * ROUNDS];
    static const size_t aligns[CALLS] = {16, 16,   16,   16,   16, 16,
                                         64, 4096, 4096, 4096, 128};
    for (int i = 0; i < CALLS * ROUNDS; i++) {
        void *mem = all[i] = ask_for_nothing(i % CALLS);
        if (!GOT(mem)) {
            EXPECT_SAY("call %d", i % CALLS);
            continue;
        }
        EXPECT_F(is_aligned(mem, aligns[i % CALLS]), "call %d: %p", i % CALLS, mem);
        memset(mem, i, malloc_usable_size(mem));
        for (int j = 0; j < i; j++)
            EXPECT(all[j] != mem);
    }
    for (int i = 0; i < CALLS * ROUNDS; i++)
        free(all[i]);
    return expect_done();
}
