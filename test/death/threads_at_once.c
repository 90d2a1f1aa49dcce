/* expect: double free | into free memory | into the middle sizes=tiny,small,large plain */
/* Eight threads make the same mistake at once: one report, whole. */
#include "death.h"

#include <pthread.h>

static pthread_barrier_t barrier;

static void *wrong(void *p)
{
    pthread_barrier_wait(&barrier);
    free(hide(p));
    return NULL;
}

void misuse(size_t bytes)
{
    pthread_t thread[8];
    char *p[8];
    pthread_barrier_init(&barrier, NULL, 8);
    for (int i = 0; i < 8; i++)
        p[i] = malloc(bytes);
    for (int i = 0; i < 8; i++)
        free(p[i]);
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, wrong, p[i]);
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
}
