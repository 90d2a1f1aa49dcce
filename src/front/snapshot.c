/* The writer of snapshots; see snapshot.h. State: its buffers. */
#include "front/snapshot.h"

#include "audit/root.h"
#include "audit/snapshot.h"
#include "base/bits.h"
#include "base/say.h"
#include "core/meta.h"
#include "front/mapping.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { SUM_ROOM = 4096, FLAGS_ROOM = 512, SPARE_PAGES = 1024, LINE_ROOM = 640 };

#define PAGEMAP_THERE ((uint64_t)3 << 62) /* present, or swapped out */

SELDOM static struct {
    int fd, pagemap;
    bool failed;
    struct snapshot_header header;
    uint64_t at;       /* where pages go next */
    uint64_t index_at; /* where the next part of the index goes */
    uint64_t pages;    /* most that the index has room for */
    size_t held;       /* bytes in `sum` */
    unsigned char sum[SUM_ROOM];
    uint64_t flag[FLAGS_ROOM]; /* of pagemap, from page flag_first on */
    uint64_t flag_first, flag_count;
    unsigned char page[SNAPSHOT_PAGE];
    unsigned char packed[SNAPSHOT_MAP_WORDS * 8 + SNAPSHOT_PAGE];
} snapshot;

static void snapshot_put(uint64_t at, const void *data, size_t size)
{
    const char *from = data;
    while (size != 0 && !snapshot.failed) {
        ssize_t done = pwrite(snapshot.fd, from, size, (off_t)at);
        if (done <= 0 && errno != EINTR)
            snapshot.failed = true;
        if (done > 0) {
            from += done;
            at += (uint64_t)done;
            size -= (size_t)done;
        }
    }
}

/* --- what is written in a row and summed: text, resident, index ---------------- */

/* Returns where the next byte goes. The sum goes on over parts of 8 bytes. */
static uint64_t snapshot_flush(uint64_t at)
{
    snapshot.header.check =
        snapshot_check(snapshot.header.check, snapshot.sum, snapshot.held);
    snapshot_put(at, snapshot.sum, snapshot.held);
    at += snapshot.held;
    snapshot.held = 0;
    return at;
}

static uint64_t snapshot_add(uint64_t at, const void *data, size_t size)
{
    const unsigned char *from = data;
    while (size != 0) {
        size_t part = min_size(size, SUM_ROOM - snapshot.held);
        memcpy(snapshot.sum + snapshot.held, from, part);
        snapshot.held += part;
        from += part;
        size -= part;
        if (snapshot.held == SUM_ROOM)
            at = snapshot_flush(at);
    }
    return at;
}

/* Title, then the mappings. */
static void snapshot_text(void)
{
    struct mapping m;
    char line[LINE_ROOM], program[32];
    struct text t = {line, sizeof line, 0};
    uint64_t at = snapshot.header.text = sizeof snapshot.header;
    os_program(program, sizeof program);
    text_add(&t, "process %u (%s), when a mistake was found\n", os_process_id(),
             program);
    at = snapshot_add(at, line, t.length);
    mapping_open();
    while (mapping_next(&m)) {
        t.length = 0;
        text_add(&t, "%zx-%zx %u %zx %s\n", (size_t)m.start, (size_t)m.end, m.access,
                 (size_t)m.offset, m.name);
        at = snapshot_add(at, line, t.length);
    }
    mapping_close();
    at = snapshot_flush(at);
    snapshot.header.text_size = at - snapshot.header.text;
    snapshot.at = align_up(at, 8);
}

/* --- which memory -------------------------------------------------------------- */

static bool snapshot_is_there(uint64_t address)
{
    uint64_t page = address / os_page_size();
    if (page - snapshot.flag_first >= snapshot.flag_count) {
        ssize_t got = pread(snapshot.pagemap, snapshot.flag, sizeof snapshot.flag,
                            (off_t)(page * sizeof snapshot.flag[0]));
        snapshot.flag_first = page;
        snapshot.flag_count = got < 8 ? 0 : (uint64_t)got / 8;
    }
    return page - snapshot.flag_first < snapshot.flag_count &&
           (snapshot.flag[page - snapshot.flag_first] & PAGEMAP_THERE) != 0;
}

/* Pages of ours that were never touched are read as zeroes by whoever walks the heap. */
static bool snapshot_is_meta(uint64_t address)
{
    for (const struct meta_region *r = meta.regions; r != NULL; r = r->next)
        if (address - (uintptr_t)r < r->size)
            return true;
    return false;
}

/* Private memory that can be written, but no stack that is known as one; of the file that
 * Chunky's own variables lie in, what is constant as well. */
static bool snapshot_wants(const struct mapping *m, bool is_own)
{
    if ((m->access & MAPPING_SHARED) != 0 || (m->access & MAPPING_READ) == 0)
        return false;
    if (is_own)
        return (m->access & MAPPING_CODE) == 0;
    return (m->access & MAPPING_WRITE) != 0 &&
           (m->name[0] == '\0' || strcmp(m->name, "[heap]") == 0 ||
            strncmp(m->name, "[anon:", 6) == 0);
}

typedef void snapshot_visit(uint64_t page, bool is_there);

/* Each page of the system's size in what is wanted, in order of address. */
static void snapshot_pages(snapshot_visit *visit)
{
    struct mapping m, own;
    size_t page = os_page_size();
    bool found = mapping_find((uintptr_t)&chunky_root, &own);
    mapping_open();
    while (!snapshot.failed && mapping_next(&m)) {
        bool is_own = found && m.base == own.base;
        if (!snapshot_wants(&m, is_own))
            continue;
        for (uintptr_t at = m.start; at < m.end; at += page) {
            bool there = snapshot_is_there(at);
            if (there || is_own || snapshot_is_meta(at))
                visit(at, there);
        }
    }
    mapping_close();
}

/* --- resident ------------------------------------------------------------------ */

static uint64_t snapshot_run[2];

static void snapshot_end_run(void)
{
    if (snapshot_run[0] == snapshot_run[1])
        return;
    snapshot.at = snapshot_add(snapshot.at, snapshot_run, sizeof snapshot_run);
    snapshot.header.resident_count++;
    snapshot_run[0] = snapshot_run[1] = 0;
}

static void snapshot_note(uint64_t page, bool is_there)
{
    size_t size = os_page_size();
    snapshot.pages += size / SNAPSHOT_PAGE;
    if (!is_there)
        return;
    if (snapshot_run[1] != page) {
        snapshot_end_run();
        snapshot_run[0] = page;
    }
    snapshot_run[1] = page + size;
}

static void snapshot_resident(void)
{
    snapshot.header.resident = snapshot.at;
    snapshot.pages = SPARE_PAGES;
    snapshot_pages(snapshot_note);
    snapshot_end_run();
    snapshot.at = snapshot_flush(snapshot.at);
}

/* --- the pages ----------------------------------------------------------------- */

/* A bitmap of the words that are not zero, then those. */
static size_t snapshot_pack(void)
{
    uint64_t map[SNAPSHOT_MAP_WORDS] = {0};
    size_t size = sizeof map;
    for (unsigned i = 0; i < SNAPSHOT_WORDS; i++) {
        uint64_t word;
        memcpy(&word, snapshot.page + (size_t)8 * i, 8);
        if (word == 0)
            continue;
        set_add(map, i);
        memcpy(snapshot.packed + size, &word, 8);
        size += 8;
    }
    memcpy(snapshot.packed, map, sizeof map);
    return size;
}

static void snapshot_copy(uint64_t address, bool is_there)
{
    for (uint64_t end = address + os_page_size(); address < end;
         address += SNAPSHOT_PAGE) {
        if (snapshot.header.index_count == snapshot.pages)
            return; /* the heap grew meanwhile */
        if (!is_there)
            memset(snapshot.page, 0, sizeof snapshot.page);
        else if (os_peek((const void *)(uintptr_t)address, snapshot.page,
                         SNAPSHOT_PAGE) != SNAPSHOT_PAGE)
            continue;
        size_t size = snapshot_pack();
        struct snapshot_page entry = {
            address, snapshot.at, (uint32_t)size,
            (uint32_t)snapshot_check(address, snapshot.packed, size)};
        snapshot_put(snapshot.at, snapshot.packed, size);
        snapshot.at += size;
        snapshot.index_at = snapshot_add(snapshot.index_at, &entry, sizeof entry);
        snapshot.header.index_count++;
    }
}

/* The index lies before the pages, with room to spare: a hole in the file. */
static void snapshot_memory(void)
{
    snapshot.header.index = snapshot.index_at = snapshot.at;
    snapshot.at += snapshot.pages * sizeof(struct snapshot_page);
    snapshot_pages(snapshot_copy);
    snapshot_flush(snapshot.index_at);
}

static void snapshot_file(void)
{
    struct snapshot_header *h = &snapshot.header;
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    *h = (struct snapshot_header){.version = SNAPSHOT_VERSION,
                                  .flags = SNAPSHOT_HAS_BYTES,
                                  .root = (uintptr_t)&chunky_root,
                                  .pid = os_process_id(),
                                  .seconds = (uint64_t)now.tv_sec};
    memcpy(h->magic, SNAPSHOT_MAGIC, sizeof h->magic);
    snapshot_text();
    snapshot_resident();
    snapshot_memory();
    h->length = snapshot.at;
    h->header_check =
        snapshot_check(0, h, offsetof(struct snapshot_header, header_check));
    snapshot_put(0, h, sizeof *h);
}

bool snapshot_write(const char *path)
{
    int saved = errno;
    snapshot.failed = false;
    snapshot.held = snapshot.flag_count = 0;
    snapshot.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    snapshot.fd =
        snapshot.pagemap < 0
            ? -1
            : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = snapshot.fd >= 0;
    if (good) {
        snapshot_file();
        good = close(snapshot.fd) == 0 && !snapshot.failed;
        if (!good)
            unlink(path);
    }
    if (snapshot.pagemap >= 0)
        close(snapshot.pagemap);
    errno = saved;
    return good;
}
