/* The workloads' shared half: command line, threads, tables, figures, sampler.
 * Owns the live-byte count; no allocation from the heap that is measured. */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

_Atomic int64_t bench_live;

static struct {
    pthread_t thread;
    atomic_bool stop;
    _Atomic size_t tables; /* bytes of bench_table memory, not the heap's */
    size_t base;           /* resident before the workload began */
    uint64_t samples;
    uint64_t above;        /* samples over the promise */
    uint64_t run, longest; /* nanoseconds over the promise without a break */
    int64_t worst;         /* bytes over the promise */
    size_t peak_live, peak_resident;
} sampler;

void bench_die(const char *what)
{
    fprintf(stderr, "workload failed: %s\n", what);
    _Exit(3);
}

size_t bench_resident(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    char *second = strchr(text, ' ');
    return second ? (size_t)strtoull(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE)
                  : 0;
}

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The promise: resident <= 1.125 * live + 4 MiB. */
static void sampler_take(uint64_t elapsed)
{
    int64_t live = atomic_load_explicit(&bench_live, memory_order_relaxed);
    size_t resident = bench_resident();
    size_t other = sampler.base + atomic_load(&sampler.tables);
    int64_t heap = (int64_t)resident - (int64_t)other;
    int64_t over = heap - live - live / 8 - ((int64_t)4 << 20);

    sampler.samples++;
    if (live > (int64_t)sampler.peak_live)
        sampler.peak_live = (size_t)live;
    if (heap > (int64_t)sampler.peak_resident)
        sampler.peak_resident = (size_t)heap;
    if (over > sampler.worst)
        sampler.worst = over;
    sampler.above += over > 0;
    sampler.run = over > 0 ? sampler.run + elapsed : 0;
    if (sampler.run > sampler.longest)
        sampler.longest = sampler.run;
}

static void *sampler_main(void *unused)
{
    (void)unused;
    const struct timespec pause = {0, 1000000};
    uint64_t last = clock_ns();
    while (!atomic_load(&sampler.stop)) {
        nanosleep(&pause, NULL);
        uint64_t now = clock_ns();
        sampler_take(now - last);
        last = now;
    }
    return NULL;
}

uint64_t bench_param(const struct bench *b, const char *name, uint64_t otherwise)
{
    size_t length = strlen(name);
    for (int i = 1; i < b->argc; i++) {
        const char *word = b->argv[i];
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return strtoull(word + length + 1, NULL, 10);
    }
    return otherwise;
}

void bench_open(struct bench *b, int argc, char **argv)
{
    b->argc = argc;
    b->argv = argv;
    b->threads = (unsigned)bench_param(b, "threads", 1);
    b->percent = (unsigned)bench_param(b, "scale", 100);
    if (b->threads == 0 || b->threads > BENCH_THREADS_MAX || b->percent == 0)
        bench_die("threads=1..256 and scale=1.. are what I can do");
    if (!BENCH_SAMPLE)
        return;
    if (pthread_create(&sampler.thread, NULL, sampler_main, NULL) != 0)
        bench_die("no thread for the sampler");
    sampler.base = bench_resident();
}

uint64_t bench_work(const struct bench *b, uint64_t full)
{
    uint64_t part = full * b->percent / 100;
    return part ? part : 1;
}

void *bench_table(size_t count, size_t size)
{
    void *table = mmap(NULL, count * size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (table == MAP_FAILED)
        bench_die("no memory for a table");
    atomic_fetch_add(&sampler.tables, count * size);
    return table;
}

struct runner {
    bench_body *body;
    void *shared;
    pthread_barrier_t *start;
    unsigned id;
};

static void *runner_main(void *argument)
{
    struct runner *r = argument;
    pthread_barrier_wait(r->start);
    r->body(r->id, r->shared);
    return NULL;
}

void bench_run(const struct bench *b, bench_body *body, void *shared)
{
    static struct runner runners[BENCH_THREADS_MAX];
    static pthread_t threads[BENCH_THREADS_MAX];
    pthread_barrier_t start;

    if (b->threads == 1) {
        body(0, shared);
        return;
    }
    pthread_barrier_init(&start, NULL, b->threads);
    for (unsigned i = 0; i < b->threads; i++) {
        runners[i] = (struct runner){body, shared, &start, i};
        if (pthread_create(&threads[i], NULL, runner_main, &runners[i]) != 0)
            bench_die("no thread");
    }
    for (unsigned i = 0; i < b->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

int bench_close(uint64_t ops)
{
    printf("ops=%llu", (unsigned long long)ops);
    if (BENCH_SAMPLE) {
        atomic_store(&sampler.stop, true);
        pthread_join(sampler.thread, NULL);
        sampler_take(0);
        printf(" samples=%llu above=%llu longest_ms=%llu worst=%lld peak_live=%zu"
               " peak_resident=%zu end_live=%lld",
               (unsigned long long)sampler.samples, (unsigned long long)sampler.above,
               (unsigned long long)sampler.longest / 1000000, (long long)sampler.worst,
               sampler.peak_live, sampler.peak_resident,
               (long long)atomic_load(&bench_live));
    }
    printf("\n");
    return 0;
}
