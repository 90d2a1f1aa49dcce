/*
 * What Chunky needs of an operating system; one file per system implements it.
 * Sizes are bytes and multiples of the page size unless said. Memory that is mapped
 * reads as zero. A call that may fail returns NULL or false and sets errno; all
 * others keep errno. Nothing here allocates. Notes: docs/porting.md
 */
#ifndef CHUNKY_OS_OS_H
#define CHUNKY_OS_OS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the page size; to be called once before anything else here. */
void os_init(void);
size_t os_page_size(void);

/* Read-write memory. */
void *os_map(size_t size);
/* Address space at a multiple of `align` (a power of two, at least a page), not accessible
 * until os_commit. */
void *os_reserve_aligned(size_t size, size_t align);
/* Makes a part of reserved space read-write. */
bool os_commit(void *start, size_t size);
/* Gives a committed part back and makes it inaccessible again. */
void os_decommit(void *start, size_t size);
void os_unmap(void *start, size_t size);
/* Pages of zeroes that may only be read, at just this place; false if it is taken. */
bool os_hold(void *start, size_t size);
/* Grows or shrinks a mapping, moving it if it must and may; contents are kept. */
void *os_remap(void *start, size_t old_size, size_t new_size, bool may_move);

/* Moves the program break by `delta` and returns the old break. Somebody else may
 * have moved it since. */
void *os_break(intptr_t delta);

struct os_range {
    void *start;
    size_t size; /* not 0 */
};

/* The pages of all these lose their contents and stop being resident; they read as zero
 * again. A range that is refused (locked memory, a sandbox) keeps its contents, and its
 * size becomes 0. `at_once`: by one system call where the kernel has it, after a question
 * whether a filter of system calls watches; a filter can kill for the question. */
void os_purge(struct os_range *ranges, unsigned count, bool at_once);
/* Bytes of whole pages that are resident; `size` if the kernel does not tell. */
size_t os_resident(const void *start, size_t size);
/* Names an anonymous mapping in /proc/PID/maps where the kernel can; a hint. */
void os_name(void *start, size_t size, const char *name);
/* Whether the pages belong in core files; a hint. All do at first. */
void os_dump(void *start, size_t size, bool wanted);

/* A thread is cancelled at libc's calls on files, but must not be in malloc: not between
 * these two. The first returns what the second takes. */
int os_bar_cancel(void);
void os_allow_cancel(int before);

/* No signal handler comes to the calling thread between these two, but for faults of its
 * own. The first fills what the second takes. */
void os_bar_signals(sigset_t *before);
void os_allow_signals(const sigset_t *before);

/* The C library's list of streams, which fork locks behind all handlers: whoever holds it
 * may wait for a stream, and that one's holder for memory. To be locked before any lock of
 * ours, and given after them. Nothing where the C library has none, or one thread runs. */
void os_streams_lock(void);
void os_streams_unlock(bool child);

/* Fills `out`; never fails (falls back on the kernel's start-up bytes and the clock). */
void os_random(void *out, size_t bytes);
/* Bytes of addresses that this process may have in all; SIZE_MAX: no limit. */
size_t os_address_limit(void);
/* CPUs that this process may use: affinity, and the cgroup's cpu.max; at least 1. */
unsigned os_cpus(void);
/* Milliseconds of a coarse monotonic clock. */
uint64_t os_clock_ms(void);
/* A number for the running thread, as the kernel knows it. */
unsigned os_thread_id(void);

/* Copies memory that may not exist: the bytes that could be read, from the first on.
 * Safe in a signal handler. */
size_t os_peek(const void *from, void *to, size_t bytes);
/* The same of what no other thread takes away meanwhile, as one's own stack: by a system
 * call that a sandbox knows from locks, since some kill for those of os_peek. */
size_t os_peek_own(const void *from, void *to, size_t bytes);
/* Writes the name of the program into `out` ("?" when unknown). */
void os_program(char *out, size_t capacity);

/* The process's number. */
unsigned os_process_id(void);
/* A new file in place of any old one, for writing; -1 when that cannot be. */
int os_create(const char *path);
/* Closes it and gives it its final name in one step; false when it is not there then. */
bool os_publish(int fd, const char *from, const char *to);

/* Value of an environment variable, or NULL; NULL in setuid programs. */
const char *os_environment(const char *name);

/* Sleeps while *word == expected; wakes one sleeper. */
void os_wait(_Atomic uint32_t *word, uint32_t expected);
void os_wake(_Atomic uint32_t *word);

#endif
