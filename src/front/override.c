/*
 * The libc names of Chunky's calls; nothing when CHUNKY_OVERRIDE is 0. In the unity
 * build each name is a second label on the same code. No state.
 */
#include "base/compiler.h"

#ifndef CHUNKY_OVERRIDE
#define CHUNKY_OVERRIDE 1
#endif

#if CHUNKY_OVERRIDE

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
TWIN(void *, calloc, (size_t count, size_t bytes), (count, bytes))
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

#endif
