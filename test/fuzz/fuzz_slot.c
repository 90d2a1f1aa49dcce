/*
 * Slots, and the shadow of what a correct heap holds; see fuzz_slot.h.
 */
#include "fuzz/fuzz_slot.h"

#include <pthread.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/shadow.h"

static struct shadow shadow = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    pthread_mutex_t lock;
    struct slot slot;
} shared[SHARED];

struct chunky_heap *common[COMMON];

void demand(bool ok, const char *what, const struct slot *s)
{
    if (ok)
        return;
    fprintf(stderr, "fuzz: %s: block %p, %zu bytes, align %zu\n", what, (void *)s->mem,
            s->bytes, s->align);
    abort();
}

void demand_refusal(const struct slot *s)
{
    demand(errno == ENOMEM, "failed without ENOMEM", s);
    demand(memory_may_run_out() || (s->heap && s->heap == common[1]), "out of memory",
           s);
}

void slot_enter(struct worker *w, struct slot *s, void *mem, size_t bytes, size_t align,
                struct chunky_heap *heap)
{
    struct slot entered = {mem, bytes, align, w->seed++, heap};
    if (!mem) {
        demand_refusal(&entered);
        return;
    }
    demand(chunky_heap_of(mem) == heap, "heap", &entered);
    demand(is_aligned(mem, align) && is_aligned(mem, LEAST_ALIGN), "alignment",
           &entered);
    demand(malloc_usable_size(mem) >= bytes, "usable size", &entered);
    demand(shadow_add(&shadow, mem, malloc_usable_size(mem)), "overlap", &entered);
    pattern_fill_sparse(mem, bytes, entered.seed);
    w->live += bytes;
    *s = entered;
}

struct slot slot_leave(struct worker *w, struct slot *s)
{
    struct slot left = *s;
    if (left.mem) {
        demand(pattern_holds_sparse(left.mem, left.bytes, left.seed), "contents",
               &left);
        demand(shadow_remove(&shadow, left.mem), "not in the shadow", &left);
        w->live -= left.bytes;
    }
    *s = (struct slot){NULL, 0, 0, 0, NULL};
    return left;
}

void slot_return(struct worker *w, struct slot *s, struct slot left)
{
    demand(shadow_add(&shadow, left.mem, malloc_usable_size(left.mem)), "overlap",
           &left);
    w->live += left.bytes;
    *s = left;
}

void slot_free(struct worker *w, struct slot *s, unsigned way)
{
    struct slot left = slot_leave(w, s);
    int kept = errno = (int)(w->seed & 127);
    if (left.heap && way & 8)
        chunky_heap_free(left.heap, left.mem);
    else if (way % 4 == 1 && left.align <= LEAST_ALIGN)
        free_sized(left.mem, left.bytes);
    else if (way % 4 == 2 && left.mem && left.align > LEAST_ALIGN)
        free_aligned_sized(left.mem, left.align, left.bytes);
    else if (way % 4 == 3 && left.mem)
        demand(realloc(left.mem, 0) == NULL, "realloc to 0 returned a block", &left);
    else
        free(left.mem);
    demand(errno == kept, "free changed errno", &left);
}

void slot_swap(struct worker *w, struct slot *s, size_t with)
{
    if (s->heap && s->heap == w->own)
        return;
    pthread_mutex_lock(&shared[with].lock);
    struct slot mine = *s;
    *s = shared[with].slot;
    shared[with].slot = mine;
    pthread_mutex_unlock(&shared[with].lock);
    w->live += s->bytes - mine.bytes;
}

void slots_free_shared(struct worker *w)
{
    for (unsigned i = 0; i < SHARED; i++)
        slot_free(w, &shared[i].slot, i);
}

size_t slots_live(void)
{
    return shadow.count;
}

void slots_hold(void)
{
    for (unsigned i = 0; i < SHARED; i++)
        pthread_mutex_lock(&shared[i].lock);
    pthread_mutex_lock(&shadow.lock);
}

void slots_release(void)
{
    pthread_mutex_unlock(&shadow.lock);
    for (unsigned i = 0; i < SHARED; i++)
        pthread_mutex_unlock(&shared[i].lock);
}
