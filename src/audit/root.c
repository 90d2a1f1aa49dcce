/*
 * The description of this build; see layout.h. Not part of the tool: it is the library
 * that describes itself. State: chunky_root.
 */
#include "audit/root.h"

#include "audit/walk.h"
#include "base/check.h"
#include "chunky.h"
#include "core/cache.h"
#include "core/mapped.h"
#include "core/meta.h"

#include <limits.h>

/* clang-format off: a table */
#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define WHOLE(id, type)                                                                \
    [id] = {0, sizeof(type) > USHRT_MAX ? USHRT_MAX : sizeof(type), 1}
#define FIELD(id, type, member)                                                        \
    [id] = {offsetof(type, member), SIZE_OF(type, member), 1}
#define ARRAY(id, type, member)                                                        \
    [id] = {offsetof(type, member), SIZE_OF(type, member[0]),                          \
            SIZE_OF(type, member) / SIZE_OF(type, member[0])}

static_assert((int)WALK_DIRTY == (int)DIRTY_LISTS, "readers see all lists");

/* Written to never, yet not const: core files hold only what could be written. */
static struct layout_field root_fields[LAYOUT_FIELDS] = {
    WHOLE(ARENA_SIZE, struct arena),
    FIELD(ARENA_LOCK, struct arena, lock.word),
    FIELD(ARENA_INDEX, struct arena, index),
    FIELD(ARENA_FLAGS, struct arena, flags),
    FIELD(ARENA_GENERATION, struct arena, generation),
    FIELD(ARENA_THREADS, struct arena, threads),
    FIELD(ARENA_NEXT, struct arena, next),
    FIELD(ARENA_TUNE, struct arena, tune),
    FIELD(ARENA_HEAPS, struct arena, heaps),
    FIELD(ARENA_TOP_HEAP, struct arena, top_heap),
    FIELD(ARENA_TOP, struct arena, top),
    FIELD(ARENA_TOP_CLEAN, struct arena, top_clean),
    FIELD(ARENA_HEAP_BYTES, struct arena, heap_bytes),
    FIELD(ARENA_FREE_BYTES, struct arena, free_bytes),
    FIELD(ARENA_FAST_BYTES, struct arena, fast_bytes),
    ARRAY(ARENA_FAST, struct arena, fast),
    FIELD(ARENA_UNSORTED, struct arena, unsorted),
    ARRAY(ARENA_BINS, struct arena, bins.head),
    ARRAY(ARENA_BIN_MAP, struct arena, bins.map),
    ARRAY(ARENA_DIRTY_OLDEST, struct arena, dirty_oldest),
    ARRAY(ARENA_DIRTY_NEWEST, struct arena, dirty_newest),
    ARRAY(ARENA_DIRTY_BYTES, struct arena, dirty_bytes),
    FIELD(ARENA_WIDENED, struct arena, widened),
    FIELD(ARENA_PURGING, struct arena, purging),
    ARRAY(ARENA_DEPOT_FULL, struct arena, depot.full),
    FIELD(ARENA_DEPOT_BYTES, struct arena, depot.bytes),
    FIELD(ARENA_REMOTE_LIST, struct arena, remote.list),
    FIELD(ARENA_REMOTE_BYTES, struct arena, remote.bytes),
    [ARENA_COUNTS] = {offsetof(struct arena, counts), sizeof(uint64_t),
                      sizeof(struct arena_counts) / sizeof(uint64_t)},
    WHOLE(HEAP_STRUCT_SIZE, struct heap),
    FIELD(HEAP_MAGIC_WORD, struct heap, magic),
    FIELD(HEAP_ARENA, struct heap, arena),
    FIELD(HEAP_NEXT, struct heap, next),
    FIELD(HEAP_START, struct heap, start),
    FIELD(HEAP_END, struct heap, end),
    FIELD(HEAP_LIMIT, struct heap, limit),
    FIELD(HEAP_FIRST, struct heap, first),
    FIELD(HEAP_KIND, struct heap, kind),
    FIELD(HEAP_FLAGS, struct heap, flags),
    WHOLE(MAGAZINE_SIZE, struct magazine),
    FIELD(MAGAZINE_NEXT, struct magazine, next),
    FIELD(MAGAZINE_CLASS, struct magazine, class),
    FIELD(MAGAZINE_COUNT, struct magazine, count),
    ARRAY(MAGAZINE_SLOT, struct magazine, slot),
    WHOLE(CACHE_SIZE, struct cache),
    ARRAY(CACHE_STACK, struct cache, stack),
    ARRAY(CACHE_STATE, struct cache, state),
    FIELD(CACHE_NEXT, struct cache, next),
    FIELD(CACHE_PREV, struct cache, prev),
    FIELD(CACHE_ARENA, struct cache, arena),
    FIELD(CACHE_SPARE, struct cache, spare),
    FIELD(CACHE_SPARES, struct cache, spares),
    FIELD(CACHE_THREAD, struct cache, thread),
    FIELD(CACHE_CAPACITY, struct cache, capacity),
    FIELD(CACHE_BUDGET, struct cache, budget),
    WHOLE(STACK_SIZE, struct stack),
    FIELD(STACK_TOP, struct stack, top),
    FIELD(STACK_LIMIT, struct stack, limit),
    WHOLE(STATE_SIZE, struct stack_state),
    FIELD(STATE_BASE, struct stack_state, base),
    FIELD(STATE_ROOM, struct stack_state, room),
    FIELD(STATE_ALLOWED, struct stack_state, allowed),
    WHOLE(MAPPED_ALL_SIZE, struct mapped_state),
    FIELD(MAPPED_LIVE, struct mapped_state, live),
    FIELD(MAPPED_KEPT, struct mapped_state, kept),
    FIELD(MAPPED_SLOTS, struct mapped_state, slots),
    FIELD(MAPPED_SLOT_COUNT, struct mapped_state, slot_count),
    FIELD(MAPPED_SLOT_FREE, struct mapped_state, slot_free),
    FIELD(MAPPED_COUNT, struct mapped_state, count),
    FIELD(MAPPED_BYTES, struct mapped_state, bytes),
    FIELD(MAPPED_KEPT_BYTES, struct mapped_state, kept_bytes),
    FIELD(MAPPED_PEAK_COUNT, struct mapped_state, peak_count),
    FIELD(MAPPED_PEAK_BYTES, struct mapped_state, peak_bytes),
    FIELD(MAPPED_MAPS, struct mapped_state, maps),
    FIELD(MAPPED_UNMAPS, struct mapped_state, unmaps),
    FIELD(MAPPED_REMAPS, struct mapped_state, remaps),
    FIELD(MAPPED_REUSES, struct mapped_state, reuses),
    WHOLE(MAPPED_SIZE, struct mapped),
    FIELD(MAPPED_NEXT, struct mapped, next),
    FIELD(MAPPED_PREV, struct mapped, prev),
    FIELD(MAPPED_START, struct mapped, start),
    FIELD(MAPPED_LENGTH, struct mapped, length),
    FIELD(MAPPED_CHUNK, struct mapped, chunk),
    FIELD(MAPPED_SINCE, struct mapped, since),
    FIELD(MAPPED_SLOT, struct mapped, slot),
    WHOLE(META_SIZE, struct meta),
    FIELD(META_REGIONS, struct meta, regions),
    FIELD(META_BUMP, struct meta, bump),
    FIELD(META_END, struct meta, end),
    FIELD(META_MAPPED, struct meta, mapped),
    FIELD(META_USED, struct meta, used),
    WHOLE(REGION_SIZE, struct meta_region),
    FIELD(REGION_NEXT, struct meta_region, next),
    FIELD(REGION_BYTES, struct meta_region, size),
    WHOLE(SPARE_SIZE, struct heap_spare),
    FIELD(SPARE_FIRST, struct heap_spare, first),
    FIELD(SPARE_COUNT, struct heap_spare, count),
    WHOLE(TUNE_SIZE, struct tune),
    FIELD(TUNE_CACHE_BYTES, struct tune, cache_bytes),
    FIELD(TUNE_CACHE_TOTAL, struct tune, cache_total),
    FIELD(TUNE_DEPOT_BYTES, struct tune, depot_bytes),
    FIELD(TUNE_FAST_MAX, struct tune, fast_max),
    FIELD(TUNE_FAST_BYTES, struct tune, fast_bytes),
    FIELD(TUNE_MMAP_THRESHOLD, struct tune, mmap_threshold),
    FIELD(TUNE_MMAP_THRESHOLD_MAX, struct tune, mmap_threshold_max),
    FIELD(TUNE_MMAP_MAX, struct tune, mmap_max),
    FIELD(TUNE_TRIM_THRESHOLD, struct tune, trim_threshold),
    FIELD(TUNE_TOP_PAD, struct tune, top_pad),
    FIELD(TUNE_PURGE_BASE, struct tune, purge_base),
    FIELD(TUNE_PURGE_PERCENT, struct tune, purge_percent),
    FIELD(TUNE_PURGE_HOLD_MS, struct tune, purge_hold_ms),
    FIELD(TUNE_ARENA_MAX, struct tune, arena_max),
    FIELD(TUNE_ARENA_TEST, struct tune, arena_test),
    FIELD(TUNE_CHECK, struct tune, check),
    FIELD(TUNE_REQUEST, struct tune, request),
    FIELD(TUNE_PERTURB, struct tune, perturb),
    FIELD(TUNE_DYNAMIC, struct tune, dynamic),
    FIELD(ARENA_KIND, struct arena, kind),
    ARRAY(ARENA_NAME_TEXT, struct arena, name),
    FIELD(ARENA_LIMIT, struct arena, limit),
    FIELD(ARENA_USED, struct arena, used),
    FIELD(ARENA_BLOCKS, struct arena, blocks),
    FIELD(MAPPED_OWNER, struct mapped, owner),
    FIELD(TUNE_CONTROL, struct tune, control),
    FIELD(CACHE_QUARANTINE, struct cache, quarantine),
    FIELD(TUNE_GUARD_RATE, struct tune, guard_rate),
    FIELD(MAPPED_LOCK, struct mapped_state, lock.word),
    FIELD(META_LOCK, struct meta, lock.word),
    FIELD(MAGAZINE_HIGH, struct magazine, high),
};
/* clang-format on */

static_assert(LAYOUT_FIELDS <= LAYOUT_ROOM, "readers take this many");

PUBLIC USED struct root chunky_root = {
    .magic = {'c', 'h', 'u', 'n', 'k', 'y', ' ', 'h', 'e', 'a', 'p', ' ', 'r', 'o', 'o',
              't'},
    .self = &chunky_root,
    .major = LAYOUT_MAJOR,
    .minor = LAYOUT_MINOR,
    .size = sizeof(struct root),
    .field_count = LAYOUT_FIELDS,
    .fields = root_fields,
    .arena_main = &arena_main,
    .mapped = &mapped,
    .meta = &meta,
    .cache_list = &cache_list,
    .spare = &heap_spare,
    .keys = &heap_keys,
    .class_sizes = class_sizes,
    .class_width = sizeof class_sizes[0],
    .class_count = CLASS_COUNT,
    .fast_count = FAST_COUNT,
    .bin_count = BIN_COUNT,
    .magazine_slots = MAGAZINE_SLOTS,
    .heap_span = HEAP_SPAN,
    .meta_large = (uint64_t)1 << META_MAX_LOG2,
    .version = CHUNKY_VERSION,
#if CHUNKY_AUDIT
    .build = "audit",
#elif CHUNKY_DEBUG
    .build = "debug",
#else
    .build = "release",
#endif
};

void root_describe(enum layout_id id, struct layout_field f)
{
    root_fields[id] = f;
}

void root_init(size_t page)
{
    chunky_root.page = (uint32_t)page;
}
