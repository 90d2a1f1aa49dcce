/* What came into a depot in no order; see depot.h. State: the depot's. */
#include "base/check.h"
#include "core/depot.h"
#include "core/meta.h"

#include <string.h>

enum {
    NEAR = 4096, /* bytes; pointers that follow each other farther apart are a jump, */
    JUMPS = 8,   /* and where one in so many is, they are not in order, */
    LINE = 64,   /* bytes; nor where, among those of the processor's cache, */
    LINES_MORE = 4,     /* this part more follow each other than there are */
    SORT_WINDOWS = 16,  /* more addresses than so many hold are left as they are, */
    SORT_MOST = 2 << 20 /* and more pointers */
};

/* Where the pointers of the newest magazines lie, how many are far from the next, and how
 * often the next one starts in another line. */
struct spread {
    uintptr_t low, high;
    size_t count, jumps, lines;
    bool counted; /* by the tally, all of them */
};

static struct spread spread_of(const struct magazine *m, uint32_t magazines)
{
    struct spread s = {UINTPTR_MAX, 0, 0, 0, 0, true};
    uintptr_t last = 0;
    for (; magazines-- > 0; m = m->next) {
        for (uint32_t i = m->count; i-- > 0;) {
            uintptr_t mem = (uintptr_t)magazine_at(m, i);
            s.low = min_size(s.low, mem);
            s.high = max_size(s.high, mem);
            s.jumps += mem - last + NEAR > 2 * NEAR;
            s.lines += mem / LINE != last / LINE;
            last = mem;
        }
        s.count += m->count;
        s.counted &= m->counted == m->count;
    }
    return s;
}

/* Whether neighbours do not follow each other, or lines would be come to more than once. */
static bool spread_is_wild(const struct spread *s)
{
    size_t lines = min_size(s->count, (s->high - s->low) / LINE + 1);
    return s->jumps >= s->count / JUMPS || s->lines > lines + lines / LINES_MORE;
}

static bool spread_can_be_sorted(const struct spread *s)
{
    return s->count <= SORT_MOST &&
           s->high - s->low < (size_t)SORT_WINDOWS * ORDER_BYTES &&
           s->low >> MAGAZINE_SPAN == s->high >> MAGAZINE_SPAN;
}

/* Magazines that are filled one after the other, each from its last slot on. */
struct sorted {
    struct magazine *spare; /* empty ones */
    struct magazine *to;
    struct magazine **link; /* where the next one goes */
    uint32_t room;          /* slots of `to` that are free, the first ones */
};

static void sorted_put(struct sorted *s, const void *mem)
{
    if (s->room == 0) {
        s->to = s->spare;
        s->spare = s->spare->next;
        *s->link = s->to;
        s->link = &s->to->next;
        s->to->count = s->room = MAGAZINE_SLOTS;
    }
    s->to->slot[--s->room] = magazine_low(mem);
}

static void sorted_end(struct sorted *s, struct magazine *older)
{
    struct magazine *m = s->to;
    m->count -= s->room;
    memmove(m->slot, m->slot + s->room, m->count * sizeof *m->slot);
    *s->link = older;
}

/* What a window holds leaves the magazines of a list for it; those that become empty are
 * spare. Returns the lowest address that stays, or UINTPTR_MAX. */
static uintptr_t sort_gather(struct magazine **list, struct order *o, struct sorted *s)
{
    struct magazine **to = list;
    uintptr_t low = UINTPTR_MAX;
    uint32_t n = 0;
    for (const struct magazine *m = *list; m != NULL; m = m->next) {
        for (uint32_t i = 0, count = m->count; i < count; i++) {
            void *mem = magazine_at(m, i);
            if (order_holds(o, mem)) {
                GUARD(order_add(o, mem), "double free: the block is listed twice", mem);
                continue;
            }
            if (n == MAGAZINE_SLOTS) {
                (*to)->count = n;
                to = &(*to)->next;
                n = 0;
            }
            low = min_size(low, (uintptr_t)mem);
            (*to)->slot[n++] = m->slot[i];
        }
    }
    if (n != 0) {
        (*to)->count = n;
        to = &(*to)->next;
    }
    for (struct magazine *m = *to, *next; m != NULL; m = next) {
        next = m->next;
        m->next = s->spare;
        s->spare = m;
    }
    *to = NULL;
    return low;
}

static void sort_put_all(struct order *o, struct sorted *s)
{
    void *mem[MAGAZINE_SLOTS];
    size_t count;
    while ((count = order_take(o, mem, MAGAZINE_SLOTS)) != 0)
        for (size_t i = 0; i < count; i++)
            sorted_put(s, mem[i]);
}

void depot_sort(struct depot *d, unsigned class, struct order *o)
{
    struct magazine *list = d->full[class], **end = &list;
    uint32_t magazines = d->fresh[class];
    struct spread s = spread_of(list, magazines);
    d->fresh[class] = 0;
    if (!spread_is_wild(&s) || !spread_can_be_sorted(&s))
        return;
    /* What stays and what is sorted end in a magazine that is not full, each. */
    struct sorted sorted = {meta_take(sizeof *list), NULL, &d->full[class], 0};
    if (sorted.spare == NULL)
        return;
    sorted.spare->class = (uint16_t) class;
    sorted.spare->high = list->high;
    for (; magazines-- > 0; end = &(*end)->next)
        if (!s.counted)
            depot_uncount(d, *end, 0);
    struct magazine *older = *end;
    *end = NULL;
    for (uintptr_t low = s.low; low != UINTPTR_MAX;) {
        order_begin(o, low);
        low = sort_gather(&list, o, &sorted);
        sort_put_all(o, &sorted);
    }
    sorted_end(&sorted, older);
    meta_give_list(sorted.spare, sizeof *sorted.spare);
    for (struct magazine *m = d->full[class]; m != older; m = m->next)
        m->counted = (uint16_t)(s.counted ? m->count : 0);
}
