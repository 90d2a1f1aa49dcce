/* The sums of a heap for programs: JSON, the XML of malloc_info, OpenMetrics. No state. */
#include "session.h"
#include "settings.h"
#include "show.h"
#include "text.h"

#include <stdlib.h>

typedef unsigned long long ull;

static const char *const count_names[WALK_COUNTS] = {
    "lock_visits",    "lock_contended", "fills", "flushes", "splits", "merges",
    "consolidations", "grows",          "trims", "purges",  "purged", "reused"};

static const struct {
    enum layout_id id;
    const char *name;
} tune_names[] = {
    {TUNE_CACHE_BYTES, "cache"},
    {TUNE_CACHE_TOTAL, "cache_total"},
    {TUNE_DEPOT_BYTES, "depot"},
    {TUNE_FAST_MAX, "fast_max"},
    {TUNE_FAST_BYTES, "fast"},
    {TUNE_MMAP_THRESHOLD, "mmap_threshold"},
    {TUNE_MMAP_THRESHOLD_MAX, "mmap_threshold_max"},
    {TUNE_MMAP_MAX, "mmap_max"},
    {TUNE_TRIM_THRESHOLD, "trim_threshold"},
    {TUNE_TOP_PAD, "top_pad"},
    {TUNE_PURGE_BASE, "purge"},
    {TUNE_PURGE_PERCENT, "purge_percent"},
    {TUNE_PURGE_HOLD_MS, "purge_hold_ms"},
    {TUNE_ARENA_MAX, "arena_max"},
    {TUNE_ARENA_TEST, "arena_test"},
    {TUNE_CHECK, "check"},
    {TUNE_REQUEST, "request"},
    {TUNE_PERTURB, "perturb"},
    {TUNE_DYNAMIC, "dynamic"},
};

enum { TUNE_NAMES = sizeof tune_names / sizeof tune_names[0] };

/* The options by number: all of them, or without a control block what the heap shows. */
struct config {
    struct scan *scan;
    struct settings settings;
    unsigned count;
};

static void config_open(struct config *c, struct scan *s)
{
    c->scan = s;
    c->count = settings_read(&c->settings, s) ? c->settings.block.count : TUNE_NAMES;
}

static const char *config_name(const struct config *c, unsigned i)
{
    return c->settings.at != 0 ? c->settings.block.option[i].name : tune_names[i].name;
}

static uint64_t config_value(const struct config *c, unsigned i)
{
    if (c->settings.at != 0)
        return settings_value(&c->settings, c->scan, i);
    return walk_tune(c->scan->walk, c->scan->arenas[0].a.tune, tune_names[i].id);
}

/* --- JSON ------------------------------------------------------------------- */

/* What is resident has no key where it is not known. */
static void json_resident(FILE *out, const struct survey *v, const char *key,
                          uint64_t bytes)
{
    if (survey_knows_resident(v))
        fprintf(out, ",\"%s\":%llu", key, (ull)bytes);
}

static void json_kinds(FILE *out, const struct survey *v, const struct survey_arena *a)
{
    for (unsigned k = 0; k < KINDS; k++) {
        fprintf(out, "%s\"%s\":{\"count\":%llu,\"bytes\":%llu", k == 0 ? "{" : ",",
                kind_name((enum kind)k), (ull)a->kind[k].count, (ull)a->kind[k].size);
        json_resident(out, v, "resident", a->kind[k].resident);
        fputc('}', out);
    }
    fputc('}', out);
}

static void json_arena(FILE *out, const struct survey *v, size_t i)
{
    const struct scan_arena *s = &v->scan->arenas[i];
    const struct survey_arena *a = &v->arena[i];
    char name[TITLE_TEXT];
    heap_title(v->scan->walk, s->a.address, name);
    fprintf(out, "{\"index\":%u,\"name\":", s->a.index);
    if (name[0] != '\0')
        json_string(out, name);
    else
        fputs("null", out);
    fprintf(out,
            ",\"heap_bytes\":%llu,\"threads\":%u,"
            "\"requested\":%llu,\"usable\":%llu,\"largest_free\":%llu,\"torn\":%s,"
            "\"damaged\":%s",
            (ull)a->heap_bytes, s->a.threads, (ull)a->requested, (ull)a->usable,
            (ull)a->largest_free, s->is_torn ? "true" : "false",
            s->is_damaged ? "true" : "false");
    json_resident(out, v, "heap_resident", a->heap_resident);
    fprintf(out, ",\"counts\":{");
    for (unsigned c = 0; c < WALK_COUNTS; c++)
        fprintf(out, "%s\"%s\":%llu", c == 0 ? "" : ",", count_names[c],
                (ull)s->a.counts[c]);
    fprintf(out, "},\"states\":");
    json_kinds(out, v, a);
    fputc('}', out);
}

void stats_json(FILE *out, const struct survey *v)
{
    const struct scan *s = v->scan;
    struct walk *w = s->walk;
    const struct survey_arena *a = &v->all;
    struct config c;
    fprintf(out, "{\"schema\":\"chunky-stats/1\",\"source\":");
    json_string(out, s->source->title);
    fprintf(out, ",\"version\":\"%.15s\",\"build\":\"%.15s\",\"page\":%llu",
            w->root.version, w->root.build, (ull)w->page);
    fprintf(out,
            ",\"requested\":%llu,\"requested_is_recorded\":%s,\"usable\":%llu,"
            "\"metadata\":%llu,\"guarded_asked\":%llu,\"largest_free\":%llu,"
            "\"caches\":%zu",
            (ull)a->requested, a->recorded != 0 ? "true" : "false", (ull)a->usable,
            (ull)v->meta_size, (ull)v->guarded_asked, (ull)a->largest_free,
            s->cache_count);
    json_resident(out, v, "metadata_resident", v->meta_resident);
    json_resident(out, v, "heads_resident", a->head + v->lead_resident);
    json_resident(out, v, "spare_resident", v->spare_resident);
    fprintf(out, ",\"states\":");
    json_kinds(out, v, a);
    if (v->has_kernel)
        fprintf(out,
                ",\"kernel\":{\"resident\":%llu,\"foreign\":%llu,\"process\":%llu}",
                (ull)v->kernel_resident, (ull)v->foreign_resident,
                (ull)v->process_resident);
    fprintf(
        out,
        ",\"mapped\":{\"maps\":%llu,\"unmaps\":%llu,\"remaps\":%llu,\"reuses\":%llu,"
        "\"peak_count\":%llu,\"peak_bytes\":%llu},\"config\":{",
        (ull)s->mapped_all.maps, (ull)s->mapped_all.unmaps, (ull)s->mapped_all.remaps,
        (ull)s->mapped_all.reuses, (ull)s->mapped_all.peak_count,
        (ull)s->mapped_all.peak_bytes);
    config_open(&c, v->scan);
    for (unsigned i = 0; i < c.count; i++) {
        fputs(i == 0 ? "" : ",", out);
        json_string(out, config_name(&c, i));
        fprintf(out, ":%llu", (ull)config_value(&c, i));
    }
    fprintf(out, "},\"arenas\":[");
    for (size_t i = 0; i < s->arena_count; i++) {
        fputs(i == 0 ? "\n" : ",\n", out);
        json_arena(out, v, i);
    }
    fprintf(out, "]}\n");
}

/* --- XML, as malloc_info writes it ------------------------------------------ */

static void xml_total(FILE *out, const char *type, uint64_t count, uint64_t size)
{
    fprintf(out, "<total type=\"%s\" count=\"%llu\" size=\"%llu\"/>\n", type,
            (ull)count, (ull)size);
}

static uint64_t count_kinds(const struct survey_arena *a, enum kind from, enum kind to)
{
    uint64_t sum = 0;
    for (unsigned k = from; k <= to; k++)
        sum += a->kind[k].count;
    return sum;
}

static void xml_arena(FILE *out, const struct survey_arena *a)
{
    xml_total(out, "fast", a->kind[KIND_FAST].count, a->kind[KIND_FAST].size);
    xml_total(out, "rest", count_kinds(a, KIND_UNSORTED, KIND_LARGE),
              survey_size(a, KIND_UNSORTED, KIND_LARGE));
    xml_total(out, "cached", count_kinds(a, KIND_CACHED, KIND_MOVING),
              survey_size(a, KIND_CACHED, KIND_MOVING));
    xml_total(out, "top", a->kind[KIND_TOP].count, a->kind[KIND_TOP].size);
}

void stats_xml(FILE *out, const struct survey *v)
{
    const struct scan *s = v->scan;
    fprintf(out, "<?xml version=\"1.0\"?>\n<malloc version=\"1\">\n");
    for (size_t i = 0; i < s->arena_count; i++) {
        fprintf(out, "<heap nr=\"%u\">\n", s->arenas[i].a.index);
        xml_arena(out, &v->arena[i]);
        fprintf(out, "<system type=\"current\" size=\"%llu\"/>\n</heap>\n",
                (ull)v->arena[i].heap_bytes);
    }
    xml_arena(out, &v->all);
    xml_total(out, "mmap", v->all.kind[KIND_MAPPED].count,
              v->all.kind[KIND_MAPPED].size);
    if (v->all.kind[KIND_GUARDED].count != 0)
        xml_total(out, "guarded", v->all.kind[KIND_GUARDED].count,
                  v->all.kind[KIND_GUARDED].size);
    fprintf(out,
            "<system type=\"current\" size=\"%llu\"/>\n"
            "<system type=\"metadata\" size=\"%llu\"/>\n"
            "<aspace type=\"total\" size=\"%llu\"/>\n</malloc>\n",
            (ull)v->all.heap_bytes, (ull)v->meta_size, (ull)v->all.heap_bytes);
}

/* --- OpenMetrics ------------------------------------------------------------ */

static void metric_head(FILE *out, const char *name, const char *type, const char *unit,
                        const char *help)
{
    fprintf(out, "# TYPE chunky_%s %s\n", name, type);
    if (unit[0] != '\0')
        fprintf(out, "# UNIT chunky_%s %s\n", name, unit);
    fprintf(out, "# HELP chunky_%s %s\n", name, help);
}

struct metric {
    const char *name;
    const char *help;
    enum kind from, to;
    bool resident;
};

/* One gauge per arena, from a range of kinds. */
static void metric_gauge(FILE *out, const struct survey *v, const struct metric *m)
{
    metric_head(out, m->name, "gauge", "bytes", m->help);
    for (size_t i = 0; i < v->scan->arena_count; i++)
        fprintf(out, "chunky_%s{arena=\"%u\"} %llu\n", m->name,
                v->scan->arenas[i].a.index,
                (ull)(m->resident ? survey_resident(&v->arena[i], m->from, m->to)
                                  : survey_size(&v->arena[i], m->from, m->to)));
}

static void metric_free(FILE *out, const struct survey *v)
{
    static const struct {
        enum kind kind;
        const char *bin;
    } bins[] = {{KIND_FAST, "fast"},
                {KIND_UNSORTED, "unsorted"},
                {KIND_SMALL, "small"},
                {KIND_LARGE, "large"}};
    metric_head(out, "heap_free_bytes", "gauge", "bytes", "Free chunks in bins.");
    for (size_t i = 0; i < v->scan->arena_count; i++)
        for (unsigned b = 0; b < 4; b++)
            fprintf(out, "chunky_heap_free_bytes{arena=\"%u\",bin=\"%s\"} %llu\n",
                    v->scan->arenas[i].a.index, bins[b].bin,
                    (ull)v->arena[i].kind[bins[b].kind].size);
}

static void metric_value(FILE *out, const char *name, const char *help, uint64_t value)
{
    metric_head(out, name, "gauge", "bytes", help);
    fprintf(out, "chunky_%s %llu\n", name, (ull)value);
}

/* Not told where it is not known. */
static void metric_resident(FILE *out, const struct survey *v, const char *name,
                            uint64_t value)
{
    if (survey_knows_resident(v))
        metric_value(out, name, "Resident memory of these.", value);
}

static void metric_counter(FILE *out, const struct survey *v, const char *name,
                           const char *unit, const char *help, unsigned which)
{
    metric_head(out, name, "counter", unit, help);
    for (size_t i = 0; i < v->scan->arena_count; i++)
        fprintf(out, "chunky_%s_total{arena=\"%u\"} %llu\n", name,
                v->scan->arenas[i].a.index, (ull)v->scan->arenas[i].a.counts[which]);
}

void stats_openmetrics(FILE *out, const struct survey *v)
{
    static const struct metric gauges[] = {
        {"heap_chunk_bytes", "Chunks in use, headers included.", KIND_LIVE, KIND_LIVE,
         false},
        {"heap_cached_bytes", "Free chunks in caches and depots.", KIND_CACHED,
         KIND_MOVING, false},
        {"heap_top_bytes", "Unused space at the end of the heap.", KIND_TOP, KIND_TOP,
         false},
        {"heap_resident_bytes", "Resident memory of the heap.", KIND_LIVE, KIND_FENCE,
         true},
    };
    const struct survey_arena *a = &v->all;
    metric_head(out, "heap_requested_bytes", "gauge", "bytes",
                "Asked for by the program; usable bytes where that is not recorded.");
    for (size_t i = 0; i < v->scan->arena_count; i++)
        fprintf(out, "chunky_heap_requested_bytes{arena=\"%u\"} %llu\n",
                v->scan->arenas[i].a.index, (ull)v->arena[i].requested);
    metric_head(out, "heap_usable_bytes", "gauge", "bytes",
                "Usable bytes of chunks in use.");
    for (size_t i = 0; i < v->scan->arena_count; i++)
        fprintf(out, "chunky_heap_usable_bytes{arena=\"%u\"} %llu\n",
                v->scan->arenas[i].a.index, (ull)v->arena[i].usable);
    for (unsigned i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
        if (!gauges[i].resident || survey_knows_resident(v))
            metric_gauge(out, v, &gauges[i]);
    metric_free(out, v);
    metric_value(out, "mapped_bytes", "Blocks in mappings of their own.",
                 a->kind[KIND_MAPPED].size);
    metric_resident(out, v, "mapped_resident_bytes", a->kind[KIND_MAPPED].resident);
    metric_value(out, "guarded_bytes", "Pages of blocks between guard pages (check=3).",
                 a->kind[KIND_GUARDED].size);
    metric_resident(out, v, "guarded_resident_bytes",
                    a->kind[KIND_GUARDED].resident + a->kind[KIND_BARRED].resident);
    metric_value(out, "metadata_bytes", "Chunky's own structures.", v->meta_size);
    metric_value(out, "largest_free_bytes", "The largest free chunk in a bin.",
                 a->largest_free);
    metric_counter(out, v, "lock_visits", "", "Times an arena was locked.", 0);
    metric_counter(out, v, "lock_contended", "",
                   "Of these, times it was locked already.", 1);
    metric_counter(out, v, "heap_grows", "", "Times a heap grew.", 7);
    metric_counter(out, v, "trims", "", "Times the end of a heap was given back.", 8);
    metric_counter(out, v, "purged_bytes", "bytes", "Memory given back inside heaps.",
                   10);
    fprintf(out, "# EOF\n");
}

/* --- the configuration ------------------------------------------------------ */

void stats_config(FILE *out, const struct survey *v)
{
    struct config c;
    config_open(&c, v->scan);
    fprintf(out, "  configuration (CHUNKY_CONF)\n");
    for (unsigned i = 0; i < c.count; i++) {
        char *shown = text_printable(config_name(&c, i));
        fprintf(out, "    %-20s %llu\n", shown, (ull)config_value(&c, i));
        free(shown);
    }
}
