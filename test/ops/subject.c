/* What is operated: does one thing for each letter on standard input, and answers with a
 * line. No Chunky of its own: it is preloaded. */
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 30000 };

static void *block[BLOCKS];

/* Passes the slow paths: large blocks, and caches that fill and flush. */
static void pass(void)
{
    for (size_t i = 0; i < 40; i++)
        free(malloc(100000 + i * 4000));
}

static void named(void)
{
    void *(*create)(const char *, size_t);
    void *(*get)(void *, size_t);
    *(void **)&create = dlsym(RTLD_DEFAULT, "chunky_heap_create");
    *(void **)&get = dlsym(RTLD_DEFAULT, "chunky_heap_malloc");
    if (create == NULL || get == NULL)
        abort();
    const char *name = getenv("HEAP_NAME");
    void *heap = create(name == NULL ? "sessions" : name, 0), *small = NULL;
    for (int i = 0; i < 100; i++)
        small = get(heap, 100);
    printf("%p %p ", small, get(heap, 5000000));
}

static void act(int letter)
{
    size_t got = 0;
    switch (letter) {
    case 'f': /* fill */
        for (size_t i = 0; i < BLOCKS; i++)
            if ((block[i] = malloc(1000)) != NULL) {
                memset(block[i], 1, 1000);
                got++;
            }
        printf("%zu ", got);
        break;
    case 'e': /* empty, but for one in 100: nothing can be trimmed by itself */
        for (size_t i = 0; i < BLOCKS; i++)
            if (i % 100 != 0) {
                free(block[i]);
                block[i] = NULL;
            }
        break;
    case 'p':
        pass();
        break;
    case 'n':
        named();
        break;
    case 'b': /* a mistake */
        free((char *)block[0] + 8);
        break;
    default:
        exit(0);
    }
    printf("done\n");
    fflush(stdout);
}

int main(void)
{
    int letter;
    printf("ready\n");
    fflush(stdout);
    while ((letter = getchar()) != EOF)
        if (letter != '\n')
            act(letter);
    return 0;
}
