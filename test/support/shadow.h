/*
 * What a correct heap would hold: the live blocks, in order of address. Adding a block
 * that overlaps another one fails. Safe from any thread; does not allocate.
 */
#ifndef TEST_SUPPORT_SHADOW_H
#define TEST_SUPPORT_SHADOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHADOW_MOST = 4096 };

struct shadow {
    pthread_mutex_t lock;
    size_t count;
    struct {
        uintptr_t from;
        uintptr_t to;
    } block[SHADOW_MOST];
};

/* After the block was allocated. False if it overlaps a live one. */
bool shadow_add(struct shadow *s, const void *mem, size_t bytes);
/* Before the block is freed. False if there is no such block. */
bool shadow_remove(struct shadow *s, const void *mem);

#endif
