/* What a wrong pointer is; see mistake.h. No state. */
#include "front/mistake.h"

#include "base/compiler.h"
#include "front/fault.h"
#include "front/mapping.h"

/* In a heap: the header that stands before mem, and the chunk that really is there. */
static const char *mistake_in_heap(uintptr_t mem, const struct located *l)
{
    struct view own;
    const struct view *at = &l->at;
    bool starts = at->chunk + CHUNK_HEADER == mem;
    bool stale = !starts && locate_view(mem - CHUNK_HEADER, &own) &&
                 own.kind == VIEW_IDLE &&
                 own.size >= CHUNK_MIN; /* zeroes pass now and then */
    if (l->kind == LOCATED_NO_CHUNK || at->kind == VIEW_FENCE)
        return "invalid pointer: into the heap, but behind all its blocks";
    if (starts && (at->kind == VIEW_IDLE || at->kind == VIEW_TOP))
        return "double free: the block is free already";
    if (starts && at->kind == VIEW_LIVE)
        return "double free, or a race: another thread changed the block just now";
    if (stale && at->kind == VIEW_LIVE)
        return "double free: the block was freed, and its memory is part of another "
               "one";
    if (stale)
        return "double free: the block was freed and merged with a free neighbour";
    if (at->kind == VIEW_LIVE)
        return "invalid pointer: into the middle of a block";
    if (at->kind == VIEW_IDLE || at->kind == VIEW_TOP)
        return "invalid pointer: into free memory, no block starts here";
    return starts
               ? "overwritten header: heap overflow of the block before, or underflow"
               : "invalid pointer: behind an overwritten header";
}

static const char *mistake_elsewhere(uintptr_t mem, uintptr_t *gone)
{
    struct mapping m;
    size_t bytes;
    uintptr_t here = (uintptr_t)FRAME_ADDRESS();
    if (fault_was_unmapped(mem, gone, &bytes))
        return "double free: the block was a mapping, and is gone";
    if (!mapping_find(mem, &m))
        return "invalid pointer: no memory is mapped there";
    if (here - m.start < m.end - m.start || m.name[0] == '[')
        return m.name[0] == '[' && m.name[1] != 's' ? "invalid pointer: not of the heap"
                                                    : "invalid pointer: to the stack";
    if (m.name[0] == '/')
        return "invalid pointer: to a global or constant";
    return "invalid pointer: to memory that is none of Chunky's";
}

const char *mistake_name(uintptr_t mem, const struct located *l)
{
    uintptr_t gone = 0;
    switch (l->kind) {
    case LOCATED_HEAP:
    case LOCATED_NO_CHUNK:
        return mistake_in_heap(mem, l);
    case LOCATED_KEPT:
        return "double free: the block is free already";
    case LOCATED_SPARE:
        return "double free: the block went with its heap, which is gone";
    case LOCATED_RECORDS:
        return "invalid pointer: to Chunky's own records, a heap's handle maybe";
    case LOCATED_MAPPED:
        return l->at.chunk + CHUNK_HEADER != mem
                   ? "invalid pointer: into the middle of a block"
               : l->at.kind == VIEW_LIVE
                   ? "double free, or a race: another thread changed the block just now"
                   : "overwritten header: heap overflow of the block before, or "
                     "underflow";
    default:
        return mistake_elsewhere(mem, &gone);
    }
}
