/*
 * The libc names of Chunky's calls; none when CHUNKY_OVERRIDE is 0. In the unity build
 * each name is a second label on the same code. No state.
 * libchunky-calls.a gets this file a second time, with CHUNKY_BESIDE 1: then it is the
 * mark alone that says the names were taken out of the archive.
 */
#include "front/override.h"

#include "base/compiler.h"

#ifndef CHUNKY_OVERRIDE
#define CHUNKY_OVERRIDE 1
#endif

/* There, in libchunky-calls.a, where the names that override are not. */
extern HIDDEN const char override_taken_out WEAK;

#if defined(CHUNKY_BESIDE)

const char override_taken_out = 1;

#elif CHUNKY_OVERRIDE

#include "chunky.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef CHUNKY_UNITY
#define TWIN(type, name, parameters, arguments)                                        \
    PUBLIC type name parameters ALIAS_OF("chunky_" #name);
#define ALSO(type, name, target, parameters, arguments)                                \
    PUBLIC type name parameters;                                                       \
    PUBLIC type name parameters ALIAS_OF("chunky_" #target);
#else
#define TWIN(type, name, parameters, arguments)                                        \
    PUBLIC type name parameters                                                        \
    {                                                                                  \
        return chunky_##name arguments;                                                \
    }
#define ALSO(type, name, target, parameters, arguments)                                \
    PUBLIC type name parameters;                                                       \
    PUBLIC type name parameters                                                        \
    {                                                                                  \
        return chunky_##target arguments;                                              \
    }
#endif

TWIN(void *, malloc, (size_t bytes), (bytes))
TWIN(void *, realloc, (void *mem, size_t bytes), (mem, bytes))
TWIN(void *, reallocarray, (void *mem, size_t count, size_t bytes), (mem, count, bytes))
TWIN(void, free, (void *mem), (mem))
TWIN(void *, aligned_alloc, (size_t align, size_t bytes), (align, bytes))
TWIN(void *, memalign, (size_t align, size_t bytes), (align, bytes))
TWIN(int, posix_memalign, (void **out, size_t align, size_t bytes), (out, align, bytes))
TWIN(void *, valloc, (size_t bytes), (bytes))
TWIN(void *, pvalloc, (size_t bytes), (bytes))
TWIN(size_t, malloc_usable_size, (void *mem), (mem))
TWIN(int, malloc_trim, (size_t pad), (pad))
TWIN(int, mallopt, (int parameter, int value), (parameter, value))
TWIN(struct mallinfo, mallinfo, (void), ())
#ifdef CHUNKY_HAS_MALLINFO2
TWIN(struct mallinfo2, mallinfo2, (void), ())
#endif
TWIN(int, malloc_info, (int options, FILE *stream), (options, stream))
TWIN(void, malloc_stats, (void), ())
ALSO(HOT void, cfree, free, (void *mem), (mem))
ALSO(void, free_sized, free_sized, (void *mem, size_t bytes), (mem, bytes))
ALSO(void, free_aligned_sized, free_aligned_sized,
     (void *mem, size_t align, size_t bytes), (mem, align, bytes))
ALSO(size_t, memalignment, memalignment, (const void *mem), (mem))

/* The process's calloc may be another one. Weak, so that the compiler does not take the
 * name for the code it stands on here, and asks the dynamic linker. */
#ifdef CHUNKY_UNITY
HOT static void *calloc_here(size_t count, size_t bytes) ALIAS_OF("chunky_calloc");
#else
static void *calloc_here(size_t count, size_t bytes)
{
    return chunky_calloc(count, bytes);
}
#endif
HOT PUBLIC WEAK void *calloc(size_t count, size_t bytes) ALIAS_OF("calloc_here");

bool override_won(void)
{
    return &override_taken_out == NULL && calloc == calloc_here;
}

#else

bool override_won(void)
{
    return false;
}

#endif
