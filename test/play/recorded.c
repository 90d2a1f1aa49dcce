/* What trace.py records: known calls, from two threads, a forked child and after exec. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 100 };

static void *handed[BLOCKS];

/* Frees what the first thread made, and makes as many. */
static void *other(void *unused)
{
    (void)unused;
    for (int i = 0; i < BLOCKS; i++) {
        free(handed[i]);
        handed[i] = malloc((size_t)20000 + (size_t)i);
    }
    return NULL;
}

static void in_a_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        free(malloc(77777));
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *aligned = NULL;
    if (argc > 1 && strcmp(argv[1], "grows") == 0) {
        char *chain = NULL;
        for (size_t i = 1; i <= BLOCKS; i++)
            chain = realloc(chain, 40 * i);
        if (realloc(chain, SIZE_MAX / 2) != NULL)
            return 1;
        free(chain);
        return 0;
    }
    if (argc > 1) { /* once more, in the same process */
        free(malloc(66666));
        execl("/proc/self/exe", argv[0], (char *)NULL);
        return 1;
    }
    for (int i = 0; i < BLOCKS; i++)
        handed[i] = malloc((size_t)10000 + (size_t)i);
    pthread_create(&thread, NULL, other, NULL);
    pthread_join(thread, NULL);
    in_a_child();
    char *grows = calloc(3, 30001);
    grows = realloc(grows, 40001);
    grows = realloc(grows, 40002);
    if (posix_memalign(&aligned, 256, 50001) != 0)
        return 1;
    free(aligned);
    free(aligned_alloc(64, 50048));
    free(memalign(4096, 50002));
    free(reallocarray(NULL, 7, 8001));
    free(NULL);
    grows[0] = 'x';
    return 9;
}
