/* Does free leave errno alone, on whatever path the block goes? */
#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"

enum { SIZES = 12, MANY = 2000 };

static const size_t sizes[SIZES] = {0,    1,     24,    120,    1000,    1040,
                                    5000, 32768, 70000, 200000, 5000000, 50000000};
static const int values[] = {0, EINTR, ENOMEM, 12345};

static void free_one(size_t bytes, int value)
{
    void *mem = malloc(bytes);
    if (!GOT(mem))
        return;
    errno = value;
    free(mem);
    EXPECT_F(errno == value, "free of %zu bytes: errno %d became %d", bytes, value,
             errno);
}

/* Enough to overflow caches, merge, trim and unmap on the way. */
static void free_many(size_t bytes, int value)
{
    static void *mem[MANY];
    long n = bytes > 1000000 ? 8 : bytes > 10000 ? 200 : scaled(MANY, 100);
    for (long i = 0; i < n; i++)
        mem[i] = malloc(bytes);
    for (long i = n - 1; i >= 0; i--) {
        errno = value;
        free(mem[i]);
        EXPECT_F(errno == value, "block %ld of %zu bytes: errno became %d", i, bytes,
                 errno);
    }
}

static void *free_elsewhere(void *mem)
{
    errno = EPIPE;
    free(mem);
    EXPECT(errno == EPIPE);
    return NULL;
}

int main(void)
{
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        errno = values[v];
        free(NULL);
        EXPECT(errno == values[v]);
        for (int i = 0; i < SIZES; i++) {
            free_one(sizes[i], values[v]);
            free_many(sizes[i], values[v]);
        }
    }
    for (int i = 0; i < SIZES; i++) {
        pthread_t thread;
        void *mem = malloc(sizes[i]);
        REQUIRE(!pthread_create(&thread, NULL, free_elsewhere, mem));
        pthread_join(thread, NULL);
    }
    return expect_done();
}
