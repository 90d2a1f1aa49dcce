/* Acceptance case 8: case_08_loaded_late LIBCHUNKY LIBRARY...: can Chunky itself be
 * loaded by a running program with threads, when others have taken static TLS before,
 * and work beside the program's own malloc? */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "support/expect.h"
#include "support/pattern.h"

enum { THREADS = 8, BLOCKS = 500 };

static void *(*late_malloc)(size_t bytes);
static void *(*late_realloc)(void *mem, size_t bytes);
static void (*late_free)(void *mem);
static pthread_barrier_t barrier;

static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    if (!symbol)
        fprintf(stderr, "%s: %s\n", name, dlerror());
    REQUIRE(symbol);
    memcpy(function, &symbol, sizeof symbol);
}

static void *use_both(void *unused)
{
    unsigned char *late[BLOCKS];
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier); /* loaded meanwhile */
    for (size_t i = 0; i < BLOCKS; i++) {
        unsigned char *own = malloc(i * 10 + 1);
        late[i] = late_malloc(i * 10 + 1);
        if (GOT(late[i]))
            pattern_fill(late[i], 0, i * 10 + 1, i);
        free(own);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (!late[i])
            continue;
        EXPECT(pattern_differs(late[i], 0, i * 10 + 1, i) == i * 10 + 1);
        unsigned char *more = late_realloc(late[i], i * 20 + 1);
        if (more)
            EXPECT(pattern_differs(more, 0, i * 10 + 1, i) == i * 10 + 1);
        late_free(more ? more : late[i]);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    REQUIRE(argc > 2);
    for (int i = 2; i < argc; i++)
        REQUIRE(dlopen(argv[i], RTLD_NOW));
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, use_both, NULL));
    pthread_barrier_wait(&barrier);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    REQUIRE(library);
    find(library, "chunky_malloc", &late_malloc);
    find(library, "chunky_realloc", &late_realloc);
    find(library, "chunky_free", &late_free);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    dlclose(library); /* threads may still end after this: our code stays */
    return expect_done();
}
