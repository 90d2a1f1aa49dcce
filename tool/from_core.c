/*
 * A core file, of the kernel or of gcore: mapped, its segments found by <elf.h> alone.
 * What the file does not hold is a hole, never zeroes. State: in the source.
 */
#include "source.h"

#include "text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CORE_SEGMENTS = 1 << 24 };

struct core_segment {
    uint64_t start, end; /* in the process */
    uint64_t there;      /* bytes of it that the file holds */
    uint64_t offset;     /* in the file */
};

struct core_state {
    const unsigned char *file;
    uint64_t size;
    struct core_segment *segment; /* by address */
    size_t count;
    uint64_t missing; /* bytes that the file was cut short by */
    bool has_written; /* anything of memory that the process could write */
};

/* `size` bytes of the file at `offset`, or NULL. */
static const void *core_at(const struct core_state *c, uint64_t offset, uint64_t size)
{
    return offset <= c->size && size <= c->size - offset ? c->file + offset : NULL;
}

static const struct core_segment *core_segment_of(const struct core_state *c,
                                                  uint64_t address)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (address < c->segment[middle].start)
            high = middle;
        else if (address >= c->segment[middle].end)
            low = middle + 1;
        else
            return &c->segment[middle];
    }
    return NULL;
}

static size_t core_read(struct reader *r, uint64_t address, void *buffer, size_t size)
{
    const struct core_state *c = ((struct source *)(void *)r)->state;
    size_t done = 0;
    while (done < size) {
        const struct core_segment *g = core_segment_of(c, address + done);
        if (g == NULL || address + done - g->start >= g->there)
            break;
        uint64_t into = address + done - g->start;
        size_t part = (size_t)min_size(g->there - into, size - done);
        memcpy((char *)buffer + done, c->file + g->offset + into, part);
        done += part;
    }
    return done;
}

/* The window is the whole segment, as it is mapped. */
static bool core_fill(struct reader *r, uint64_t address, size_t size)
{
    const struct core_state *c = ((struct source *)(void *)r)->state;
    const struct core_segment *g = core_segment_of(c, address);
    if (g == NULL || g->there == 0)
        return false;
    r->start = g->start;
    r->length = g->there;
    r->window = (uintptr_t)(c->file + g->offset);
    return reader_has(r, address, size);
}

static void core_close(struct source *s)
{
    struct core_state *c = s->state;
    if (c->file != NULL)
        munmap((void *)(uintptr_t)c->file, c->size);
    free(c->segment);
    free(c);
    if (s->reader.fill == core_fill)
        s->reader.fill = NULL; /* the window was never ours */
}

static int core_by_start(const void *x, const void *y)
{
    const struct core_segment *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

static void core_add_segment(struct source *s, const Elf64_Phdr *p)
{
    struct core_state *c = s->state;
    uint64_t there = p->p_filesz < p->p_memsz ? p->p_filesz : p->p_memsz;
    if (p->p_vaddr + p->p_memsz < p->p_vaddr || p->p_memsz == 0)
        return;
    c->has_written = c->has_written || (there != 0 && (p->p_flags & PF_W) != 0);
    uint64_t left = p->p_offset < c->size ? c->size - p->p_offset : 0;
    if (there > left) {
        c->missing += there - left;
        there = left;
    }
    c->segment[c->count++] =
        (struct core_segment){p->p_vaddr, p->p_vaddr + p->p_memsz, there, p->p_offset};
    struct map m = {
        .start = p->p_vaddr,
        .end = p->p_vaddr + p->p_memsz,
        .access = ((p->p_flags & PF_R) != 0 ? MAP_READ : 0U) |
                  ((p->p_flags & PF_W) != 0 ? MAP_WRITE : 0U) |
                  ((p->p_flags & PF_X) != 0 ? MAP_EXECUTE : 0U),
        .name = "",
    };
    source_add_map(s, &m);
}

static int core_by_map(const void *x, const void *y)
{
    const struct map *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Code that nothing was written to has no segment in some cores: its name is known. */
static void core_add_file(struct source *s, const uint64_t extent[2], uint64_t offset,
                          const char *name)
{
    bool overlaps = extent[0] >= extent[1];
    for (size_t m = 0; m < s->map_count && !overlaps; m++)
        overlaps = s->maps[m].start < extent[1] && s->maps[m].end > extent[0];
    if (!overlaps)
        source_add_map(s, &(struct map){extent[0], extent[1], offset, MAP_READ, name});
}

/* NT_FILE: count, page size, {start, end, page offset} each, then the names. */
static void core_names(struct source *s, const unsigned char *note, uint64_t size)
{
    uint64_t head[2], entry[3];
    if (size < sizeof head)
        return;
    memcpy(head, note, sizeof head);
    if (head[0] > (size - sizeof head) / sizeof entry)
        return;
    const char *name = (const char *)note + sizeof head + head[0] * sizeof entry;
    const char *end = (const char *)note + size;
    for (uint64_t i = 0; i < head[0] && name < end; i++) {
        size_t length = strnlen(name, (size_t)(end - name));
        if (name + length == end)
            return;
        memcpy(entry, note + sizeof head + i * sizeof entry, sizeof entry);
        for (size_t m = 0; m < s->map_count; m++) {
            if (s->maps[m].start < entry[0] || s->maps[m].start >= entry[1] ||
                s->maps[m].name[0] != '\0')
                continue;
            free((void *)(uintptr_t)s->maps[m].name);
            s->maps[m].name = must(strdup(name));
            s->maps[m].offset = entry[2] * head[1] + (s->maps[m].start - entry[0]);
        }
        core_add_file(s, entry, entry[2] * head[1], name);
        name += length + 1;
    }
}

/* pr_fname and pr_pid of NT_PRPSINFO, at their places on 64-bit systems. */
static void core_title(struct source *s, const unsigned char *note, uint64_t size)
{
    enum { PID_AT = 24, NAME_AT = 40, NAME_SIZE = 16 };
    char name[NAME_SIZE + 1] = "", line[160];
    int32_t pid;
    if (size < NAME_AT + NAME_SIZE)
        return;
    memcpy(&pid, note + PID_AT, sizeof pid);
    memcpy(name, note + NAME_AT, NAME_SIZE);
    char *shown = text_printable(name);
    snprintf(line, sizeof line, "core of process %d (%s)", (int)pid, shown);
    free(shown);
    free(s->title);
    s->title = must(strdup(line));
}

static void core_notes(struct source *s, uint64_t offset, uint64_t size)
{
    const struct core_state *c = s->state;
    uint64_t at = offset, end = offset + size;
    while (at + sizeof(Elf64_Nhdr) <= end) {
        Elf64_Nhdr head;
        const void *raw = core_at(c, at, sizeof head);
        if (raw == NULL)
            return;
        memcpy(&head, raw, sizeof head);
        uint64_t data = at + sizeof head + align_up(head.n_namesz, 4);
        uint64_t next = data + align_up(head.n_descsz, 4);
        const unsigned char *note = core_at(c, data, head.n_descsz);
        if (next > end || note == NULL)
            return;
        if (head.n_type == NT_FILE)
            core_names(s, note, head.n_descsz);
        else if (head.n_type == NT_PRPSINFO)
            core_title(s, note, head.n_descsz);
        at = next;
    }
}

static bool core_parse(struct source *s)
{
    struct core_state *c = s->state;
    Elf64_Ehdr e;
    const void *raw = core_at(c, 0, sizeof e);
    if (raw == NULL)
        return false;
    memcpy(&e, raw, sizeof e);
    if (e.e_type != ET_CORE)
        return false;
    uint64_t count = e.e_phnum;
    if (count == PN_XNUM) {
        Elf64_Shdr first;
        raw = core_at(c, e.e_shoff, sizeof first);
        if (raw == NULL)
            return false;
        memcpy(&first, raw, sizeof first);
        count = first.sh_info;
    }
    raw = core_at(c, e.e_phoff, count * sizeof(Elf64_Phdr));
    if (raw == NULL || count == 0 || count > CORE_SEGMENTS ||
        e.e_phentsize != sizeof(Elf64_Phdr))
        return false;
    c->segment = take(count * sizeof *c->segment);
    for (int notes = 0; notes < 2; notes++) {
        for (uint64_t i = 0; i < count; i++) {
            Elf64_Phdr p;
            memcpy(&p, (const char *)raw + i * sizeof p, sizeof p);
            if (p.p_type == PT_LOAD && notes == 0)
                core_add_segment(s, &p);
            else if (p.p_type == PT_NOTE && notes == 1)
                core_notes(s, p.p_offset, p.p_filesz);
        }
        if (notes == 0 && c->count != 0)
            qsort(c->segment, c->count, sizeof *c->segment, core_by_start);
        if (s->map_count != 0)
            qsort(s->maps, s->map_count, sizeof *s->maps, core_by_map);
    }
    return c->count != 0;
}

enum status source_open_core(struct source *s, int fd, const char *name)
{
    struct stat st;
    char size[SIZE_TEXT];
    struct core_state *c = take(sizeof *c);
    char *shown = text_printable(name);
    *s = (struct source){
        .kind = SOURCE_CORE, .state = c, .close = core_close, .title = shown};
    s->reader.read = core_read;
    s->reader.fill = core_fill;
    if (fstat(fd, &st) != 0)
        return complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(errno));
    c->size = (uint64_t)st.st_size;
    void *file = mmap(NULL, c->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(errno));
    c->file = file;
    if (!core_parse(s))
        return complain(STATUS_UNREADABLE, "%s: no core file, or one that is cut off",
                        shown);
    /* Headers are read in place; where the file is not aligned as memory was, copied. */
    for (size_t i = 0; i < c->count; i++)
        if ((c->segment[i].offset - c->segment[i].start) % CHUNK_ALIGN != 0)
            s->is_skewed = true;
    if (s->is_skewed)
        window_open(&s->reader, 1 << 20);
    if (c->missing != 0) {
        s->is_truncated = true;
        complain(STATUS_OK, "%s is cut off: %s of the process's memory are missing",
                 s->title, text_size(size, c->missing));
    }
    if (!c->has_written)
        return complain(STATUS_UNREADABLE,
                        "%s has nothing of what the process wrote (coredump_filter, "
                        "core(5))",
                        s->title);
    return source_find_root(s);
}
