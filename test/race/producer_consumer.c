/* Do blocks that some threads make, in batches, and others check and free, stay whole? */
#include <pthread.h>

#include "support/crew.h"
#include "support/parcel.h"

enum { PRODUCERS = 3, CONSUMERS = 3, ROOM = 16, BATCH = 50, BATCHES = 12000 };

struct batch {
    struct parcel *parcels[BATCH];
};

static struct batch queue[ROOM];
static size_t waiting;
static size_t producers_left = PRODUCERS;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void queue_put(const struct batch *b)
{
    pthread_mutex_lock(&lock);
    while (waiting == ROOM)
        pthread_cond_wait(&changed, &lock);
    queue[waiting++] = *b;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* False when there is none left, and nobody who makes more. */
static bool queue_take(struct batch *b)
{
    pthread_mutex_lock(&lock);
    while (waiting == 0 && producers_left > 0)
        pthread_cond_wait(&changed, &lock);
    bool have = waiting > 0;
    if (have)
        *b = queue[--waiting];
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return have;
}

static void *produce(void *number)
{
    struct random r = {(uintptr_t)number};
    for (long i = scaled(BATCHES, 100); i > 0; i--) {
        struct batch b;
        for (int j = 0; j < BATCH; j++)
            b.parcels[j] = parcel_make(&r, i % 100 ? 10 : 17);
        queue_put(&b);
    }
    pthread_mutex_lock(&lock);
    producers_left--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *consume(void *unused)
{
    struct batch b;
    while (queue_take(&b))
        for (int j = 0; j < BATCH; j++)
            parcel_drop(b.parcels[j]);
    return unused;
}

int main(void)
{
    struct crew producers;
    struct crew consumers;
    crew_start(&producers, PRODUCERS, produce);
    crew_start(&consumers, CONSUMERS, consume);
    crew_join(&producers);
    crew_join(&consumers);
    return expect_done();
}
