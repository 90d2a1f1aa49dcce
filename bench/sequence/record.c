/* LD_PRELOAD recorder: passes every allocator call on to glibc's and writes it down, in
 * $CHUNKY_RECORD/PROGRAM.PID.rec. Works from a process's first call: no dlsym, no
 * stdio, nothing that allocates. One lock orders the calls of all threads; a forked
 * child no longer records (a program that it executes does, by itself). */
#include "record_format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

enum { WINDOW = 4 << 20, WINDOW_RECORDS = WINDOW / sizeof(struct record) };
enum state { UNKNOWN, RECORDING, OFF };

static struct {
    atomic_flag lock;
    enum state state;
    pid_t pid;
    char path[PATH_MAX];
    off_t offset; /* of the window in the file */
    struct record *window;
    size_t used; /* records of the window */
} recorder = {.lock = ATOMIC_FLAG_INIT};

static char *text_add(char *at, const char *end, const char *text)
{
    while (*text && at < end)
        *at++ = *text++;
    return at;
}

static bool window_next(void)
{
    int fd = open(recorder.path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    if (recorder.window) {
        munmap(recorder.window, WINDOW);
        recorder.offset += WINDOW;
    } else if (ftruncate(fd, 0) != 0) {
        close(fd);
        return false;
    }
    void *mapped = MAP_FAILED;
    if (ftruncate(fd, recorder.offset + WINDOW) == 0)
        mapped =
            mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, recorder.offset);
    close(fd);
    recorder.window = mapped == MAP_FAILED ? NULL : mapped;
    recorder.used = 0;
    return recorder.window != NULL;
}

static void recorder_start(void)
{
    if (!environ)
        return; /* too early: ask again at the next call */
    const char *folder = getenv("CHUNKY_RECORD");
    recorder.state = OFF;
    if (!folder)
        return;
    char digits[16] = {0}, *digit = digits + sizeof digits - 1;
    recorder.pid = getpid();
    for (pid_t n = recorder.pid; n; n /= 10)
        *--digit = (char)('0' + n % 10);
    char *at = recorder.path, *end = at + sizeof recorder.path - 1;
    at = text_add(text_add(at, end, folder), end, "/");
    at = text_add(text_add(at, end, program_invocation_short_name), end, ".");
    at = text_add(text_add(at, end, digit), end, ".rec");
    *at = '\0';
    if (window_next())
        recorder.state = RECORDING;
}

/* True with the lock held, when this call is to be written down. */
static bool recorder_enter(void)
{
    if (recorder.state == OFF ||
        (recorder.state == RECORDING && getpid() != recorder.pid))
        return false;
    while (atomic_flag_test_and_set_explicit(&recorder.lock, memory_order_acquire))
        sched_yield();
    int saved = errno;
    if (recorder.state == UNKNOWN)
        recorder_start();
    errno = saved;
    if (recorder.state == RECORDING)
        return true;
    atomic_flag_clear_explicit(&recorder.lock, memory_order_release);
    return false;
}

static void recorder_leave(void)
{
    atomic_flag_clear_explicit(&recorder.lock, memory_order_release);
}

static void record_add(struct record r)
{
    int saved = errno;
    if (recorder.used == WINDOW_RECORDS && !window_next())
        recorder.state = OFF;
    if (recorder.state == RECORDING)
        recorder.window[recorder.used++] = r;
    errno = saved;
}

static void *record_aligned(size_t alignment, size_t bytes)
{
    bool on = recorder_enter();
    void *mem = __libc_memalign(alignment, bytes);
    if (on) {
        unsigned log = 0;
        while (log < 63 && (size_t)1 << log < alignment)
            log++;
        if (mem)
            record_add(record_make(RECORD_NEW, mem, bytes, log));
        recorder_leave();
    }
    return mem;
}

void *malloc(size_t bytes)
{
    bool on = recorder_enter();
    void *mem = __libc_malloc(bytes);
    if (on) {
        if (mem)
            record_add(record_make(RECORD_NEW, mem, bytes, 0));
        recorder_leave();
    }
    return mem;
}

void *calloc(size_t count, size_t bytes)
{
    bool on = recorder_enter();
    void *mem = __libc_calloc(count, bytes);
    if (on) {
        if (mem)
            record_add(record_make(RECORD_ZEROED, mem, count * bytes, 0));
        recorder_leave();
    }
    return mem;
}

void free(void *mem)
{
    bool on = mem && recorder_enter();
    if (on)
        record_add(record_make(RECORD_FREE, mem, 0, 0));
    __libc_free(mem);
    if (on)
        recorder_leave();
}

void *realloc(void *mem, size_t bytes)
{
    if (!mem)
        return malloc(bytes);
    bool on = recorder_enter();
    void *moved = __libc_realloc(mem, bytes);
    if (on) {
        if (moved) {
            record_add(record_make(RECORD_FROM, mem, 0, 0));
            record_add(record_make(RECORD_TO, moved, bytes, 0));
        } else if (bytes == 0) {
            record_add(record_make(RECORD_FREE, mem, 0, 0));
        }
        recorder_leave();
    }
    return moved;
}

void *reallocarray(void *mem, size_t count, size_t bytes)
{
    if (bytes && count > SIZE_MAX / bytes) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(mem, count * bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    return record_aligned(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return record_aligned(alignment, bytes);
}

int posix_memalign(void **mem, size_t alignment, size_t bytes)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)))
        return EINVAL;
    void *got = record_aligned(alignment, bytes);
    if (!got)
        return ENOMEM;
    *mem = got;
    return 0;
}

void *valloc(size_t bytes)
{
    return record_aligned((size_t)sysconf(_SC_PAGESIZE), bytes);
}

void *pvalloc(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return record_aligned(page, (bytes + page - 1) & ~(page - 1));
}
