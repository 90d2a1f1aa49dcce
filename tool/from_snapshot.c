/* Reading a snapshot; see snapshot.h. State: in the source. */
#include "scan.h"

#include "audit/snapshot.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct snapshot_state {
    const unsigned char *file;
    uint64_t size;
    struct snapshot_header header;
    const struct snapshot_page *index;
    const uint64_t (*resident)[2];
};

/* The page at an address, or NULL. */
static const struct snapshot_page *snapshot_find(const struct snapshot_state *p,
                                                 uint64_t page)
{
    uint64_t low = 0, high = p->header.index_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (p->index[middle].address < page)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->header.index_count && p->index[low].address == page ? &p->index[low]
                                                                        : NULL;
}

/* False if there are fewer words than the bitmap says. */
static bool snapshot_decode(const struct snapshot_state *p,
                            const struct snapshot_page *e,
                            unsigned char out[SNAPSHOT_PAGE])
{
    uint64_t map[SNAPSHOT_MAP_WORDS];
    const unsigned char *at = p->file + e->offset + sizeof map;
    const unsigned char *end = p->file + e->offset + e->size;
    memcpy(map, p->file + e->offset, sizeof map);
    memset(out, 0, SNAPSHOT_PAGE);
    for (unsigned i = 0; i < SNAPSHOT_MAP_WORDS; i++) {
        for (uint64_t bits = map[i]; bits != 0; bits &= bits - 1) {
            if (end - at < 8)
                return false;
            memcpy(out + 8 * (64 * i + count_trailing_zeros(bits)), at, 8);
            at += 8;
        }
    }
    return true;
}

static size_t snapshot_read(struct reader *r, uint64_t address, void *buffer,
                            size_t size)
{
    const struct snapshot_state *p = ((struct source *)(void *)r)->state;
    unsigned char page[SNAPSHOT_PAGE];
    size_t done = 0;
    while (done < size) {
        uint64_t at = address + done, into = at % SNAPSHOT_PAGE;
        const struct snapshot_page *e = snapshot_find(p, at - into);
        if (e == NULL || !snapshot_decode(p, e, page))
            break;
        size_t part = min_size(SNAPSHOT_PAGE - (size_t)into, size - done);
        memcpy((char *)buffer + done, page + into, part);
        done += part;
    }
    return done;
}

static uint64_t snapshot_run(struct source *s, uint64_t at, bool *resident)
{
    const struct snapshot_state *p = s->state;
    uint64_t low = 0, high = p->header.resident_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (p->resident[middle][1] <= at)
            low = middle + 1;
        else
            high = middle;
    }
    *resident = low < p->header.resident_count && p->resident[low][0] <= at;
    if (low == p->header.resident_count)
        return UINT64_MAX;
    return *resident || p->resident[low][0] <= at ? p->resident[low][1]
                                                  : p->resident[low][0];
}

static void snapshot_close(struct source *s)
{
    struct snapshot_state *p = s->state;
    if (p->file != NULL)
        munmap((void *)(uintptr_t)p->file, p->size);
    free(p);
}

static bool snapshot_fits(const struct snapshot_state *p, uint64_t offset,
                          uint64_t count, uint64_t each)
{
    return offset % 8 == 0 && offset <= p->size && count <= (p->size - offset) / each;
}

static bool snapshot_page_is_good(const struct snapshot_state *p,
                                  const struct snapshot_page *e)
{
    return e->size >= SNAPSHOT_MAP_WORDS * 8 &&
           snapshot_fits(p, e->offset, e->size, 1) &&
           (uint32_t)snapshot_check(e->address, p->file + e->offset, e->size) ==
               e->check;
}

static int snapshot_by_start(const void *x, const void *y)
{
    const struct region *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Every byte is of a part that has a checksum, or it is zero. */
static bool snapshot_has_no_more(const struct snapshot_state *p)
{
    const struct snapshot_header *h = &p->header;
    uint64_t count = h->index_count, done = sizeof *h;
    struct region *part = take((count + 4) * sizeof *part);
    for (uint64_t i = 0; i < count; i++)
        part[i] =
            (struct region){p->index[i].offset, p->index[i].offset + p->index[i].size};
    part[count++] = (struct region){h->text, h->text + h->text_size};
    part[count++] = (struct region){
        h->resident, h->resident + h->resident_count * sizeof p->resident[0]};
    part[count++] =
        (struct region){h->index, h->index + h->index_count * sizeof *p->index};
    part[count++] = (struct region){p->size, p->size};
    qsort(part, count, sizeof *part, snapshot_by_start);
    bool good = true;
    for (uint64_t i = 0; i < count; i++) {
        for (; good && done < part[i].start; done++)
            good = p->file[done] == 0;
        done = done < part[i].end ? part[i].end : done;
    }
    free(part);
    return good;
}

/* All of the file is checked at once. NULL: fine; else what is wrong. */
static const char *snapshot_verify(struct snapshot_state *p)
{
    struct snapshot_header *h = &p->header;
    if (p->size < sizeof *h)
        return "cut off";
    memcpy(h, p->file, sizeof *h);
    if (h->version != SNAPSHOT_VERSION)
        return "of another version";
    if (h->header_check !=
        snapshot_check(0, h, offsetof(struct snapshot_header, header_check)))
        return "damaged";
    if (h->length > p->size)
        return "cut off";
    if (!snapshot_fits(p, h->text, h->text_size, 1) ||
        !snapshot_fits(p, h->resident, h->resident_count, sizeof p->resident[0]) ||
        !snapshot_fits(p, h->index, h->index_count, sizeof *p->index))
        return "damaged";
    uint64_t sum = snapshot_check(0, p->file + h->text, h->text_size);
    sum = snapshot_check(sum, p->file + h->resident,
                         h->resident_count * sizeof p->resident[0]);
    sum = snapshot_check(sum, p->file + h->index, h->index_count * sizeof *p->index);
    if (sum != h->check)
        return "damaged";
    p->index = (const void *)(p->file + h->index);
    p->resident = (const void *)(p->file + h->resident);
    for (uint64_t i = 0; i < h->index_count; i++)
        if (!snapshot_page_is_good(p, &p->index[i]))
            return "damaged";
    return snapshot_has_no_more(p) ? NULL : "damaged";
}

/* Title, then one mapping a line. */
static void snapshot_text(struct source *s)
{
    const struct snapshot_state *p = s->state;
    char *text =
        must(strndup((const char *)p->file + p->header.text, p->header.text_size));
    char *save = NULL, line[128];
    char *title = strtok_r(text, "\n", &save);
    if (title != NULL) {
        char *shown = text_printable(title);
        snprintf(line, sizeof line, "snapshot of %s", shown);
        free(s->title);
        s->title = must(strdup(line));
        free(shown);
    }
    for (char *at = strtok_r(NULL, "\n", &save); at != NULL;
         at = strtok_r(NULL, "\n", &save)) {
        struct map m = {.name = ""};
        int name = 0;
        if (sscanf(at, "%" SCNx64 "-%" SCNx64 " %u %" SCNx64 " %n", &m.start, &m.end,
                   &m.access, &m.offset, &name) < 4 ||
            name == 0)
            continue;
        m.name = at + name;
        source_add_map(s, &m);
    }
    free(text);
}

enum status source_open_snapshot(struct source *s, int fd, const char *name)
{
    struct stat st;
    struct snapshot_state *p = take(sizeof *p);
    char *shown = text_printable(name);
    *s = (struct source){
        .kind = SOURCE_SNAPSHOT, .state = p, .close = snapshot_close, .title = shown};
    s->reader.read = snapshot_read;
    if (fstat(fd, &st) != 0)
        return complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(errno));
    p->size = (uint64_t)st.st_size;
    void *file = mmap(NULL, p->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(errno));
    p->file = file;
    const char *wrong = snapshot_verify(p);
    if (wrong != NULL)
        return complain(STATUS_UNREADABLE, "%s: this snapshot is %s", shown, wrong);
    s->pid = (pid_t)p->header.pid;
    s->taken = p->header.seconds;
    s->root = p->header.root;
    if (p->header.resident_count != 0) /* of a core nothing was known */
        s->run = snapshot_run;
    window_open(&s->reader, 1 << 18);
    snapshot_text(s);
    enum walk_result result = walk_open(&s->walk, &s->reader, s->root);
    if (result == WALK_OTHER)
        return source_other_layout(s);
    if (result != WALK_OK)
        return complain(STATUS_FOREIGN, "%s: a layout that this tool does not read",
                        s->title);
    return STATUS_OK;
}
