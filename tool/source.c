/* Opening any SOURCE, and finding the heap in it; see source.h. */
#include "source.h"

#include "audit/snapshot.h"
#include "run.h"
#include "text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCAN_STEP = 1 << 16 };

void *must(void *memory)
{
    if (memory == NULL) {
        fputs("chunky: out of memory\n", stderr);
        exit(STATUS_UNREADABLE);
    }
    return memory;
}

void *take(size_t bytes)
{
    return must(calloc(1, bytes == 0 ? 1 : bytes));
}

enum status complain(enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("chunky: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

/* --- windows ---------------------------------------------------------------- */

bool window_open(struct reader *r, size_t room)
{
    ((struct source *)(void *)r)->window_room = room;
    r->window = (uintptr_t)must(aligned_alloc(4096, room));
    r->fill = window_fill;
    window_forget(r);
    return true;
}

void window_forget(struct reader *r)
{
    r->start = 0;
    r->length = 0;
}

bool window_fill(struct reader *r, uint64_t address, size_t size)
{
    uint64_t start = address & ~(uint64_t)4095;
    size_t room = ((struct source *)(void *)r)->window_room;
    if (size > room - 4096)
        return false;
    r->length = 0;
    size_t got = r->read(r, start, (void *)r->window, room);
    r->start = start;
    r->length = got;
    return reader_has(r, address, size);
}

/* --- the root --------------------------------------------------------------- */

const struct map *source_map_of(const struct source *s, uint64_t address)
{
    size_t low = 0, high = s->map_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (address < s->maps[middle].start)
            high = middle;
        else if (address >= s->maps[middle].end)
            low = middle + 1;
        else
            return &s->maps[middle];
    }
    return NULL;
}

uint64_t source_resident(struct source *s, uint64_t from, uint64_t to)
{
    uint64_t bytes = 0;
    bool resident;
    while (s->run != NULL && from < to) {
        uint64_t end = s->run(s, from, &resident);
        end = end > from && end < to ? end : to;
        bytes += resident ? end - from : 0;
        from = end;
    }
    return bytes / (s->walk.page != 0 ? s->walk.page : 4096);
}

static bool source_covers(const struct source *s, uint64_t from, uint64_t to)
{
    const struct map *m = source_map_of(s, from);
    while (m != NULL && m->end < to)
        m = m + 1 < s->maps + s->map_count && m[1].start == m->end ? m + 1 : NULL;
    return m != NULL;
}

bool source_maps(struct source *s, uint64_t from, uint64_t to)
{
    return source_covers(s, from, to) ||
           (s->remap != NULL && s->remap(s) && source_covers(s, from, to));
}

void source_add_map(struct source *s, const struct map *m)
{
    size_t count = s->map_count;
    if ((count & (count - 1)) == 0)
        s->maps = must(realloc(s->maps, (count == 0 ? 1 : 2 * count) * sizeof *m));
    s->maps[count] = *m;
    s->maps[count].name = must(strdup(m->name));
    s->map_count++;
}

void source_drop_maps(struct source *s)
{
    for (size_t i = 0; i < s->map_count; i++)
        free((void *)(uintptr_t)s->maps[i].name);
    free(s->maps);
    s->maps = NULL;
    s->map_count = 0;
}

/* The best root so far. A program may bring its own Chunky and have loaded another one,
 * which keeps still: the one that holds something is meant. */
struct found {
    enum walk_result result;
    bool holds;
};

static bool found_all(const struct found *best)
{
    return best->result == WALK_OK && best->holds;
}

static bool source_holds(struct walk *w)
{
    struct walk_arena a;
    struct walk_mapped_all m;
    return (walk_read_arena(w, (uintptr_t)w->root.arena_main, &a) &&
            (a.heaps != 0 || a.next != 0)) ||
           (walk_read_mapped_all(w, &m) && m.live != 0);
}

/* How the walk at `root` opens; remembers it if it does better than what was found. */
static void source_try_root(struct source *s, uint64_t root, struct found *best)
{
    struct walk w;
    static const int merit[] = {[WALK_OK] = 4,
                                [WALK_EMPTY] = 3,
                                [WALK_OTHER] = 2,
                                [WALK_UNREADABLE] = 1,
                                [WALK_NO_ROOT] = 0};
    enum walk_result result = walk_open(&w, &s->reader, root);
    bool holds = result == WALK_OK && source_holds(&w);
    if (merit[result] + holds > merit[best->result] + best->holds) {
        *best = (struct found){result, holds};
        s->root = root;
        s->walk = w;
    }
}

/* Looks for the magic with its self-pointer in a mapping. */
static void source_scan(struct source *s, const struct map *m, struct found *best)
{
    static unsigned char bytes[SCAN_STEP];
    uint64_t at = m->start;
    while (at < m->end && !found_all(best)) {
        size_t want = m->end - at < SCAN_STEP ? (size_t)(m->end - at) : SCAN_STEP;
        size_t got = s->reader.read(&s->reader, at, bytes, want);
        for (size_t i = 0; i + LAYOUT_MAGIC_SIZE + 8 <= got; i += 8) {
            uint64_t self;
            memcpy(&self, bytes + i + LAYOUT_MAGIC_SIZE, sizeof self);
            if (self == at + i &&
                memcmp(bytes + i, LAYOUT_MAGIC, LAYOUT_MAGIC_SIZE) == 0)
                source_try_root(s, at + i, best);
        }
        if (got < want)
            got = (got + 4096) & ~(size_t)4095; /* a hole: go on behind it */
        at += got > 64 && got == want && at + got < m->end ? got - 64 : got;
    }
}

static bool source_is_named(const struct map *m)
{
    const char *slash = strrchr(m->name, '/');
    return strstr(slash == NULL ? m->name : slash, "chunky") != NULL;
}

/* By symbol in every mapped ELF file; those that are called chunky first. */
static void source_try_symbols(struct source *s, bool named, struct found *best)
{
    for (size_t i = 0; i < s->map_count && !found_all(best); i++) {
        const struct map *m = &s->maps[i];
        if (m->offset != 0 || (m->access & MAP_READ) == 0 || m->name[0] == '\0' ||
            source_is_named(m) != named)
            continue;
        uint64_t root = elf_symbol(&s->reader, m->start, LAYOUT_SYMBOL);
        if (root != 0)
            source_try_root(s, root, best);
    }
}

/* By magic in writable memory: in that of files, or in what has no name. */
static void source_try_data(struct source *s, bool named, struct found *best)
{
    for (size_t i = 0; i < s->map_count && !found_all(best); i++)
        if ((s->maps[i].access & MAP_WRITE) != 0 && s->maps[i].name[0] != '[' &&
            (s->maps[i].name[0] != '\0') == named)
            source_scan(s, &s->maps[i], best);
}

enum status source_other_layout(const struct source *s)
{
    return complain(
        STATUS_FOREIGN,
        "%s has a Chunky of layout %u.%u; this tool reads layouts %d to %d: "
        "take the chunky that came with it",
        s->title, s->walk.root.major, s->walk.root.minor, LAYOUT_FIRST, LAYOUT_MAJOR);
}

/* What of it is mapped to be run: one file is a static program, others have a loader. */
struct files {
    const char *code;
    bool several, narrow, wide; /* files; with headers of 32 bits, of 64 */
};

static struct files source_files(struct source *s)
{
    struct files f = {0};
    for (size_t i = 0; i < s->map_count; i++) {
        const struct map *m = &s->maps[i];
        unsigned char head[EI_NIDENT];
        if (m->name[0] != '/')
            continue;
        if ((m->access & MAP_EXECUTE) != 0) {
            f.several = f.several || (f.code != NULL && strcmp(f.code, m->name) != 0);
            f.code = m->name;
        }
        if (m->offset != 0 || (m->access & MAP_READ) == 0 ||
            !reader_get(&s->reader, m->start, head, sizeof head) ||
            memcmp(head, ELFMAG, SELFMAG) != 0)
            continue;
        f.narrow = f.narrow || head[EI_CLASS] == ELFCLASS32;
        f.wide = f.wide || head[EI_CLASS] == ELFCLASS64;
    }
    return f;
}

/* Nothing of Chunky's is in it: what would help depends on what it is. */
static enum status source_foreign(struct source *s)
{
    struct files f = source_files(s);
    const char *help = f.narrow && !f.wide ? "it is a 32-bit program, Chunky is for 64"
                       : f.code != NULL && !f.several
                           ? "it is linked statically: link libchunky.a"
                           : "chunky run -- CMD would";
    return complain(STATUS_FOREIGN, "%s does not use Chunky (%s)", s->title, help);
}

enum status source_find_root(struct source *s)
{
    struct found best = {WALK_NO_ROOT, false};
    source_try_symbols(s, true, &best);
    source_try_symbols(s, false, &best);
    source_try_data(s, true, &best);
    /* Not every writer of cores tells the names. */
    if (s->kind == SOURCE_CORE && best.result != WALK_OK)
        source_try_data(s, false, &best);
    if (best.result != WALK_OK && s->kind == SOURCE_PID && !source_has_memory(s))
        return complain(STATUS_UNREADABLE, "%s ended while it was looked at", s->title);
    switch (best.result) {
    case WALK_OK:
        return STATUS_OK;
    case WALK_EMPTY:
        return complain(STATUS_FOREIGN,
                        "%s has loaded Chunky, but not started its heap", s->title);
    case WALK_OTHER:
        return source_other_layout(s);
    case WALK_UNREADABLE:
        return complain(STATUS_UNREADABLE, "%s: the heap's description cannot be read",
                        s->title);
    case WALK_NO_ROOT:
        break;
    }
    if (s->is_truncated)
        return complain(STATUS_UNREADABLE, "%s: no heap is in what is left of it",
                        s->title);
    return source_foreign(s);
}

/* As cores are often kept. */
static bool source_is_packed(const char *magic, size_t size)
{
    /* gzip, xz, zstd, bzip2, lz4 */
    static const char *const packed[] = {"\x1f\x8b", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd",
                                         "BZh", "\x04\x22\x4d\x18"};
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++)
        if (size >= strlen(packed[i]) &&
            memcmp(magic, packed[i], strlen(packed[i])) == 0)
            return true;
    return false;
}

/* A file, by its first bytes. */
static enum status source_open_file(struct source *s, const char *name)
{
    char magic[16] = "";
    enum status status;
    if (name[0] == '\0')
        return complain(STATUS_USAGE,
                        "of what? The SOURCE is empty (no such process?)");
    char *shown = text_printable(name);
    struct stat st;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool stream =
        fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
    ssize_t got = fd < 0 || stream ? -1 : read(fd, magic, sizeof magic);
    if (stream)
        status = complain(STATUS_UNREADABLE,
                          "%s: a pipe or a device; a core file or a snapshot is read "
                          "here and there, from a file",
                          shown);
    else if (got < 0)
        status = complain(STATUS_UNREADABLE, "%s: %s%s", shown, strerror(errno),
                          errno == ENOENT ? ", and not a process number" : "");
    else if (got == sizeof magic && memcmp(magic, SNAPSHOT_MAGIC, sizeof magic) == 0)
        status = source_open_snapshot(s, fd, name);
    else if (got == sizeof magic && memcmp(magic, ELFMAG, SELFMAG) == 0 &&
             magic[EI_CLASS] == ELFCLASS64)
        status = source_open_core(s, fd, name);
    else
        status = complain(STATUS_UNREADABLE, "%s: neither a core file nor a snapshot%s",
                          shown,
                          source_is_packed(magic, (size_t)got)
                              ? "; it is compressed, and must be unpacked first"
                              : "");
    if (fd >= 0)
        close(fd);
    free(shown);
    return status;
}

/* All of the name; errno tells if it is too large. */
static bool source_is_number(const char *name, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(name, &end, 10);
    return *name != '\0' && *end == '\0';
}

bool source_is_file(const char *name, const char *path)
{
    struct stat a, b;
    long number;
    return !source_is_number(name, &number) && stat(name, &a) == 0 &&
           stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

enum status source_open(struct source *s, const char *name, bool stop)
{
    long pid;
    *s = (struct source){0};
    if (source_is_number(name, &pid)) {
        if (pid <= 0 || errno != 0 || pid > INT32_MAX)
            return complain(STATUS_USAGE, "%s is no process number", name);
        return source_open_pid(s, (pid_t)pid, stop);
    }
    return source_open_file(s, name);
}

void source_close(struct source *s)
{
    if (s->close != NULL)
        s->close(s);
    if (s->reader.fill != NULL)
        free((void *)s->reader.window);
    source_drop_maps(s);
    free(s->title);
    if (s->held != 0)
        run_finish(s->held);
    *s = (struct source){0};
}
