/* Acceptance case 8: case_08_tls_of_others LIBRARY...: do libraries with thread-local
 * storage load, work in threads and unload beside us, and is our own at most two words? */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"

enum { MOST_LIBRARIES = 64, ROUNDS = 20, THREADS = 8 };

static int (*use_tls[MOST_LIBRARIES])(int);
static int libraries;

/* Builds that check the order of locks have one word more. */
#ifdef CHUNKY_DEBUG
enum { OUR_WORDS = 3 };
#else
enum { OUR_WORDS = 2 };
#endif

static int look_at_module(struct dl_phdr_info *info, size_t size, void *found)
{
    (void)size;
    if (!strstr(info->dlpi_name, "libchunky"))
        return 0;
    *(bool *)found = true;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            EXPECT_F(info->dlpi_phdr[i].p_memsz <= OUR_WORDS * sizeof(void *),
                     "%zu bytes of TLS", (size_t)info->dlpi_phdr[i].p_memsz);
    return 0;
}

static void *use_all(void *number)
{
    int n = (int)(intptr_t)number;
    for (int i = 0; i < libraries; i++) {
        void *mem = malloc((size_t)n * 100 + 1);
        EXPECT(use_tls[i](n) == n);
        EXPECT(use_tls[i](n) == 2 * n);
        free(mem);
    }
    return NULL;
}

static void load_use_unload(char **names)
{
    void *handles[MOST_LIBRARIES];
    pthread_t threads[THREADS];
    for (libraries = 0; names[libraries] && libraries < MOST_LIBRARIES; libraries++) {
        handles[libraries] = dlopen(names[libraries], RTLD_NOW | RTLD_LOCAL);
        if (!handles[libraries])
            fprintf(stderr, "%s\n", dlerror());
        REQUIRE(handles[libraries]);
        void *symbol = dlsym(handles[libraries], "use_tls");
        REQUIRE(symbol);
        memcpy(&use_tls[libraries], &symbol, sizeof symbol);
    }
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, use_all, (void *)(i + 1)));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < libraries; i++)
        dlclose(handles[i]);
}

int main(int argc, char **argv)
{
    bool found = false;
    dl_iterate_phdr(look_at_module, &found);
    EXPECT(found || !UNDER_CHUNKY);
    REQUIRE(argc > 1);
    for (int i = 0; i < ROUNDS; i++)
        load_use_unload(argv + 1);
    return expect_done();
}
