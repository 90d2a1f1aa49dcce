/*
 * What the tests look at: blocks of known sizes at printed addresses, in every state that
 * a chunk can have, and then whatever a line on standard input asks for:
 *   grow N SIZE  drop FIRST N  odd FIRST  shrink  overflow  spin SECONDS THREADS
 *   threads N  trim  quit STATUS
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SMALL = 2000, FEW = 40, MOST = 1 << 20 };

static void *kept[MOST];
static long count;
static volatile int stops;
static atomic_long resting; /* threads that do nothing any more */

static void *hold(size_t bytes)
{
    char *p = malloc(bytes);
    if (p == NULL)
        exit(3);
    memset(p, 'k', bytes);
    kept[count++] = p;
    return p;
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Takes and gives without end. */
static void *churn(void *argument)
{
    uint64_t state = (uint64_t)(uintptr_t)argument + 1;
    enum { HELD = 512 };
    void *held[HELD] = {NULL};
    while (!stops) {
        unsigned i = (unsigned)(next(&state) % HELD);
        size_t bytes =
            next(&state) % 64 == 0 ? next(&state) % 100000 : next(&state) % 2000;
        free(held[i]);
        held[i] = malloc(bytes + 1);
        memset(held[i], 'c', bytes + 1);
    }
    for (unsigned i = 0; i < HELD; i++)
        free(held[i]);
    return NULL;
}

static void spin(double seconds, long threads)
{
    pthread_t thread[64];
    stops = 0;
    for (long i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, churn, (void *)(uintptr_t)i);
    struct timespec t = {(time_t)seconds,
                         (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
    stops = 1;
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

static void *rest(void *argument)
{
    (void)argument;
    void *p[200];
    for (int i = 0; i < 200; i++)
        p[i] = malloc(300);
    for (int i = 0; i < 200; i += 2)
        free(p[i]);
    resting++;
    pause();
    return p[1];
}

static void start(long threads)
{
    pthread_t t;
    struct timespec moment = {0, 1000000};
    long before = resting;
    for (long i = 0; i < threads; i++)
        pthread_create(&t, NULL, rest, NULL);
    while (resting < before + threads)
        nanosleep(&moment, NULL);
}

static void setup(int small)
{
    static const size_t sizes[] = {10, 24, 100, 1000, 5000, 40000, 300000};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        printf("%s%zu=%p", i == 0 ? "" : " ", sizes[i], hold(sizes[i]));
    for (int i = 0; i < small; i++)
        hold((size_t)(20 + i * 37 % 3000));
    for (long i = 7; i < count; i += 2) {
        free(kept[i]);
        kept[i] = NULL;
    }
    printf("\n");
    fflush(stdout);
}

static void on_term(int signal)
{
    _exit(40 + signal);
}

int main(int argc, char **argv)
{
    char line[128];
    long a = 0, b = 0;
    double seconds;
    setvbuf(stdin, NULL, _IONBF, 0);
    setup(argc > 1 && strcmp(argv[1], "few") == 0 ? FEW : SMALL);
    if (argc > 1 && strcmp(argv[1], "catch") == 0)
        signal(SIGTERM, on_term);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "grow %ld %ld", &a, &b) == 2)
            while (a-- > 0)
                hold((size_t)b);
        else if (sscanf(line, "drop %ld %ld", &a, &b) == 2)
            for (; b > 0 && a < count; a++, b--, kept[a - 1] = NULL)
                free(kept[a]);
        else if (sscanf(line, "odd %ld", &a) == 1)
            for (; a < count; a += 2, kept[a - 2] = NULL)
                free(kept[a]);
        else if (strncmp(line, "shrink", 6) == 0)
            for (long i = 0; i < count; i++, kept[i - 1] = NULL)
                free(kept[i]);
        else if (strncmp(line, "overflow", 8) == 0)
            memset(kept[3], 'X', 1100); /* asked for 1000 */
        else if (sscanf(line, "spin %lf %ld", &seconds, &a) == 2)
            spin(seconds, a);
        else if (sscanf(line, "threads %ld", &a) == 1)
            start(a);
        else if (strncmp(line, "trim", 4) == 0)
            malloc_trim(0);
        else if (sscanf(line, "quit %ld", &a) == 1)
            return (int)a;
        printf("done\n");
        fflush(stdout);
    }
    return 0;
}
