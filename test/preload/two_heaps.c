/*
 * Not preloaded: the C library's malloc and Chunky's, opened with dlopen or (LINKED) linked
 * for its chunky_ calls, side by side in one process. The break is the C library's, since
 * sbrk of two threads at once hands the same memory to both.
 */
#include "chunky.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

enum { SLOTS = 600, THREADS = 4 };

struct family {
    void *(*take)(size_t bytes);
    void *(*resize)(void *mem, size_t bytes);
    void (*give)(void *mem);
};

struct slot {
    void *mem;
    size_t bytes;
};

static struct family families[2] = {{malloc, realloc, free}, {NULL, NULL, NULL}};

static void *mix(void *arg)
{
    static _Thread_local struct slot slots[2][SLOTS];
    struct random r = {(uint64_t)(uintptr_t)arg};
    for (long steps = scaled(60000, 4000), step = 0; step < steps; step++) {
        size_t which = random_below(&r, 2);
        size_t number = random_below(&r, SLOTS);
        const struct family *f = &families[which];
        struct slot *s = &slots[which][number];
        size_t bytes = random_size(&r, 17);
        if (!s->mem) {
            s->mem = f->take(bytes);
        } else if (step % 5) {
            EXPECT(pattern_differs(s->mem, 0, s->bytes, number) == s->bytes);
            f->give(s->mem);
            s->mem = NULL;
            continue;
        } else {
            s->mem = f->resize(s->mem, ++bytes);
        }
        REQUIRE(s->mem != NULL);
        s->bytes = bytes;
        pattern_fill(s->mem, 0, bytes, number);
    }
    for (size_t i = 0; i < (size_t)2 * SLOTS; i++) {
        families[i / SLOTS].give(slots[i / SLOTS][i % SLOTS].mem);
        slots[i / SLOTS][i % SLOTS].mem = NULL;
    }
    return NULL;
}

#ifdef LINKED
static void open_chunky(const char *path)
{
    (void)path;
    families[1] = (struct family){chunky_malloc, chunky_realloc, chunky_free};
}

static bool close_chunky(void)
{
    return true;
}
#else
static void *library;

static void open_chunky(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    REQUIRE(library != NULL);
    families[1] = (struct family){
        (void *(*)(size_t))(intptr_t)dlsym(library, "chunky_malloc"),
        (void *(*)(void *, size_t))(intptr_t)dlsym(library, "chunky_realloc"),
        (void (*)(void *))(intptr_t)dlsym(library, "chunky_free"),
    };
    REQUIRE(families[1].take && families[1].resize && families[1].give);
}

static bool close_chunky(void)
{
    return dlclose(library) == 0;
}
#endif

static bool in_break(const void *address)
{
    extern char end;
    return (uintptr_t)address >= (uintptr_t)&end &&
           (uintptr_t)address < (uintptr_t)sbrk(0);
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    open_chunky(argc == 2 ? argv[1] : "");
    REQUIRE(families[1].take != malloc);
    void *first = families[1].take(100);
    REQUIRE(first != NULL);
    EXPECT(!in_break(first));
    families[1].give(first);
    mix((void *)77);
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, mix, (void *)(i + 1)));
    mix((void *)78);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(close_chunky());
    mix((void *)79);
    return expect_done();
}
