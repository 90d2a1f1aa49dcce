/*
 * The kernel as the allocator asks it, with refusals on demand: mmap and its kin are
 * defined here, and the shared or static library under test calls these. To be included
 * by one file of a program, and not in sanitizer builds, which define them too.
 *   refuse_requests(3, 3)         the third request from now on is refused
 *   refuse_requests(3, LONG_MAX)  that one and all behind it
 * REFUSE_FROM=n (and REFUSE_ALWAYS=1) in the environment: counted from the program's start.
 */
#ifndef TEST_SUPPORT_REFUSING_KERNEL_H
#define TEST_SUPPORT_REFUSING_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOT_COUNTED = -1, NOT_STARTED = -2 };

static atomic_long kernel_requests = NOT_STARTED;
static atomic_long kernel_refused; /* how many were */
static long kernel_from, kernel_to;

/* Counts from 0 again, and refuses from the `from`th to the `to`th. */
static inline void refuse_requests(long from, long to)
{
    kernel_from = from;
    kernel_to = to;
    atomic_store(&kernel_refused, 0);
    atomic_store(&kernel_requests, 0);
}

/* Ends that; returns how many were refused. */
static inline long refuse_no_more(void)
{
    atomic_store(&kernel_requests, NOT_COUNTED);
    return atomic_load(&kernel_refused);
}

/* Before anything of libc can be trusted. */
static inline void kernel_start(void)
{
    const char *from = NULL, *always = NULL;
    if (environ) {
        from = getenv("REFUSE_FROM");
        always = getenv("REFUSE_ALWAYS");
    }
    atomic_store(&kernel_requests, NOT_COUNTED);
    if (from)
        refuse_requests(atol(from), always ? LONG_MAX : atol(from));
}

static inline bool kernel_refuses(int why)
{
    if (atomic_load(&kernel_requests) == NOT_STARTED)
        kernel_start();
    if (atomic_load(&kernel_requests) == NOT_COUNTED)
        return false;
    long n = atomic_fetch_add(&kernel_requests, 1) + 1;
    if (n < kernel_from || n > kernel_to)
        return false;
    atomic_fetch_add(&kernel_refused, 1);
    errno = why;
    return true;
}

void *mmap(void *start, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (kernel_refuses(ENOMEM))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, start, size, protection, flags, fd, offset);
}

int munmap(void *start, size_t size)
{
    return kernel_refuses(ENOMEM) ? -1 : (int)syscall(SYS_munmap, start, size);
}

int mprotect(void *start, size_t size, int protection)
{
    return kernel_refuses(ENOMEM) ? -1
                                  : (int)syscall(SYS_mprotect, start, size, protection);
}

int madvise(void *start, size_t size, int advice)
{
    return kernel_refuses(EINVAL) ? -1 : (int)syscall(SYS_madvise, start, size, advice);
}

void *mremap(void *start, size_t old_size, size_t new_size, int flags, ...)
{
    if (kernel_refuses(ENOMEM))
        return MAP_FAILED;
    return (void *)syscall(SYS_mremap, start, old_size, new_size, flags, NULL);
}

/* libc's own variable for the break is left out: nobody else moves it here. */
void *sbrk(intptr_t delta)
{
    uintptr_t old = (uintptr_t)syscall(SYS_brk, 0);
    uintptr_t to = old + (uintptr_t)delta;
    if (delta > 0 && kernel_refuses(ENOMEM))
        return (void *)-1;
    if (delta != 0 && (uintptr_t)syscall(SYS_brk, to) != to) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return (void *)old;
}

#endif
