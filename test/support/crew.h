/*
 * Threads that a test starts and joins together.
 */
#ifndef TEST_SUPPORT_CREW_H
#define TEST_SUPPORT_CREW_H

#include <pthread.h>
#include <stdint.h>

#include "support/expect.h"

enum { CREW_MOST = 64 };

struct crew {
    pthread_t thread[CREW_MOST];
    size_t count;
};

/* Each thread gets its number, from 1, as its argument. */
static inline void crew_start(struct crew *crew, size_t count, void *(*work)(void *))
{
    crew->count = 0;
    while (crew->count < count && crew->count < CREW_MOST) {
        void *number = (void *)(uintptr_t)(crew->count + 1);
        REQUIRE(!pthread_create(&crew->thread[crew->count], NULL, work, number));
        crew->count++;
    }
}

static inline void crew_join(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        pthread_join(crew->thread[i], NULL);
    crew->count = 0;
}

#endif
