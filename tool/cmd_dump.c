/*
 * chunky dump: a snapshot of the heap. Without --bytes it holds headers, links and
 * Chunky's own structures, and nothing that the program stored. State: the writer.
 */
#include "session.h"
#include "settings.h"
#include "show.h"
#include "signals.h"
#include "sites.h"
#include "audit/snapshot.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DUMP_LISTS = 1 << 22, REQUEST_TAIL = 9 };

struct dump {
    struct session *n;
    FILE *out;
    uint64_t offset;
    struct snapshot_page *index;
    size_t count;
    struct region *extent; /* of our structures */
    size_t extents;
    uint64_t page; /* that is being filled */
    bool has_page;
    unsigned char bytes[SNAPSHOT_PAGE];
};

static void dump_write(struct dump *d, const void *data, size_t size)
{
    fwrite(data, 1, size, d->out);
    d->offset += size;
}

/* Writes the page that was filled. */
static void dump_page_done(struct dump *d)
{
    uint64_t map[SNAPSHOT_MAP_WORDS] = {0};
    unsigned char packed[sizeof map + SNAPSHOT_PAGE];
    size_t size = sizeof map;
    if (!d->has_page)
        return;
    for (unsigned i = 0; i < SNAPSHOT_WORDS; i++) {
        uint64_t word;
        memcpy(&word, d->bytes + (size_t)8 * i, 8);
        if (word == 0)
            continue;
        map[i / 64] |= (uint64_t)1 << (i % 64);
        memcpy(packed + size, &word, 8);
        size += 8;
    }
    memcpy(packed, map, sizeof map);
    if ((d->count & (d->count - 1)) == 0)
        d->index = must(
            realloc(d->index, (d->count == 0 ? 1 : 2 * d->count) * sizeof *d->index));
    d->index[d->count++] =
        (struct snapshot_page){d->page, d->offset, (uint32_t)size,
                               (uint32_t)snapshot_check(d->page, packed, size)};
    dump_write(d, packed, size);
    d->has_page = false;
}

/* Copies memory into the snapshot; addresses rise within one region. */
static void dump_copy(struct dump *d, uint64_t address, uint64_t size)
{
    while (size != 0) {
        uint64_t page = align_down(address, SNAPSHOT_PAGE), into = address - page;
        size_t part = min_size(SNAPSHOT_PAGE - (size_t)into, (size_t)size);
        if (!d->has_page || d->page != page) {
            dump_page_done(d);
            memset(d->bytes, 0, sizeof d->bytes);
            d->page = page;
        }
        d->has_page =
            reader_get(&d->n->source.reader, address, d->bytes + into, part) ||
            d->has_page;
        address += part;
        size -= part;
    }
}

/* --- our structures --------------------------------------------------------- */

static void dump_add(struct dump *d, uint64_t address, uint64_t size)
{
    if (address == 0 || size == 0)
        return;
    if ((d->extents & (d->extents - 1)) == 0)
        d->extent = must(realloc(d->extent, (d->extents == 0 ? 1 : 2 * d->extents) *
                                                sizeof *d->extent));
    d->extent[d->extents++] = (struct region){address, address + size};
}

static uint64_t dump_size_of(const struct dump *d, enum layout_id whole)
{
    return d->n->scan.walk->field[whole].size;
}

static void dump_magazines(struct dump *d, uint64_t first)
{
    struct walk_magazine m;
    uint64_t at = first;
    for (unsigned i = 0; at != 0 && i < DUMP_LISTS; i++, at = m.next) {
        dump_add(d, at, dump_size_of(d, MAGAZINE_SIZE));
        if (!walk_read_magazine(d->n->scan.walk, at, &m))
            return;
    }
}

static void dump_caches(struct dump *d)
{
    struct walk *w = d->n->scan.walk;
    struct walk_cache k;
    uint64_t at = walk_first_cache(w);
    for (unsigned i = 0; at != 0 && i < DUMP_LISTS && walk_read_cache(w, at, &k); i++) {
        dump_add(d, at, dump_size_of(d, CACHE_SIZE));
        dump_add(d, k.quarantine, dump_size_of(d, QUARANTINE_SIZE));
        for (unsigned class = 1; class < w->root.class_count; class ++) {
            struct walk_stack s;
            if (walk_read_stack(w, at, class, &s) && s.base != 0)
                dump_add(d, s.base - 8, 8 * ((uint64_t)s.room + 1));
        }
        at = k.next;
    }
}

static void dump_arenas(struct dump *d)
{
    struct scan *s = &d->n->scan;
    for (size_t i = 0; i < s->arena_count; i++) {
        const struct walk_arena *a = &s->arenas[i].a;
        dump_add(d, a->address, dump_size_of(d, ARENA_SIZE));
        dump_add(d, a->tune, dump_size_of(d, TUNE_SIZE));
        for (unsigned class = 0; class < s->walk->root.class_count; class ++)
            dump_magazines(d,
                           walk_element(s->walk, a->address, ARENA_DEPOT_FULL, class));
        dump_magazines(d, a->remote_list);
    }
    for (size_t i = 0; i < s->heap_count; i++)
        if (!scan_heap_is_spanned(&s->heaps[i]))
            dump_add(d, s->heaps[i].h.address, dump_size_of(d, HEAP_STRUCT_SIZE));
}

static void dump_mapped_records(struct dump *d)
{
    struct scan *s = &d->n->scan;
    const struct walk_mapped_all *all = &s->mapped_all;
    dump_add(d, (uintptr_t)s->walk->root.mapped, dump_size_of(d, MAPPED_ALL_SIZE));
    if (all->slot_free <= all->slot_count && all->slot_count < DUMP_LISTS)
        dump_add(d, all->slots, 8 * all->slot_free);
    for (size_t i = 0; i < s->mapped_count; i++)
        dump_add(d, s->mapped[i].m.address, dump_size_of(d, MAPPED_SIZE));
}

static void dump_words(struct dump *d, enum layout_id from, enum layout_id to)
{
    const struct layout_field *field = d->n->scan.walk->field;
    for (unsigned id = from; id <= (unsigned)to; id++)
        dump_add(d, d->n->source.root + (uint64_t)(int32_t)field[id].offset,
                 field[id].size);
}

/* The records of guarded blocks: where they lie, and their stacks. */
static void dump_guards(struct dump *d)
{
    uint64_t first, count;
    if (!sites_table(&d->n->scan, &first, &count))
        return;
    dump_words(d, GUARDS_SLOTS_AT, GUARDS_USED_AT);
    dump_words(d, GUARDS_START_AT, GUARDS_ROOM_AT);
    dump_add(d, first, (count + 1) * dump_size_of(d, GUARD_RECORD_SIZE));
}

/* The options, with their values. */
static void dump_settings(struct dump *d)
{
    struct settings t;
    if (!settings_read(&t, &d->n->scan))
        return;
    dump_add(d, t.at, sizeof t.block);
    for (unsigned i = 0; i < t.block.count; i++)
        dump_add(d, (uintptr_t)t.block.option[i].where, t.block.option[i].width);
}

static void dump_structures(struct dump *d)
{
    struct scan *s = &d->n->scan;
    const struct root *r = &s->walk->root;
    dump_add(d, d->n->source.root, r->size);
    dump_add(d, (uintptr_t)r->fields,
             (uint64_t)r->field_count * sizeof(struct layout_field));
    dump_add(d, (uintptr_t)r->keys, sizeof(struct chunk_keys));
    dump_add(d, (uintptr_t)r->class_sizes, (uint64_t)r->class_count * r->class_width);
    dump_add(d, (uintptr_t)r->meta, dump_size_of(d, META_SIZE));
    dump_add(d, (uintptr_t)r->cache_list, 8);
    dump_add(d, (uintptr_t)r->spare, dump_size_of(d, SPARE_SIZE));
    for (size_t i = 0; i < s->spare_count; i++)
        dump_add(d, s->spare[i].start, dump_size_of(d, HEAP_STRUCT_SIZE));
    for (size_t i = 0; i < s->meta_count; i++)
        dump_add(d, s->meta[i].start, dump_size_of(d, REGION_SIZE));
    dump_arenas(d);
    dump_caches(d);
    dump_mapped_records(d);
    dump_guards(d);
    dump_settings(d);
}

static int dump_by_start(const void *x, const void *y)
{
    const struct region *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* --- chunks ----------------------------------------------------------------- */

/* Header, links and recorded slack; what the program stored stays out. */
static bool dump_block(void *context, const struct block *b)
{
    struct dump *d = context;
    uint64_t mem = b->address + CHUNK_HEADER;
    bool has_prev_size = b->kind == KIND_MAPPED || b->kind == KIND_GUARDED ||
                         b->kind == KIND_BROKEN || (b->flags & PREV_INUSE) == 0;
    if (b->kind == KIND_KEPT || b->kind == KIND_BARRED)
        return true;
    dump_copy(d, b->address + (has_prev_size ? 0 : 8), has_prev_size ? 16 : 8);
    if (b->kind == KIND_FAST)
        dump_copy(d, mem, 8);
    else if (b->kind == KIND_UNSORTED || b->kind == KIND_SMALL || b->kind == KIND_LARGE)
        dump_copy(d, mem,
                  b->size >= TAIL_MIN    ? sizeof(struct chunk) - CHUNK_HEADER
                  : b->size >= LARGE_MIN ? 32
                                         : 16);
    else if ((b->kind == KIND_LIVE || b->kind == KIND_MAPPED) &&
             (b->flags & HAS_REQUEST) != 0 && b->size >= CHUNK_MIN) {
        uint64_t end =
            b->address + b->size + (b->kind == KIND_LIVE ? CHUNK_OVERHEAD : 0);
        dump_copy(d, end - REQUEST_TAIL, REQUEST_TAIL);
    }
    return ferror(d->out) == 0;
}

/* Whole pages, those that are there. */
static void dump_pages(struct dump *d, uint64_t from, uint64_t to)
{
    for (uint64_t at = align_down(from, SNAPSHOT_PAGE); at < to; at += SNAPSHOT_PAGE)
        if (scan_resident(&d->n->scan, at, at + SNAPSHOT_PAGE) != 0)
            dump_copy(d, at, SNAPSHOT_PAGE);
    dump_page_done(d);
}

static void dump_memory(struct dump *d)
{
    struct scan *s = &d->n->scan;
    bool bytes = d->n->options->bytes;
    uint64_t done = 0; /* some are named twice */
    qsort(d->extent, d->extents, sizeof *d->extent, dump_by_start);
    for (size_t i = 0; i < d->extents; i++) {
        uint64_t from = d->extent[i].start > done ? d->extent[i].start : done;
        if (d->extent[i].end <= from)
            continue;
        done = d->extent[i].end;
        dump_copy(d, from, done - from);
    }
    dump_page_done(d);
    for (size_t i = 0; i < s->heap_count; i++) {
        struct scan_heap *h = &s->heaps[i];
        if (bytes) {
            dump_pages(d, h->h.start, h->h.end);
            continue;
        }
        if (scan_heap_is_spanned(h))
            dump_copy(d, h->h.address, dump_size_of(d, HEAP_STRUCT_SIZE));
        scan_heap(s, h, dump_block, d);
        dump_page_done(d);
    }
    if (bytes) {
        for (size_t i = 0; i < s->mapped_count; i++)
            dump_pages(d, s->mapped[i].m.start,
                       s->mapped[i].m.start + s->mapped[i].m.length);
        for (size_t i = 0; i < s->guard_count; i++)
            if (s->guards[i].is_live)
                dump_pages(d, s->guards[i].from, s->guards[i].to);
    } else {
        scan_mappings(s, dump_block, d);
        dump_page_done(d);
        scan_guards(s, dump_block, d);
        dump_page_done(d);
    }
}

/* --- the rest of the file --------------------------------------------------- */

static void dump_align(struct dump *d)
{
    static const char zeroes[8];
    dump_write(d, zeroes, (size_t)(-d->offset % 8));
}

/* Text that is both written and summed. */
static void dump_text(struct dump *d, struct snapshot_header *h)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = must(open_memstream(&text, &size));
    const struct source *s = &d->n->source;
    fprintf(memory, "%s\n", s->title);
    for (size_t i = 0; i < s->map_count; i++) {
        const struct map *m = &s->maps[i];
        char *shown = text_printable(m->name); /* no name breaks the line */
        fprintf(memory, "%llx-%llx %u %llx %s\n", (unsigned long long)m->start,
                (unsigned long long)m->end, m->access, (unsigned long long)m->offset,
                shown);
        free(shown);
    }
    fclose(memory);
    h->text = d->offset;
    h->text_size = size;
    h->check = snapshot_check(0, text, size);
    dump_write(d, text, size);
    free(text);
    dump_align(d);
}

static void dump_run(struct dump *d, struct snapshot_header *h, const uint64_t run[2])
{
    if (run[0] == run[1])
        return;
    h->check = snapshot_check(h->check, run, 2 * sizeof run[0]);
    dump_write(d, run, 2 * sizeof run[0]);
    h->resident_count++;
}

/* Runs of resident pages in [from, to). */
static void dump_resident_runs(struct dump *d, struct snapshot_header *h, uint64_t from,
                               uint64_t to)
{
    struct source *s = &d->n->source;
    uint64_t run[2] = {0, 0};
    bool here;
    to = align_up(to, s->walk.page);
    for (uint64_t at = align_down(from, s->walk.page), end; at < to; at = end) {
        end = s->run(s, at, &here);
        end = end < to ? end : to;
        if (here && run[1] == at) {
            run[1] = end;
        } else if (here) {
            dump_run(d, h, run);
            run[0] = at;
            run[1] = end;
        }
    }
    dump_run(d, h, run);
}

static void dump_resident(struct dump *d, struct snapshot_header *h)
{
    size_t count;
    struct region *ours = survey_ours(&d->n->scan, &count);
    h->resident = d->offset;
    uint64_t done = 0;
    for (size_t i = 0; i < count && d->n->source.run != NULL; i++) {
        uint64_t from = ours[i].start > done ? ours[i].start : done;
        if (ours[i].end > from)
            dump_resident_runs(d, h, from, ours[i].end);
        done = ours[i].end > done ? ours[i].end : done;
    }
    free(ours);
}

static int dump_by_address(const void *x, const void *y)
{
    const struct snapshot_page *a = x, *b = y;
    return a->address < b->address ? -1 : a->address > b->address;
}

static void dump_file(struct dump *d)
{
    struct snapshot_header h = {.version = SNAPSHOT_VERSION,
                                .root = d->n->source.root,
                                .pid = (uint64_t)d->n->source.pid,
                                .seconds = d->n->source.taken,
                                .flags = d->n->options->bytes ? SNAPSHOT_HAS_BYTES : 0};
    if (h.seconds == 0)
        h.seconds = (uint64_t)time(NULL);
    memcpy(h.magic, SNAPSHOT_MAGIC, sizeof h.magic);
    dump_write(d, &h, sizeof h); /* its place; the real one follows */
    dump_structures(d);
    dump_memory(d);
    dump_align(d);
    dump_text(d, &h);
    dump_resident(d, &h);
    if (d->count != 0)
        qsort(d->index, d->count, sizeof *d->index, dump_by_address);
    h.index = d->offset;
    h.index_count = d->count;
    h.check = snapshot_check(h.check, d->index, d->count * sizeof *d->index);
    dump_write(d, d->index, d->count * sizeof *d->index);
    h.length = d->offset;
    h.header_check =
        snapshot_check(0, &h, offsetof(struct snapshot_header, header_check));
    if (fseek(d->out, 0, SEEK_SET) == 0)
        fwrite(&h, 1, sizeof h, d->out);
}

/* Half a snapshot is of no use; a device is not ours to remove. */
static void dump_remove(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        unlink(path);
}

/* Through a file, as the first bytes are known last. */
static enum status dump_through(struct session *n)
{
    char part[1 << 16];
    size_t got;
    struct dump d = {.n = n, .out = tmpfile()};
    if (d.out == NULL)
        return complain(STATUS_UNREADABLE, "a temporary file: %s", strerror(errno));
    dump_file(&d);
    bool good = fflush(d.out) == 0 && ferror(d.out) == 0;
    int why = errno;
    rewind(d.out);
    while (good && !source_is_gone(&n->source) &&
           (got = fread(part, 1, sizeof part, d.out)) != 0)
        if (fwrite(part, 1, got, stdout) != got)
            break; /* who closes the session tells */
    if (good && ferror(d.out) != 0) {
        good = false;
        why = errno;
    }
    fclose(d.out);
    free(d.index);
    free(d.extent);
    return good ? STATUS_OK
                : complain(STATUS_UNREADABLE, "a temporary file: %s", strerror(why));
}

enum status dump_session(struct session *n, const char *path, FILE *told)
{
    enum status status = STATUS_OK;
    char size[SIZE_TEXT], *shown = text_printable(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                  n->options->bytes ? 0600 : 0666);
    struct dump d = {.n = n, .out = fd < 0 ? NULL : fdopen(fd, "w")};
    if (d.out == NULL) {
        status = complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(errno));
    } else {
        signals_unfinished(path);
        dump_file(&d);
        bool good = ferror(d.out) == 0;
        if (fclose(d.out) != 0 || !good) {
            status = complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(errno));
            dump_remove(path);
        } else if (source_is_gone(&n->source)) {
            dump_remove(path); /* who closes the session tells */
        } else if (told != NULL) {
            fprintf(told, "%s: %s, %s\n", shown, n->source.title,
                    text_size(size, d.offset));
        }
        signals_finished();
    }
    free(shown);
    free(d.index);
    free(d.extent);
    return status;
}

enum status cmd_dump(struct options *o)
{
    struct session n;
    const char *output = o->output;
    if (output == NULL)
        return complain(STATUS_USAGE, "where to? chunky dump SOURCE -o FILE");
    if (!session_spares(o, o->source))
        return STATUS_USAGE;
    if (session_is_stdout(output) && isatty(STDOUT_FILENO))
        return complain(STATUS_USAGE, "a snapshot is nothing for a terminal");
    o->output = NULL;
    o->stop = true;
    enum status status = session_open(&n, o);
    if (status != STATUS_OK)
        return status;
    status = session_is_stdout(output)
                 ? dump_through(&n)
                 : dump_session(&n, output, session_is_heard() ? n.out : NULL);
    return session_close(&n, status);
}
