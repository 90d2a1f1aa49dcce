/*
 * Sums and reports of the whole process; see stats.h. No state. Each arena is locked
 * while it is summed; nothing is printed under a lock.
 */
#include "front/stats.h"

#include "base/check.h"
#include "base/compiler.h"
#include "base/say.h"
#include "chunky.h"
#include "core/mapped.h"
#include "core/meta.h"
#include "core/take.h"
#include "front/cache.h"
#include "front/guard.h"
#include "front/options.h"
#include "front/quarantine.h"
#include "front/thread.h"
#include "os/os.h"

#include <errno.h>
#include <limits.h>

/* Links that agree lead back to the head, whoever wrote them. */
static size_t stats_ring(const struct chunk *head)
{
    size_t count = 0;
    const struct chunk *c = head;
    if (c == NULL)
        return 0;
    do {
        GUARD(c->fd->bk == c, "corrupted bin: fd and bk disagree", mem_of(c));
        count++;
        c = c->fd;
    } while (c != head);
    return count;
}

/* How many chunks are in the fast bins: no more than their bytes say. */
static size_t stats_fast(const struct arena *a)
{
    size_t count = 0, bytes = 0;
    for (size_t i = 0; i < FAST_COUNT; i++) {
        for (const struct chunk *c = a->fast[i]; c != NULL; c = c->fd) {
            bytes += i * CHUNK_ALIGN;
            GUARD(bytes <= a->fast_bytes,
                  "corrupted fast bin: more chunks than there are", mem_of(c));
            count++;
        }
    }
    return count;
}

/* Arena locked. */
static void stats_arena(struct stats *s, struct arena *a)
{
    s->heap += a->heap_bytes;
    s->heap_peak += a->heap_peak;
    s->top += top_size(a);
    if (a == &arena_main)
        s->main_top = top_size(a);
    s->binned += a->free_bytes;
    s->binned_count += stats_ring(a->unsorted);
    for (unsigned i = bin_next(&a->bins, 0); i < BIN_COUNT;
         i = bin_next(&a->bins, i + 1))
        s->binned_count += stats_ring(a->bins.head[i]);
    s->fast += a->fast_bytes;
    s->fast_count += stats_fast(a);
    s->depot +=
        a->depot.bytes + atomic_load_explicit(&a->remote.bytes, memory_order_relaxed);
    const uint64_t *from = (const uint64_t *)&a->counts;
    uint64_t *to = (uint64_t *)&s->counts;
    for (size_t i = 0; i < sizeof a->counts / sizeof *from; i++)
        to[i] += from[i];
}

/* Other threads push and pop meanwhile: their words are read one by one, and the sum is
 * right for threads at rest. */
RACE_IS_KNOWN static size_t stats_cache(const struct cache *k)
{
    size_t bytes = 0;
    for (unsigned i = 1; i < CLASS_COUNT; i++) {
        void **base = *(void **volatile *)&k->state[i].base;
        void **top = *(void **volatile *)&k->stack[i].top;
        size_t count = base == NULL ? 0 : (size_t)(top - base);
        if (count <= k->state[i].room)
            bytes += count * class_sizes[i];
    }
    return bytes;
}

void stats_sum(struct stats *s)
{
    *s = (struct stats){0};
    thread_start_process();
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        arena_lock(a);
        stats_arena(s, a);
        arena_unlock(a);
    }
    cache_list_lock();
    for (const struct cache *k = cache_list; k != NULL; k = k->next)
        s->cached += stats_cache(k) + quarantine_bytes(k);
    cache_list_unlock();
    lock_take(&mapped.lock);
    s->mapped = mapped.bytes;
    s->mapped_count = mapped.count;
    s->mapped_peak = mapped.peak_bytes;
    lock_give(&mapped.lock);
    /* Guarded blocks are mapped ones, as they say themselves. */
    size_t count, bytes;
    guard_sum(&count, &bytes);
    s->mapped += bytes;
    s->mapped_count += count;
    s->mapped_peak = max_size(s->mapped_peak, s->mapped);
}

size_t stats_free(const struct stats *s)
{
    size_t idle = s->top + s->binned + s->fast + s->depot + s->cached;
    return idle < s->heap ? idle : s->heap;
}

static int stats_int(size_t n)
{
    return n > INT_MAX ? INT_MAX : (int)n;
}

#ifdef CHUNKY_HAS_MALLINFO2
PUBLIC struct mallinfo2 chunky_mallinfo2(void)
{
    struct stats s;
    stats_sum(&s);
    return (struct mallinfo2){
        .arena = s.heap,
        .ordblks = s.binned_count + (s.top != 0),
        .smblks = s.fast_count,
        .hblks = s.mapped_count,
        .hblkhd = s.mapped,
        .usmblks = 0,
        .fsmblks = s.fast,
        .uordblks = s.heap - stats_free(&s),
        .fordblks = stats_free(&s),
        .keepcost = s.main_top,
    };
}
#endif

PUBLIC struct mallinfo chunky_mallinfo(void)
{
    struct stats s;
    stats_sum(&s);
    return (struct mallinfo){
        .arena = stats_int(s.heap),
        .ordblks = stats_int(s.binned_count + (s.top != 0)),
        .smblks = stats_int(s.fast_count),
        .hblks = stats_int(s.mapped_count),
        .hblkhd = stats_int(s.mapped),
        .fsmblks = stats_int(s.fast),
        .uordblks = stats_int(s.heap - stats_free(&s)),
        .fordblks = stats_int(stats_free(&s)),
        .keepcost = stats_int(s.main_top),
    };
}

void stats_print(int fd)
{
    struct stats s;
    stats_sum(&s);
    say(fd,
        "chunky: lock_visits=%lu contended=%lu fills=%lu flushes=%lu splits=%lu "
        "merges=%lu consolidations=%lu grows=%lu trims=%lu purges=%lu purged=%lu "
        "reused=%lu maps=%lu unmaps=%lu remaps=%lu heap=%zu free=%zu cached=%zu "
        "depot=%zu mapped=%zu meta=%zu arenas=%u\n",
        s.counts.visits, s.counts.contended, s.counts.fills, s.counts.flushes,
        s.counts.splits, s.counts.merges, s.counts.consolidations, s.counts.grows,
        s.counts.trims, s.counts.purges, s.counts.purged, s.counts.returned,
        mapped.maps, mapped.unmaps, mapped.remaps, s.heap, stats_free(&s), s.cached,
        s.depot, s.mapped, meta.mapped, arena_count());
}

PUBLIC void chunky_malloc_stats(void)
{
    struct stats s;
    stats_sum(&s);
    say(2,
        "Chunky: %u %s\n"
        "heaps        = %12zu\n"
        "  in use     = %12zu\n"
        "  cached     = %12zu\n"
        "  depots     = %12zu\n"
        "  fast bins  = %12zu\n"
        "  bins       = %12zu\n"
        "  top        = %12zu\n"
        "mapped       = %12zu in %zu blocks\n"
        "metadata     = %12zu\n",
        arena_count(), arena_count() == 1 ? "arena" : "arenas", s.heap,
        s.heap - stats_free(&s), s.cached, s.depot, s.fast, s.binned, s.top, s.mapped,
        s.mapped_count, meta.mapped);
}

PUBLIC int chunky_malloc_info(int flags, FILE *stream)
{
    if (flags != 0)
        return EINVAL;
    thread_start_process();
    fputs("<malloc version=\"1\">\n", stream);
    struct stats all;
    stats_sum(&all);
    for (struct arena *a = &arena_main; a != NULL; a = arena_next(a)) {
        struct stats s = {0};
        arena_lock(a);
        stats_arena(&s, a);
        arena_unlock(a);
        fprintf(
            stream,
            "<heap nr=\"%u\">\n<total type=\"fast\" count=\"%zu\" size=\"%zu\"/>\n"
            "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
            "<total type=\"depot\" size=\"%zu\"/>\n<total type=\"top\" size=\"%zu\"/>\n"
            "<system type=\"current\" size=\"%zu\"/>\n"
            "<system type=\"max\" size=\"%zu\"/>\n</heap>\n",
            a->index, s.fast_count, s.fast, s.binned_count, s.binned, s.depot, s.top,
            s.heap, s.heap_peak);
    }
    fprintf(stream,
            "<total type=\"fast\" count=\"%zu\" size=\"%zu\"/>\n"
            "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n"
            "<total type=\"cached\" size=\"%zu\"/>\n"
            "<total type=\"depot\" size=\"%zu\"/>\n"
            "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n"
            "<system type=\"current\" size=\"%zu\"/>\n"
            "<system type=\"max\" size=\"%zu\"/>\n"
            "<system type=\"metadata\" size=\"%zu\"/>\n"
            "<aspace type=\"total\" size=\"%zu\"/>\n"
            "<aspace type=\"mprotect\" size=\"%zu\"/>\n</malloc>\n",
            all.fast_count, all.fast, all.binned_count, all.binned, all.cached,
            all.depot, all.mapped_count, all.mapped, all.heap, all.heap_peak,
            meta.mapped, all.heap, all.heap);
    return 0;
}
