/*
 * Opens and closes a C++ library with thread-local objects again and again, while threads
 * that began before use it and end before or after.
 */
#include "allocator.h"

#include "support/expect.h"

#include <dlfcn.h>
#include <pthread.h>

enum { THREADS = 6 };

typedef long plugin_work(long seed, long steps);

static pthread_barrier_t opened, used;
static plugin_work *work;

static void *use(void *arg)
{
    long seed = (long)(intptr_t)arg;
    EXPECT(allocator_churn((uint64_t)seed, 500, 12) == 0);
    pthread_barrier_wait(&opened);
    long once = work(seed, 300);
    EXPECT(work(seed, 300) == once - 1);
    EXPECT(allocator_churn((uint64_t)seed, 500, 12) == 0);
    pthread_barrier_wait(&used);
    return NULL;
}

static void one_round(const char *path)
{
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, use, (void *)(i + 1)));
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin)
        fprintf(stderr, "%s\n", dlerror());
    REQUIRE(plugin != NULL);
    work = (plugin_work *)(intptr_t)dlsym(plugin, "plugin_work");
    REQUIRE(work != NULL);
    EXPECT(dlsym(plugin, "no_such_name") == NULL && dlerror() != NULL);
    pthread_barrier_wait(&opened);
    pthread_barrier_wait(&used);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    EXPECT(dlclose(plugin) == 0);
    EXPECT(dlopen("/nowhere/at/all.so", RTLD_NOW) == NULL && dlerror() != NULL);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2 && allocator_is_preloaded());
    pthread_barrier_init(&opened, NULL, THREADS + 1);
    pthread_barrier_init(&used, NULL, THREADS + 1);
    for (long rounds = scaled(40, 5); rounds > 0; rounds--)
        one_round(argv[1]);
    return expect_done();
}
