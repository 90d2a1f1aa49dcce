/* Idle bytes by page; see tally.h. */
#include "core/tally.h"

#include "core/meta.h"
#include "os/os.h"

static size_t tally_bytes(const struct tally *t)
{
    return ((t->high - t->low) >> t->page_log2) * sizeof *t->idle;
}

bool tally_begin(struct tally *t, uintptr_t low, uintptr_t high)
{
    size_t page = os_page_size();
    tally_end(t);
    t->low = align_down(low, page);
    t->high = align_up(high, page);
    t->page_log2 = log2_floor(page);
    t->enough = (uint16_t)(page / CHUNK_ALIGN);
    t->idle = meta_take(tally_bytes(t));
    return t->idle != NULL;
}

void tally_end(struct tally *t)
{
    if (t->idle != NULL)
        meta_give(t->idle, tally_bytes(t));
    *t = (struct tally){.idle = NULL};
}

uintptr_t tally_last(const struct tally *t, size_t pages)
{
    size_t i = (t->high - t->low) >> t->page_log2;
    while (i != 0 && pages != 0)
        pages -= t->idle[--i] >= t->enough;
    return t->low + (i << t->page_log2);
}

void tally_forget(struct tally *t, uintptr_t from)
{
    size_t count = (t->high - t->low) >> t->page_log2, pages = 0;
    for (size_t i = (from - t->low) >> t->page_log2; i < count; i++) {
        if (t->idle[i] >= t->enough) {
            t->idle[i] = 0;
            pages++;
        }
    }
    t->pages -= min_size(t->pages, pages);
}
