/*
 * A thread's cache: per class a stack of pointers to idle chunks. No lock, no atomics:
 * only its thread touches it. Below the lowest slot of every stack stands a NULL, so
 * that popping an empty one yields NULL; a thread without a cache has the dummy, whose
 * stacks are empty and full at once. Notes: docs/notes/caches.md
 */
#ifndef CHUNKY_CORE_CACHE_H
#define CHUNKY_CORE_CACHE_H

#include "core/arena.h"
#include "core/class.h"

struct stack {
    void **top;   /* next free slot; top[-1] is the newest pointer, or NULL if empty */
    void **limit; /* end of the slots that may be used */
};

/* The cold half of a stack. */
struct stack_state {
    void **base;       /* lowest slot; NULL before the first fill */
    uint16_t slots;    /* room of the array, pointers */
    uint16_t batch;    /* pointers moved at a time */
    uint16_t active;   /* cache's tick at the last fill or flush */
    uint16_t unused;
};

struct cache {
    uint64_t address_key;             /* copies of heap_keys; 0 in the dummy */
    uint64_t word_key;
    struct stack stack[CLASS_COUNT];
    struct stack_state state[CLASS_COUNT];
    struct cache *next;               /* list of all caches, and its other direction */
    struct cache *prev;
    struct arena *arena;              /* refills come from here */
    struct magazine *spare;           /* empty magazines */
    uint32_t spares;                  /* how many */
    uint32_t thread;                  /* kernel's number of the thread */
    size_t capacity;                  /* bytes of chunks that all stacks may hold */
    uint32_t tick;                    /* fills and flushes so far */
    uint32_t sweep;                   /* class that is looked at next for shrinking */
};

/* The mem of a class that is cached, or NULL. The caller makes it live. */
static ALWAYS_INLINE void *cache_pop(struct cache *k, size_t twice_class)
{
    struct stack *s = (struct stack *)(void *)((char *)k->stack + 8 * twice_class);
    void *mem = s->top[-1];
    if (LIKELY(mem != NULL))
        s->top--;
    return mem;
}

#endif
