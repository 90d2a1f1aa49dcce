/*
 * chunky.h - Chunky, a memory allocator whose heap you can see. The only public header.
 *
 * Every call is thread-safe; none is safe in a signal handler that interrupted one of
 * them. Memory belongs to the caller until it is freed by a call of the same family;
 * the libc names and the chunky_ names are one family when both come from Chunky.
 * Sizes are bytes. All memory is aligned to 16 bytes at least. malloc-like calls return
 * NULL and set errno to ENOMEM on failure; freeing preserves errno.
 * Sources: ISO C (C23 7.24.3), POSIX.1-2017, glibc's malloc(3), mallinfo(3), mallopt(3).
 */
#ifndef CHUNKY_H
#define CHUNKY_H

#include <stddef.h>
#include <stdio.h>

#ifdef __GLIBC__
#include <malloc.h> /* struct mallinfo, struct mallinfo2, M_ parameters */
#if __GLIBC_PREREQ(2, 33)
#define CHUNKY_HAS_MALLINFO2 1
#endif
#else /* other C libraries have none of them: the same names and numbers */
#define CHUNKY_HAS_MALLINFO2 1
struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks,
        keepcost;
};
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks,
        keepcost;
};
#define M_MXFAST 1
#define M_TRIM_THRESHOLD (-1)
#define M_TOP_PAD (-2)
#define M_MMAP_THRESHOLD (-3)
#define M_MMAP_MAX (-4)
#define M_CHECK_ACTION (-5)
#define M_PERTURB (-6)
#define M_ARENA_TEST (-7)
#define M_ARENA_MAX (-8)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CHUNKY_VERSION "0.1.0"
#define CHUNKY_VERSION_MAJOR 0
#define CHUNKY_VERSION_MINOR 1

/* "0.1.0"; static storage. */
const char *chunky_version(void);

/* ISO C: malloc(0) returns a unique pointer. */
void *chunky_malloc(size_t bytes);
void *chunky_calloc(size_t count, size_t bytes);
/* realloc(p, 0) frees p and returns NULL, errno unchanged, as glibc does. */
void *chunky_realloc(void *mem, size_t bytes);
void chunky_free(void *mem);

/* C23. The size and alignment are evidence, never trusted: see libchunky(7), check. */
void chunky_free_sized(void *mem, size_t bytes);
void chunky_free_aligned_sized(void *mem, size_t align, size_t bytes);
/* C23: the largest power of two that divides the address; 0 for NULL. */
size_t chunky_memalignment(const void *mem);

/* Fails with ENOMEM when count * bytes overflows. */
void *chunky_reallocarray(void *mem, size_t count, size_t bytes);

/* align: a power of two, else EINVAL. bytes need not be a multiple of it. */
void *chunky_aligned_alloc(size_t align, size_t bytes);
/* align is rounded up to a power of two; EINVAL if there is none. */
void *chunky_memalign(size_t align, size_t bytes);
/* Returns 0, EINVAL (align no power of two multiple of sizeof(void *)) or ENOMEM;
 * errno and, on failure, *out are unchanged. */
int chunky_posix_memalign(void **out, size_t align, size_t bytes);
/* Page-aligned; pvalloc also rounds the size up to whole pages. */
void *chunky_valloc(size_t bytes);
void *chunky_pvalloc(size_t bytes);

/* Bytes that may be used at mem, at least what was asked for; 0 for NULL. */
size_t chunky_malloc_usable_size(void *mem);

/* Gives free memory back to the system, but `pad` bytes at the top of the main heap.
 * Returns 1 if some was given back, else 0. */
int chunky_malloc_trim(size_t pad);
/* glibc's M_ parameters; 1 if accepted, 0 if unknown or out of range. */
int chunky_mallopt(int parameter, int value);
/* arena: bytes of heaps; uordblks: in use; fordblks: free, cached ones included;
 * hblks, hblkhd: mapped chunks and their bytes; keepcost: what trimming the top frees. */
struct mallinfo chunky_mallinfo(void);
#ifdef CHUNKY_HAS_MALLINFO2
struct mallinfo2 chunky_mallinfo2(void);
#endif
/* XML on `stream`, and 0; options must be 0, else EINVAL is returned. */
int chunky_malloc_info(int options, FILE *stream);
/* A summary on stderr. */
void chunky_malloc_stats(void);

/*
 * Named heaps: memory that belongs together, apart from everything else, freed at once.
 * Any thread may use any heap; free, realloc and malloc_usable_size take its blocks too,
 * and a grown block stays in its heap. A heap knows what each of its blocks was asked
 * for: usable size is the size asked. It costs a lock a call and takes no thread caches.
 */
struct chunky_heap;

/* `name` (cut to 31 bytes) is what people see: chunky stats, /proc/PID/maps where the
 * kernel can. `limit`: most bytes of blocks with their headers, 0: none. NULL and EINVAL
 * without a name, ENOMEM. */
struct chunky_heap *chunky_heap_create(const char *name, size_t limit);
/* Frees all its blocks and the heap, which no other thread may be using. NULL: nothing
 * happens. Keeps errno. */
void chunky_heap_destroy(struct chunky_heap *heap);

/* As malloc, calloc, realloc, aligned_alloc, free. NULL and ENOMEM beyond the limit. A
 * block of another heap, or a heap that is no more, ends in a report. */
void *chunky_heap_malloc(struct chunky_heap *heap, size_t bytes);
void *chunky_heap_calloc(struct chunky_heap *heap, size_t count, size_t bytes);
void *chunky_heap_realloc(struct chunky_heap *heap, void *mem, size_t bytes);
void *chunky_heap_aligned_alloc(struct chunky_heap *heap, size_t align, size_t bytes);
void chunky_heap_free(struct chunky_heap *heap, void *mem);

/* As it was cut; valid as long as the heap. */
const char *chunky_heap_name(struct chunky_heap *heap);
/* The named heap of a live block; NULL for any other live block, and for NULL. */
struct chunky_heap *chunky_heap_of(const void *mem);

struct chunky_heap_stats {
    size_t blocks; /* in use */
    size_t used;   /* bytes of these, headers included */
    size_t limit;  /* of used; 0: none */
    size_t heap;   /* bytes of address space for them, but for mapped blocks */
};
/* Of now; a call that is under way in another thread may be counted in part. */
struct chunky_heap_stats chunky_heap_stats(struct chunky_heap *heap);

/* One block in use. */
struct chunky_block {
    void *mem;
    size_t bytes;             /* asked for, if that is recorded; else usable */
    size_t usable;            /* room that it has */
    size_t size;              /* with header */
    struct chunky_heap *heap; /* named heap, or NULL */
    int is_mapped;            /* it has a mapping of its own */
};
/* Anything but 0 ends the walk. */
typedef int chunky_block_fn(const struct chunky_block *block, void *context);
/* Show every block in use of a named heap, of the process; return what the last call
 * returned, 0 without any. Arenas are locked meanwhile: the callback must not call
 * chunky_heap_ functions nor free what it is shown. What other threads allocate and free
 * during the walk may be missed. */
int chunky_heap_walk(struct chunky_heap *heap, chunky_block_fn *visit, void *context);
int chunky_walk(chunky_block_fn *visit, void *context);

#ifdef __cplusplus
}
#endif

#endif
