/*
 * Linked with libchunky, statically or not: malloc is Chunky's, for the C library's own
 * blocks as well, and what is not Chunky's is refused by chunky_free.
 */
#include "chunky.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(int ok, const char *what)
{
    if (ok)
        return;
    printf("failed: %s\n", what);
    exit(1);
}

/* chunky_free would report a block that is not Chunky's, and abort. */
static void families_are_one(void)
{
    chunky_free(malloc(100));
    free(chunky_malloc(100));
    chunky_free(strdup("the C library's own"));
    char *mem = chunky_realloc(calloc(10, 10), 5000);
    require(mem && mem[99] == 0, "calloc, then chunky_realloc");
    require(chunky_malloc_usable_size(mem) >= 5000, "usable size");
    free(mem);
    mem = aligned_alloc(4096, 8192);
    require(mem && (uintptr_t)mem % 4096 == 0, "aligned_alloc");
    chunky_free(mem);
    volatile size_t huge = SIZE_MAX / 2 + 2;
    errno = 0;
    require(malloc(huge) == NULL && errno == ENOMEM, "a huge block is refused");
}

static void *work(void *arg)
{
    char *blocks[200] = {NULL};
    unsigned state = (unsigned)(uintptr_t)arg;
    const char *percent =
        getenv("TEST_SCALE"); /* less in builds that check everything */
    long steps = 600 * (percent ? atol(percent) : 100);
    for (long i = 0; i < steps; i++) {
        state = state * 1103515245u + 12345u;
        char **block = &blocks[state / 65536u % 200];
        size_t bytes = state / 16u % (i % 100 ? 2000u : 300000u) + 2;
        if (*block)
            require(**block == (char)(block - blocks), "a block kept its first byte");
        free(*block);
        *block = malloc(bytes);
        require(*block != NULL, "a block");
        memset(*block, (int)(block - blocks), bytes);
    }
    for (int i = 0; i < 200; i++)
        free(blocks[i]);
    return arg;
}

int main(void)
{
    pthread_t threads[4];
    families_are_one();
    for (intptr_t i = 0; i < 4; i++)
        require(!pthread_create(&threads[i], NULL, work, (void *)(i + 1)), "a thread");
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    FILE *out = fopen("/dev/null", "w");
    require(out && fprintf(out, "%s\n", chunky_version()) > 0 && !fclose(out),
            "a stream");
    puts("all was well");
    return 0;
}
