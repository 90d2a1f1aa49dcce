/*
 * The names under test; include it last. With TEST_PREFIX they are the chunky_ twins,
 * so that one source tests both ways in. Without TEST_CHUNKY a test runs on whatever
 * malloc the process has, and leaves out what only Chunky promises.
 */
#ifndef TEST_API_NAMES_H
#define TEST_API_NAMES_H

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TEST_PREFIX
#include "chunky.h"
#define malloc chunky_malloc
#define free chunky_free
#define calloc chunky_calloc
#define realloc chunky_realloc
#define reallocarray chunky_reallocarray
#define aligned_alloc chunky_aligned_alloc
#define posix_memalign chunky_posix_memalign
#define memalign chunky_memalign
#define valloc chunky_valloc
#define pvalloc chunky_pvalloc
#define malloc_usable_size chunky_malloc_usable_size
#define free_sized chunky_free_sized
#define free_aligned_sized chunky_free_aligned_sized
#define memalignment chunky_memalignment
#define malloc_trim chunky_malloc_trim
#define mallopt chunky_mallopt
#define malloc_info chunky_malloc_info
#define malloc_stats chunky_malloc_stats
/* These two are also names of structs. */
#define mallinfo() chunky_mallinfo()
#define mallinfo2() chunky_mallinfo2()
#else
/* C23; older C libraries do not declare them. */
void free_sized(void *mem, size_t bytes);
void free_aligned_sized(void *mem, size_t align, size_t bytes);
size_t memalignment(const void *mem);
#ifndef __GLIBC__
/* Chunky exports glibc's names everywhere; their types come from chunky.h then. */
#include "chunky.h"
void *pvalloc(size_t bytes);
void *reallocarray(void *mem, size_t count, size_t bytes);
int malloc_trim(size_t pad);
int mallopt(int parameter, int value);
struct mallinfo2 mallinfo2(void);
struct mallinfo mallinfo(void);
int malloc_info(int options, FILE *stream);
void malloc_stats(void);
#endif
#endif

#ifdef TEST_CHUNKY
enum { UNDER_CHUNKY = 1 };
#else
enum { UNDER_CHUNKY = 0 };
#endif

#ifdef TEST_SANITIZED
enum { UNDER_SANITIZER = 1 };
#else
enum { UNDER_SANITIZER = 0 };
#endif

enum { LEAST_ALIGN = 16 };

static inline bool is_aligned(const void *mem, size_t align)
{
    return ((uintptr_t)mem & (align - 1)) == 0;
}

/* The compiler knows nothing about what comes back: for sizes it would warn about. */
static inline size_t unknown(size_t n)
{
    volatile size_t hidden = n;
    return hidden;
}

/* A pointer of which the compiler does not know that a failed call left it valid. */
static inline void *unknown_mem(void *mem)
{
    void *volatile hidden = mem;
    return hidden;
}

#endif
