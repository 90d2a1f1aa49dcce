/*
 * Linux: mmap, sbrk, madvise, futex, affinity, environment. State: the page size, and
 * in the oom build a counter that makes every n-th request for memory fail.
 */
#include "os/os.h"
#include "os/os_vdso.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/compiler.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef FUTEX_WAIT_PRIVATE /* of linux/futex.h, which not every C library has beside it */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440 /* on every architecture */
#endif
#ifndef PIDFD_SELF_THREAD_GROUP
#define PIDFD_SELF_THREAD_GROUP (-10001) /* Linux 6.15 */
#endif
#ifndef CHUNKY_HARD_OOM
#define CHUNKY_HARD_OOM 0
#endif

static size_t os_page;

void os_init(void)
{
    os_page = (size_t)getauxval(AT_PAGESZ);
}

size_t os_page_size(void)
{
    return os_page;
}

/* The oom build: every 7th request for memory fails once 64 have succeeded. */
static bool os_must_fail(void)
{
#if CHUNKY_HARD_OOM
    static _Atomic unsigned calls;
    unsigned n = atomic_fetch_add(&calls, 1);
    if (n > 64 && n % 7 == 0) {
        errno = ENOMEM;
        return true;
    }
#endif
    return false;
}

static void *os_map_as(size_t size, int protection, int flags)
{
    if (os_must_fail())
        return NULL;
    void *start =
        mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

void *os_map(size_t size)
{
    return os_map_as(size, PROT_READ | PROT_WRITE, 0);
}

void *os_reserve_aligned(size_t size, size_t align)
{
    size_t total;
    char *start = os_map_as(size, PROT_NONE, MAP_NORESERVE);
    if (start == NULL || ((uintptr_t)start & (align - 1)) == 0)
        return start;
    os_unmap(start, size);
    if (add_overflows(size, align, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    /* `align` too much: the ends go back. */
    start = os_map_as(total, PROT_NONE, MAP_NORESERVE);
    if (start == NULL)
        return NULL;
    char *aligned = (char *)align_up((uintptr_t)start, align);
    if (aligned != start)
        os_unmap(start, (size_t)(aligned - start));
    size_t behind = (size_t)(start + total - (aligned + size));
    if (behind != 0)
        os_unmap(aligned + size, behind);
    return aligned;
}

bool os_hold(void *start, size_t size)
{
    int saved = errno;
    /* Older kernels take the place for a wish. */
    void *got =
        mmap(start, size, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != MAP_FAILED && got != start)
        munmap(got, size);
    errno = saved;
    return got == start;
}

bool os_commit(void *start, size_t size)
{
    return !os_must_fail() && mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
}

void os_decommit(void *start, size_t size)
{
    int saved = errno;
    /* A fresh mapping in its place: pages and commit charge go in one call. */
    if (mmap(start, size, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
             0) == MAP_FAILED)
        madvise(start, size, MADV_DONTNEED);
    errno = saved;
}

void os_unmap(void *start, size_t size)
{
    int saved = errno;
    /* At vm.max_map_count a hole cannot be cut: then at least the pages go. */
    if (munmap(start, size) != 0)
        madvise(start, size, MADV_DONTNEED);
    errno = saved;
}

void *os_remap(void *start, size_t old_size, size_t new_size, bool may_move)
{
    if (new_size > old_size && os_must_fail())
        return NULL;
    void *moved = mremap(start, old_size, new_size, may_move ? MREMAP_MAYMOVE : 0);
    return moved == MAP_FAILED ? NULL : moved;
}

void *os_break(intptr_t delta)
{
    if (delta > 0 && os_must_fail())
        return NULL;
    void *old = sbrk(delta);
    return old == (void *)-1 ? NULL : old;
}

static bool os_advise(void *start, size_t size, int advice)
{
    int saved = errno;
    bool done = madvise(start, size, advice) == 0;
    errno = saved;
    return done;
}

/* Whether no filter of system calls watches this thread: it might kill the process for
 * one that allocators do not make elsewhere. EINVAL: the kernel has no such filters. */
static bool os_is_unfiltered(void)
{
    int mode = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    return mode == 0 || (mode < 0 && errno == EINVAL);
}

/* Many ranges in one system call, and so with one interrupt for the processors that run
 * the program's other threads (Linux 6.16). Returns how many went, from the first. */
static unsigned os_purge_at_once(const struct os_range *ranges, unsigned count)
{
    static _Atomic bool unknown;
    static_assert(sizeof *ranges == sizeof(struct iovec) &&
                      offsetof(struct os_range, size) ==
                          offsetof(struct iovec, iov_len),
                  "a range is an iovec");
    if (count < 2 || unknown || !os_is_unfiltered())
        return 0;
    long got = syscall(SYS_process_madvise, PIDFD_SELF_THREAD_GROUP, ranges,
                       (size_t)count, MADV_DONTNEED, 0U);
    if (got < 0) {
        unknown = errno == ENOSYS || errno == EBADF || errno == EPERM;
        return 0;
    }
    unsigned done = 0;
    for (size_t left = (size_t)got; done < count && left >= ranges[done].size; done++)
        left -= ranges[done].size;
    return done;
}

void os_purge(struct os_range *ranges, unsigned count, bool at_once)
{
    int saved = errno;
    for (unsigned i = at_once ? os_purge_at_once(ranges, count) : 0; i < count; i++)
        if (!os_advise(ranges[i].start, ranges[i].size, MADV_DONTNEED))
            ranges[i].size = 0;
    errno = saved;
}

size_t os_resident(const void *start, size_t size)
{
    unsigned char there[512];
    size_t page = os_page_size(), sum = 0, step = sizeof there * page;
    int saved = errno;
    for (size_t done = 0; done < size; done += step) {
        size_t part = min_size(step, size - done);
        if (mincore((char *)(uintptr_t)start + done, part, there) != 0) {
            sum += part;
            continue;
        }
        for (size_t i = 0; i < part / page; i++)
            sum += (there[i] & 1) != 0 ? page : 0;
    }
    errno = saved;
    return sum;
}

void os_name(void *start, size_t size, const char *name)
{
    int saved = errno;
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, size, name);
    errno = saved;
}

void os_dump(void *start, size_t size, bool wanted)
{
    os_advise(start, size, wanted ? MADV_DODUMP : MADV_DONTDUMP);
}

void os_random(void *out, size_t bytes)
{
    int saved = errno;
    long got = syscall(SYS_getrandom, out, bytes, 1 /* GRND_NONBLOCK */);
    errno = saved;
    if (got == (long)bytes)
        return;
    /* Early boot, or a filter: the kernel's 16 start-up bytes, stirred by the clock. */
    const unsigned char *seed = (const unsigned char *)getauxval(AT_RANDOM);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t x = (uint64_t)now.tv_nsec ^ ((uint64_t)getpid() << 32) ^ (uintptr_t)&now;
    for (size_t i = 0; i < bytes; i++) {
        x = multiply_fold(x + (seed != NULL ? seed[i % 16] : 0), 0x9e3779b97f4a7c15ULL);
        ((unsigned char *)out)[i] = (unsigned char)(x >> 24);
    }
}

int os_bar_cancel(void)
{
    int before = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void os_allow_cancel(int before)
{
    pthread_setcancelstate(before, NULL);
}

void os_bar_signals(sigset_t *before)
{
    /* What the thread brings on itself would end the process instead: a program may handle
     * it, as garbage collectors do. */
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t set;
    sigfillset(&set);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&set, own[i]);
    pthread_sigmask(SIG_BLOCK, &set, before);
}

void os_allow_signals(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* glibc's. The lock is recursive, so that its own fork takes it again. */
extern void _IO_list_lock(void) WEAK;
extern void _IO_list_unlock(void) WEAK;
extern void _IO_list_resetlock(void) WEAK;
extern char __libc_single_threaded WEAK;
/* Times it was locked here; its holder writes. A handler between the two that forks, and
 * a child that goes on from there, would have one without the other. */
static _Atomic unsigned os_streams;

void os_streams_lock(void)
{
    if (&__libc_single_threaded == NULL || __libc_single_threaded != 0 ||
        _IO_list_lock == NULL || _IO_list_unlock == NULL || _IO_list_resetlock == NULL)
        return;
    sigset_t before;
    os_bar_signals(&before);
    _IO_list_lock();
    os_streams++;
    os_allow_signals(&before);
}

void os_streams_unlock(bool child)
{
    if (os_streams == 0)
        return;
    sigset_t before;
    os_bar_signals(&before);
    if (child) { /* as glibc itself does there, if there were threads */
        os_streams = 0;
        _IO_list_resetlock();
    } else {
        os_streams--;
        _IO_list_unlock();
    }
    os_allow_signals(&before);
}

size_t os_address_limit(void)
{
    int saved = errno;
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    errno = saved;
    return known ? (size_t)limit.rlim_cur : SIZE_MAX;
}

static ssize_t os_read_start(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, buffer, size);
    close(fd);
    return got;
}

/* Whole small file into `buffer`, NUL at the end; false if it cannot be read. */
static bool os_read_file(const char *path, char *buffer, size_t capacity)
{
    int cancel = os_bar_cancel();
    ssize_t got = os_read_start(path, buffer, capacity - 1);
    os_allow_cancel(cancel);
    if (got < 0)
        return false;
    buffer[got] = '\0';
    return true;
}

static uint64_t os_parse(const char **s)
{
    uint64_t n = 0;
    while (**s >= '0' && **s <= '9')
        n = n * 10 + (uint64_t)(*(*s)++ - '0');
    return n;
}

/* CPUs that "quota period" of a cpu.max file allows, rounded up; 0: no limit. */
static unsigned os_quota_of(const char *path)
{
    char text[64];
    if (!os_read_file(path, text, sizeof text) || text[0] < '0' || text[0] > '9')
        return 0;
    const char *s = text;
    uint64_t quota = os_parse(&s);
    if (*s == ' ')
        s++;
    uint64_t period = os_parse(&s);
    return period == 0 ? 0 : (unsigned)((quota + period - 1) / period);
}

/* The least quota on the way from this process's cgroup (version 2) to the root. */
static unsigned os_quota(void)
{
    enum { PREFIX = sizeof "/sys/fs/cgroup" - 1 };
    char text[512], path[600] = "/sys/fs/cgroup";
    unsigned least = 0;
    if (!os_read_file("/proc/self/cgroup", text, sizeof text))
        return 0;
    char *own = strstr(text, "0::/");
    if (own == NULL)
        return 0;
    own += 3;
    size_t length = strcspn(own, "\n");
    memcpy(path + PREFIX, own, length);
    for (;;) {
        while (length > 0 && path[PREFIX + length - 1] == '/')
            length--;
        memcpy(path + PREFIX + length, "/cpu.max", sizeof "/cpu.max");
        unsigned quota = os_quota_of(path);
        if (quota != 0 && (least == 0 || quota < least))
            least = quota;
        if (length == 0)
            return least;
        while (length > 0 && path[PREFIX + length - 1] != '/')
            length--;
    }
}

unsigned os_cpus(void)
{
    int saved = errno;
    unsigned long set[64] = {0}; /* 4,096 CPUs */
    unsigned count = 0;
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof set, set);
    for (long i = 0; i < bytes / (long)sizeof(long); i++)
        for (unsigned long bits = set[i]; bits != 0; bits &= bits - 1)
            count++;
    unsigned quota = os_quota();
    if (count == 0)
        count = 1;
    errno = saved;
    return quota != 0 && quota < count ? quota : count;
}

/* The kernel's own, or libc's. Found at the first call; two threads find the same. */
static vdso_clock *os_clock(void)
{
    static vdso_clock *_Atomic found;
    vdso_clock *clock = atomic_load_explicit(&found, memory_order_relaxed);
    if (clock == NULL) {
        clock = vdso_find_clock();
        if (clock == NULL)
            clock = clock_gettime;
        atomic_store_explicit(&found, clock, memory_order_relaxed);
    }
    return clock;
}

uint64_t os_clock_ms(void)
{
    struct timespec now = {0, 0};
    os_clock()(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned os_thread_id(void)
{
    return (unsigned)syscall(SYS_gettid);
}

/* Where process_vm_readv is forbidden: a pipe refuses what it cannot read. */
static size_t os_peek_by_pipe(const char *from, char *to, size_t bytes)
{
    int ends[2];
    size_t done = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return 0;
    while (done < bytes) {
        size_t page_left = os_page - ((uintptr_t)(from + done) & (os_page - 1));
        size_t want = min_size(min_size(bytes - done, page_left), 4096);
        if (write(ends[1], from + done, want) != (ssize_t)want ||
            read(ends[0], to + done, want) != (ssize_t)want)
            break;
        done += want;
    }
    close(ends[0]);
    close(ends[1]);
    return done;
}

size_t os_peek(const void *from, void *to, size_t bytes)
{
    int saved = errno;
    struct iovec there = {(void *)(uintptr_t)from, bytes}, here = {to, bytes};
    ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    size_t done = got > 0 ? (size_t)got : 0;
    if (got < 0 && errno != EFAULT)
        done = os_peek_by_pipe(from, to, bytes);
    errno = saved;
    return done;
}

/* The kernel looks whether the word is the expected one before it would sleep. */
static bool os_is_readable(uintptr_t page)
{
    enum { HARDLY = 0x5eed5eed };
    static const struct timespec none;
    return syscall(SYS_futex, page, FUTEX_WAIT_PRIVATE, HARDLY, &none, NULL, 0) == 0 ||
           errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR;
}

READS_FRAMES static void os_copy(unsigned char *to, const volatile unsigned char *from,
                                 size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = from[i];
}

size_t os_peek_own(const void *from, void *to, size_t bytes)
{
    int saved = errno;
    uintptr_t start = (uintptr_t)from;
    size_t done = 0;
    while (done < bytes && os_is_readable(align_down(start + done, os_page))) {
        size_t page_left = os_page - ((start + done) & (os_page - 1));
        size_t part = min_size(bytes - done, page_left);
        os_copy((unsigned char *)to + done, (const unsigned char *)(start + done),
                part);
        done += part;
    }
    errno = saved;
    return done;
}

void os_program(char *out, size_t capacity)
{
    int saved = errno;
    if (!os_read_file("/proc/self/comm", out, capacity))
        memcpy(out, "?", 2);
    out[strcspn(out, "\n")] = '\0';
    errno = saved;
}

unsigned os_process_id(void)
{
    return (unsigned)getpid();
}

int os_create(const char *path)
{
    int saved = errno;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    errno = saved;
    return fd;
}

bool os_publish(int fd, const char *from, const char *to)
{
    int saved = errno;
    bool done = close(fd) == 0 && rename(from, to) == 0;
    errno = saved;
    return done;
}

const char *os_environment(const char *name)
{
    size_t length = strlen(name);
    if (getauxval(AT_SECURE) != 0 || environ == NULL)
        return NULL;
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

void os_wait(_Atomic uint32_t *word, uint32_t expected)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
    errno = saved;
}

void os_wake(_Atomic uint32_t *word)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
}
