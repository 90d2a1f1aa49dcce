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
    void **base;      /* lowest slot; NULL before the first fill */
    uint16_t room;    /* of the array, pointers */
    uint16_t allowed; /* of these, how many may be used: limit - base */
    uint32_t active;  /* cache's tick at the last fill or flush */
};

enum { CACHE_FIRST_SAMPLE = 64 }; /* slow calls up to the first sample */

struct cache {
    struct stack nothing; /* of size 0, empty and full: zeroes may pass the check */
    struct stack stack[CLASS_COUNT];
    uint64_t address_key; /* copies of heap_keys; 0 in the dummy */
    uint64_t word_key;
    struct stack_state state[CLASS_COUNT];
    struct cache *next; /* list of all caches, and its other direction */
    struct cache *prev;
    struct arena *arena;    /* refills come from here */
    struct magazine *spare; /* empty magazines */
    uint32_t spares;        /* how many */
    uint32_t thread;        /* kernel's number of the thread */
    size_t capacity;        /* bytes of chunks that all stacks may hold */
    size_t budget;          /* most of that; looked at again now and then */
    size_t sent;            /* bytes of full classes that went home, */
    size_t bounced; /* and of these what came back: so much more it may hold; learnt */
    size_t peak;    /* of its heap, when idle classes last went home */
    size_t large_peak;            /* ... when idle classes of large chunks did */
    uint32_t tick;                /* fills and flushes so far */
    uint32_t peak_tick;           /* as many as there were at the one, */
    uint32_t large_tick;          /* and at the other */
    uint32_t busy;                /* how often the arena was locked lately, weighed */
    uint32_t sweep;               /* class that is looked at next for shrinking */
    _Atomic uint32_t sample;      /* slow calls up to the next sample of level 3 */
    uint8_t aligned[CLASS_COUNT]; /* log2 of what it missed last, and how often / 64 */
    uint64_t filled[CLASS_WORDS]; /* bit: of the class, that was a fill */
    uint16_t fills;               /* since the last flush, in about */
    uint16_t flushes;             /* since the last fill */
    uint16_t trend;               /* so many of a kind make a trend; learnt */
    bool trend_fills;             /* the last trend was of fills */
    struct quarantine *_Atomic quarantine; /* of level 2; NULL before the first block */
};

/* The stack of a class, by the doubled number that class_map holds. */
static ALWAYS_INLINE struct stack *stack_at(const struct cache *k, size_t twice)
{
    return (struct stack *)(void *)((char *)(uintptr_t)k->stack +
                                    twice * (sizeof(struct stack) / 2));
}

/* The stack of the class above that: for a request, class_map rounds down. */
static ALWAYS_INLINE struct stack *stack_above(const struct cache *k, size_t twice)
{
    return stack_at(k, twice) + 1;
}

/* The stack of an exact class: class k holds size 16 * (k + 1), and a stack takes 16
 * bytes. */
static ALWAYS_INLINE struct stack *stack_exact(const struct cache *k, size_t size)
{
    static_assert(sizeof(struct stack) == CHUNK_ALIGN || sizeof(void *) == 4, "stride");
    if (sizeof(struct stack) != CHUNK_ALIGN)
        size = size / CHUNK_ALIGN * sizeof(struct stack);
    return (struct stack *)(void *)((char *)(uintptr_t)k + size +
                                    offsetof(struct cache, stack) -
                                    sizeof(struct stack));
}

/* Newest idle block of a class, or NULL; that the class is used is noted, since nothing
 * of the large ones is ever fetched. Does not write to the dummy. */
static ALWAYS_INLINE void *cache_pop_large(struct cache *k, unsigned class)
{
    struct stack *s = &k->stack[class];
    void *mem = s->top[-1];
    if (mem == NULL)
        return NULL;
    s->top--;
    k->state[class].active = ++k->tick;
    return mem;
}

/* Newest idle block of the class below that of a request for a chunk of `size`, if it is
 * large enough: a block that was cut to fit is freed there. Its size decides, so its header
 * is verified. */
static ALWAYS_INLINE void *cache_pop_fitting(struct cache *k, unsigned class,
                                             size_t size)
{
    const void *mem = k->stack[class].top[-1];
    if (mem == NULL || chunk_size_if_out(&heap_keys, chunk_of(mem)) < size)
        return NULL;
    return cache_pop_large(k, class);
}

/* Keeps a live block as an idle one; false when the class is full, as in the dummy. A signal
 * finds only idle blocks in a stack. */
static ALWAYS_INLINE bool cache_push_large(struct cache *k, unsigned class, void *mem)
{
    struct stack *s = &k->stack[class];
    if (s->top == s->limit)
        return false;
    chunk_flip(chunk_of(mem));
    *s->top = mem;
    advance_slot(&s->top);
    return true;
}

/* All caches, newest first; guarded by a lock of rank THREADS. */
extern struct cache *cache_list;

#endif
