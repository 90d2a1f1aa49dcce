/* C23: free_sized, free_aligned_sized and memalignment. */
#include "api/names.h"
#include "support/expect.h"

static void sized(void)
{
    for (size_t bytes = 0; bytes < 2000000; bytes = bytes * 3 / 2 + 1) {
        void *mem = malloc(bytes);
        if (GOT(mem))
            memset(mem, 1, bytes);
        errno = EPROTO;
        free_sized(mem, bytes);
        EXPECT(errno == EPROTO);
        mem = calloc(bytes, 1);
        GOT(mem);
        free_sized(mem, bytes);
        mem = realloc(malloc(bytes * 2), bytes + 1);
        GOT(mem);
        free_sized(mem, bytes + 1);
    }
    errno = EPROTO;
    free_sized(NULL, 0);
    free_sized(NULL, 100);
    EXPECT(errno == EPROTO);
}

static void aligned_sized(void)
{
    for (size_t align = 1; align <= 1 << 22; align *= 2) {
        for (size_t bytes = 0; bytes < 300000; bytes = bytes * 4 + align) {
            void *mem = aligned_alloc(align, bytes);
            if (GOT(mem))
                memset(mem, 1, bytes);
            errno = EPROTO;
            free_aligned_sized(mem, align, bytes);
            EXPECT(errno == EPROTO);
        }
    }
    free_aligned_sized(NULL, 0, 0);
    free_aligned_sized(NULL, 64, 640);
}

static void alignment_of_pointers(void)
{
    EXPECT(memalignment(NULL) == 0);
    for (unsigned bit = 0; bit < 47; bit++) {
        uintptr_t power = (uintptr_t)1 << bit;
        EXPECT(memalignment((void *)power) == power);
        EXPECT(memalignment((void *)(power | power << 1)) == power);
    }
    void *mem = malloc(100);
    if (GOT(mem))
        EXPECT(memalignment(mem) >= LEAST_ALIGN);
    free(mem);
    mem = memalign(1 << 20, 10);
    if (GOT(mem))
        EXPECT(memalignment(mem) >= 1 << 20);
    free(mem);
}

int main(void)
{
    sized();
    aligned_sized();
    alignment_of_pointers();
    return expect_done();
}
