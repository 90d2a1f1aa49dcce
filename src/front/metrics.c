/* OpenMetrics to a file; see metrics.h. State: the path, and when it was last written.
 * Nothing here allocates. */
#include "front/metrics.h"

#include "base/bits.h"
#include "base/say.h"
#include "core/limit.h"
#include "core/mapped.h"
#include "core/meta.h"
#include "front/stats.h"
#include "os/os.h"

#include <string.h>

enum {
    METRICS_PATH = 512, /* longest path */
    METRICS_ROOM = 8192 /* for the text */
};

_Atomic size_t metrics_every;

static char metrics_path[METRICS_PATH];
static _Atomic uint64_t metrics_at; /* clock, ms, of the last writing */

void metrics_init(void)
{
    const char *path = os_environment("CHUNKY_METRICS");
    size_t length = path == NULL ? 0 : strlen(path);
    if (length == 0 || length >= METRICS_PATH) {
        metrics_every = 0;
        return;
    }
    memcpy(metrics_path, path, length + 1);
    metrics_at = os_clock_ms();
}

static void metrics_head(struct text *t, const char *name, const char *type,
                         const char *help)
{
    text_add(t, "# TYPE chunky_%s %s\n# HELP chunky_%s %s\n", name, type, name, help);
}

static void metrics_gauge(struct text *t, const char *name, const char *help,
                          size_t value)
{
    metrics_head(t, name, "gauge", help);
    text_add(t, "chunky_%s %zu\n", name, value);
}

static void metrics_counter(struct text *t, const char *name, const char *help,
                            uint64_t value)
{
    metrics_head(t, name, "counter", help);
    text_add(t, "chunky_%s_total %llu\n", name, (unsigned long long)value);
}

static void metrics_heaps(struct text *t, const struct stats *s)
{
    size_t held = s->heap + s->mapped;
    metrics_gauge(t, "heap_bytes", "Memory of heaps.", s->heap);
    metrics_gauge(t, "heap_used_bytes", "Of it, in use, headers included.",
                  s->heap - stats_free(s));
    metrics_gauge(t, "heap_cached_bytes", "Free, in caches and depots.",
                  s->cached + s->depot);
    metrics_gauge(t, "heap_binned_bytes", "Free, in bins.", s->binned + s->fast);
    metrics_gauge(t, "heap_top_bytes", "Unused, at the end of heaps.", s->top);
    metrics_gauge(t, "mapped_bytes", "Blocks in mappings of their own.", s->mapped);
    metrics_gauge(t, "mapped_blocks", "How many.", s->mapped_count);
    metrics_gauge(t, "metadata_bytes", "Chunky's own structures.", meta.mapped);
    metrics_gauge(t, "held_bytes", "Heaps and mapped blocks.", held);
}

static void metrics_limits(struct text *t)
{
    metrics_gauge(t, "limit_used_bytes", "Memory taken from the system.", limits.used);
    metrics_gauge(t, "limit_peak_bytes", "Most of it at a time.", limits.peak);
    metrics_gauge(t, "limit_soft_bytes", "Soft limit; 0: none.", limits.soft);
    metrics_gauge(t, "limit_hard_bytes", "Hard limit; 0: none.", limits.hard);
    metrics_counter(t, "limit_refused", "Requests refused by the hard limit.",
                    limits.refused);
    metrics_counter(t, "limit_relieved", "Times the soft limit gave back.",
                    limits.relieved);
}

static void metrics_counts(struct text *t, const struct arena_counts *c)
{
    metrics_counter(t, "lock_visits", "Times an arena was locked.", c->visits);
    metrics_counter(t, "lock_contended", "Of these, locked already.", c->contended);
    metrics_counter(t, "fills", "Batches given to caches.", c->fills);
    metrics_counter(t, "flushes", "Batches taken from caches.", c->flushes);
    metrics_counter(t, "heap_grows", "Times a heap grew.", c->grows);
    metrics_counter(t, "trims", "Times the end of a heap went back.", c->trims);
    metrics_counter(t, "purged_bytes", "Given back inside heaps.", c->purged);
    metrics_counter(t, "maps", "Mappings made for blocks.", mapped.maps);
    metrics_counter(t, "unmaps", "Mappings given back.", mapped.unmaps);
}

size_t metrics_write(void)
{
    if (metrics_path[0] == '\0')
        return 0; /* every process comes here at its end, also one in a narrow sandbox */
    char path[METRICS_PATH + 16] = "", fresh[sizeof path + sizeof ".new"] = "";
    struct text at = {path, sizeof path, 0}, beside = {fresh, sizeof fresh, 0};
    /* The process as it is now: the child of a fork has its own file. */
    if (!text_add_path(&at, metrics_path, os_process_id()))
        return 0;
    text_add(&beside, "%s.new", path);
    struct stats s;
    struct text t = {meta_take(METRICS_ROOM), METRICS_ROOM, 0};
    int fd = t.data == NULL ? -1 : os_create(fresh);
    if (fd >= 0) {
        stats_sum(&s);
        metrics_heaps(&t, &s);
        metrics_limits(&t);
        metrics_counts(&t, &s.counts);
        metrics_gauge(&t, "arenas", "Arenas that threads use.", arena_count());
        text_add(&t, "# EOF\n");
        say_bytes(fd, t.data, t.length);
        if (!os_publish(fd, fresh, path))
            t.length = 0;
    }
    if (t.data != NULL)
        meta_give(t.data, METRICS_ROOM);
    metrics_at = os_clock_ms();
    return t.length;
}

void metrics_poll(void)
{
    size_t every = metrics_every;
    if (every != 0 && os_clock_ms() - metrics_at >= every * 1000)
        metrics_write();
}
