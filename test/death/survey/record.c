/* Overflows that reach what Chunky keeps between blocks: `record KIND BYTES PAST`.
 * Says which block it is about; exits 0 if the program's own bytes are what it wrote. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *hide(const void *p)
{
    void *volatile hidden = (void *)(uintptr_t)p;
    return hidden;
}

static bool is_kept(const char *mem, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (mem[i] != 'p')
            return false;
    return true;
}

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    size_t bytes = strtoul(words[2], NULL, 0), past = strtoul(words[3], NULL, 0);
    char *before = malloc(bytes), *mem = malloc(bytes), *behind = malloc(bytes);
    memset(before, 'p', bytes);
    memset(mem, 'p', bytes);
    memset(behind, 'p', bytes);
    printf("%p\n", (void *)mem);
    fflush(stdout);
    bool good = true;
    switch (words[1][0]) {
    case 'f': /* free */
        memset((char *)hide(mem) + bytes, 'X', past);
        free(mem);
        break;
    case 'u': /* malloc_usable_size; all of it may be used */
        memset((char *)hide(mem) + bytes, 'X', past);
        good = malloc_usable_size(mem) >= bytes;
        good = malloc_usable_size(mem) >= bytes && good && is_kept(mem, bytes);
        free(mem);
        break;
    case 'r': /* realloc, and what it returned is an ordinary block */
        memset((char *)hide(mem) + bytes, 'X', past);
        mem = realloc(mem, 2 * bytes);
        good = mem != NULL && is_kept(mem, bytes);
        free(realloc(mem, bytes / 2));
        break;
    case 'h': /* of the header one byte, or, past the last one, all */
        for (size_t i = 0; i < 8; i++)
            ((volatile char *)hide(behind))[-8 + (ptrdiff_t)i] ^=
                i == past || past == 8 ? 0x55 : 0;
        break;
    case 'b': /* from behind: the block before is found first, or its neighbour is */
        memset((char *)hide(mem) - past, 'X', past);
        free(strchr(words[1], '2') != NULL ? before : mem);
        break;
    }
    free(behind);
    return good ? 0 : 1;
}
