/*
 * libchunky-record.so: preloaded, passes every call on to the allocator behind it and
 * enters it in a log in shared memory (record_log.h). No lock, no allocation: safe in
 * threads and signal handlers. A forked child is not recorded, nor what it starts; after
 * exec the same process begins anew. State: the log, the calls behind, a thread's number.
 */
#include "base/bits.h"
#include "base/compiler.h"
#include "record_log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EARLY_ROOM = 64 * 1024, EARLY_ALIGN = 16 };

/* The calls of the allocator behind. */
static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void (*free)(void *);
} behind;

static struct record_log *record_log;
/* A page that is all zeroes in a forked child: there, nothing is recorded. */
static _Atomic uint32_t *record_on;
static TLS_INITIAL_EXEC uint32_t record_thread;
static TLS_INITIAL_EXEC bool record_starts;

/* Blocks for dlsym, before it has told us whom to ask; never given back. */
static _Alignas(EARLY_ALIGN) unsigned char early_room[EARLY_ROOM];
static _Atomic size_t early_used;

static void *early_take(size_t bytes)
{
    if (bytes > EARLY_ROOM / 2)
        return NULL;
    size_t room = (bytes + 2 * EARLY_ALIGN - 1) & ~(size_t)(EARLY_ALIGN - 1);
    size_t at = atomic_fetch_add(&early_used, room);
    if (at > EARLY_ROOM - EARLY_ROOM / 2)
        return NULL;
    memcpy(early_room + at, &bytes, sizeof bytes);
    return early_room + at + EARLY_ALIGN;
}

static bool early_has(const void *mem)
{
    return (uintptr_t)mem - (uintptr_t)early_room < EARLY_ROOM;
}

static size_t early_bytes(const void *mem)
{
    size_t bytes;
    memcpy(&bytes, (const unsigned char *)mem - EARLY_ALIGN, sizeof bytes);
    return bytes;
}

/* dlsym returns void *; POSIX wants it to become a function pointer like this. */
static void record_bind(void *function, const char *name)
{
    void *address = dlsym(RTLD_NEXT, name);
    memcpy(function, &address, sizeof address);
}

static bool record_is_wanted(const struct record_log *log)
{
    char path[512];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    const char *name = strrchr(path, '/');
    return log->wanted[0] == '\0' ||
           strcmp(log->wanted, program_invocation_short_name) == 0 ||
           (name != NULL && strcmp(log->wanted, name + 1) == 0);
}

/* One process is recorded: the first that may be. After exec it starts again. */
static bool record_claim(struct record_log *log)
{
    uint32_t nobody = 0, own = (uint32_t)getpid();
    if (!record_is_wanted(log))
        return false;
    if (!atomic_compare_exchange_strong(&log->owner, &nobody, own) && nobody != own)
        return false;
    uint64_t used = atomic_load(&log->next);
    for (uint64_t i = 0; i < used && i < log->slots; i++)
        atomic_store(&log->entry[i].verb, RECORD_NOTHING);
    atomic_store(&log->threads, 0);
    atomic_store(&log->next, 0);
    atomic_store(&log->calls, 0);
    return true;
}

static struct record_log *record_map(const char *path)
{
    struct stat file;
    void *map = MAP_FAILED;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &file) == 0 && file.st_size > (off_t)sizeof(struct record_log))
        map =
            mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return map == MAP_FAILED ? NULL : map;
}

static void record_open(void)
{
    const char *path = getenv(RECORD_VARIABLE);
    struct record_log *log = path == NULL ? NULL : record_map(path);
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    if (log == NULL || log->magic != RECORD_MAGIC)
        return;
    void *page =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, size, MADV_WIPEONFORK) != 0 || !record_claim(log)) {
        munmap(page, size);
        return;
    }
    record_log = log;
    record_on = page;
    atomic_store(record_on, 1);
}

/* At the first call, which comes before any second thread. False while it runs. */
static NOINLINE bool record_start(void)
{
    int before = errno;
    if (record_starts)
        return false;
    record_starts = true;
    record_bind(&behind.calloc, "calloc");
    record_bind(&behind.realloc, "realloc");
    record_bind(&behind.memalign, "memalign");
    record_bind(&behind.free, "free");
    record_open();
    record_bind(&behind.malloc, "malloc");
    record_starts = false;
    errno = before;
    return behind.malloc != NULL;
}

static inline bool record_ready(void)
{
    return LIKELY(behind.malloc != NULL) || record_start();
}

CONSTRUCTOR(101) static void record_load(void)
{
    record_ready();
    if (record_log == NULL) /* the first call came before the environment was there */
        record_open();
}

static void record(enum record_verb verb, const void *block, size_t a, size_t b)
{
    if (record_on == NULL || atomic_load_explicit(record_on, memory_order_relaxed) == 0)
        return;
    struct record_log *log = record_log;
    uint64_t slot = atomic_fetch_add(&log->next, 1);
    if (verb != RECORD_LEAVE)
        atomic_fetch_add(&log->calls, 1);
    if (slot >= log->slots)
        return;
    if (record_thread == 0)
        record_thread = atomic_fetch_add(&log->threads, 1) + 1;
    struct record_entry *e = &log->entry[slot];
    e->thread = record_thread;
    e->block = (uintptr_t)block;
    e->a = a;
    e->b = b;
    atomic_store_explicit(&e->verb, verb, memory_order_release);
}

PUBLIC void *malloc(size_t bytes)
{
    if (UNLIKELY(!record_ready()))
        return early_take(bytes);
    void *mem = behind.malloc(bytes);
    record(RECORD_MALLOC, mem, bytes, 0);
    return mem;
}

PUBLIC void *calloc(size_t count, size_t bytes)
{
    size_t sum;
    if (UNLIKELY(!record_ready()))
        return multiply_overflows(count, bytes, &sum) ? NULL : early_take(sum);
    void *mem = behind.calloc(count, bytes);
    record(RECORD_CALLOC, mem, count, bytes);
    return mem;
}

PUBLIC void free(void *mem)
{
    if (mem == NULL || early_has(mem) || !record_ready())
        return;
    record(RECORD_FREE, mem, 0, 0);
    behind.free(mem);
}

PUBLIC void *realloc(void *mem, size_t bytes)
{
    if (mem == NULL || early_has(mem)) {
        void *fresh = malloc(bytes);
        if (fresh != NULL && mem != NULL)
            memcpy(fresh, mem, bytes < early_bytes(mem) ? bytes : early_bytes(mem));
        return fresh;
    }
    if (!record_ready())
        return NULL;
    record(RECORD_LEAVE, mem, 0, 0);
    void *moved = behind.realloc(mem, bytes);
    record(RECORD_REALLOC, moved, bytes, 0);
    return moved;
}

PUBLIC void *reallocarray(void *mem, size_t count, size_t bytes)
{
    size_t sum;
    if (!multiply_overflows(count, bytes, &sum))
        return realloc(mem, sum);
    errno = ENOMEM;
    return NULL;
}

PUBLIC void *memalign(size_t align, size_t bytes)
{
    if (!record_ready())
        return NULL;
    void *mem = behind.memalign(align, bytes);
    record(RECORD_MEMALIGN, mem, align, bytes);
    return mem;
}

PUBLIC void *aligned_alloc(size_t align, size_t bytes)
{
    return memalign(align, bytes);
}

PUBLIC int posix_memalign(void **mem, size_t align, size_t bytes)
{
    int before = errno;
    if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)) != 0)
        return EINVAL;
    void *got = memalign(align, bytes);
    errno = before;
    if (got == NULL)
        return ENOMEM;
    *mem = got;
    return 0;
}

PUBLIC void *valloc(size_t bytes)
{
    return memalign((size_t)sysconf(_SC_PAGESIZE), bytes);
}

PUBLIC void *pvalloc(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return bytes > SIZE_MAX - page ? NULL
                                   : memalign(page, (bytes + page - 1) / page * page);
}
