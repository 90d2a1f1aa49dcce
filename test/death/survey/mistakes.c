/* Many mistakes in one run, each told and gone on after with go_on. Exits 0 at the end of
 * main, if the heap still serves: what is handed out is nobody else's. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 500 };

static void *hide(const void *p)
{
    void *volatile hidden = (void *)(uintptr_t)p;
    return hidden;
}

static void mistakes(size_t bytes)
{
    _Alignas(16) char on_stack[64];
    char *a = malloc(bytes), *b = malloc(bytes), *c = malloc(bytes);
    free(a);
    free(hide(a));              /* double free */
    free((char *)hide(b) + 16); /* the middle of a block */
    free(hide(on_stack + 16));  /* the stack */
    if (realloc(hide(a), 2 * bytes) != NULL)
        exit(3); /* a freed block: refused */
    if (malloc_usable_size(hide(a)) != 0)
        exit(4);                    /* not told from level 1 on only: always */
    ((char *)hide(c))[bytes] = 'x'; /* level 1: one byte too far */
    free(c);
    ((char *)hide(b))[0] = 1;
    free(b);
    b = malloc(bytes);
    free(b);
    ((volatile char *)hide(b))[0] = 1; /* level 2: write after free */
}

/* No two blocks overlap, and calloc's is zero. */
static bool serves(void)
{
    static unsigned char *kept[KEPT];
    for (unsigned i = 0; i < KEPT; i++) {
        size_t bytes = 8 + i * 31 % 900;
        kept[i] = calloc(1, bytes);
        for (size_t k = 0; k < bytes; k++)
            if (kept[i][k] != 0)
                return false;
        memset(kept[i], (int)(i % 250 + 1), bytes);
    }
    for (unsigned i = 0; i < KEPT; i++)
        for (size_t k = 0; k < 8 + i * 31 % 900; k++)
            if (kept[i][k] != i % 250 + 1)
                return false;
    for (unsigned i = 0; i < KEPT; i++)
        free(kept[i]);
    return true;
}

int main(int count, char **words)
{
    unsigned times = count > 1 ? (unsigned)atoi(words[1]) : 1;
    for (unsigned i = 0; i < times; i++)
        mistakes(100);
    for (unsigned i = 0; i < 10; i++)
        if (!serves())
            return 5;
    puts("the end");
    return 0;
}
