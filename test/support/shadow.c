/*
 * The live blocks of a correct heap; see shadow.h.
 */
#include "support/shadow.h"

#include <string.h>

/* Index of the first block that ends after `address`. */
static size_t shadow_find(const struct shadow *s, uintptr_t address)
{
    size_t low = 0;
    size_t high = s->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->block[middle].to <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool shadow_insert(struct shadow *s, uintptr_t from, uintptr_t to)
{
    size_t at = shadow_find(s, from);
    if (s->count == SHADOW_MOST || (at < s->count && s->block[at].from < to))
        return false;
    memmove(&s->block[at + 1], &s->block[at], (s->count - at) * sizeof *s->block);
    s->block[at].from = from;
    s->block[at].to = to;
    s->count++;
    return true;
}

bool shadow_add(struct shadow *s, const void *mem, size_t bytes)
{
    uintptr_t from = (uintptr_t)mem;
    pthread_mutex_lock(&s->lock);
    bool added = shadow_insert(s, from, from + (bytes ? bytes : 1));
    pthread_mutex_unlock(&s->lock);
    return added;
}

bool shadow_remove(struct shadow *s, const void *mem)
{
    uintptr_t from = (uintptr_t)mem;
    pthread_mutex_lock(&s->lock);
    size_t at = shadow_find(s, from);
    bool found = at < s->count && s->block[at].from == from;
    if (found) {
        s->count--;
        memmove(&s->block[at], &s->block[at + 1], (s->count - at) * sizeof *s->block);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}
