/* Depot and remote list of an arena; see depot.h. */
#include "core/depot.h"

struct magazine *depot_take(struct depot *d, unsigned class)
{
    struct magazine *m = d->full[class];
    if (m != NULL) {
        d->full[class] = m->next;
        d->bytes -= magazine_bytes(m);
    }
    return m;
}

void depot_give(struct depot *d, struct magazine *m)
{
    m->next = d->full[m->class];
    d->full[m->class] = m;
    d->bytes += magazine_bytes(m);
}

struct magazine *depot_take_any(struct depot *d)
{
    if (d->bytes == 0)
        return NULL;
    for (unsigned i = 0; i < CLASS_COUNT; i++) {
        d->sweep = d->sweep + 1 < CLASS_COUNT ? d->sweep + 1 : 0;
        if (d->full[d->sweep] != NULL)
            return depot_take(d, d->sweep);
    }
    return NULL;
}

size_t remote_push(struct remote *r, struct magazine *m)
{
    size_t bytes = magazine_bytes(m);
    struct magazine *head = atomic_load_explicit(&r->list, memory_order_relaxed);
    do {
        m->next = head;
    } while (!atomic_compare_exchange_weak_explicit(
        &r->list, &head, m, memory_order_release, memory_order_relaxed));
    return atomic_fetch_add_explicit(&r->bytes, bytes, memory_order_relaxed) + bytes;
}

struct magazine *remote_take(struct remote *r)
{
    if (atomic_load_explicit(&r->list, memory_order_relaxed) == NULL)
        return NULL;
    struct magazine *list =
        atomic_exchange_explicit(&r->list, NULL, memory_order_acquire);
    size_t bytes = 0;
    for (struct magazine *m = list; m != NULL; m = m->next)
        bytes += magazine_bytes(m);
    atomic_fetch_sub_explicit(&r->bytes, bytes, memory_order_relaxed);
    return list;
}
