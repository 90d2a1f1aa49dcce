/* malloc_usable_size, the C23 calls, malloc_trim, mallopt. No state. */
#include "base/check.h"
#include "chunky.h"
#include "front/cache.h"
#include "front/checked.h"
#include "front/malloc.h"
#include "front/options.h"
#include "front/supply.h"
#include "front/thread.h"

PUBLIC const char *chunky_version(void)
{
    return CHUNKY_VERSION;
}

PUBLIC size_t chunky_malloc_usable_size(void *mem)
{
    size_t size;
    if (mem == NULL)
        return 0;
    if (LIKELY(malloc_is_plain(mem, &size, "malloc_usable_size")))
        return size - CHUNK_OVERHEAD;
    size_t asked = checked_hits == 0 ? CANARY_NONE : checked_usable_hit(mem);
    if (asked != CANARY_NONE)
        return asked;
    const struct chunk *c = malloc_verify(mem, "malloc_usable_size");
    return c == NULL ? 0 : checked_request(c, FAMILY_ANY);
}

PUBLIC void chunky_free_sized(void *mem, size_t bytes)
{
    if (mem != NULL && UNLIKELY(thread_is_checked()))
        if (!checked_sized(mem, bytes, 0, "free_sized"))
            return;
    chunky_free(mem);
}

PUBLIC void chunky_free_aligned_sized(void *mem, size_t align, size_t bytes)
{
    if (mem != NULL && UNLIKELY(thread_is_checked()))
        if (!checked_sized(mem, bytes, align, "free_aligned_sized"))
            return;
    chunky_free(mem);
}

PUBLIC size_t chunky_memalignment(const void *mem)
{
    uintptr_t address = (uintptr_t)mem;
    return address & (0 - address);
}

PUBLIC int chunky_malloc_trim(size_t pad)
{
    thread_start_process();
    size_t total = supply_give_back(pad);
    AUDIT_ALL();
    return total != 0;
}

static int mallopt_size(_Atomic size_t *where, int value)
{
    if (value < 0)
        return 0;
    *where = (size_t)value;
    options_note((const void *)where, "mallopt");
    return 1;
}

/* Setting one of these fixes the threshold, as in glibc. */
static int mallopt_fixed(_Atomic size_t *where, int value)
{
    int done = mallopt_size(where, value);
    if (done)
        tune.dynamic = 0;
    return done;
}

/* What the cache holds by now may lie at the top. */
static int mallopt_trim(int value)
{
    if (value < -1)
        return 0;
    tune.trim_threshold = value == -1 ? SIZE_MAX : (size_t)value;
    tune.trim_set = 1;
    tune.dynamic = 0;
    options_note((const void *)&tune.trim_threshold, "mallopt");
    struct cache *k = thread_cache();
    if (k != NULL)
        cache_empty(k);
    return 1;
}

PUBLIC int chunky_mallopt(int parameter, int value)
{
    thread_start_process();
    switch (parameter) {
    case M_MXFAST:
        if (value < 0 || value > 80 * (int)sizeof(size_t) / 4)
            return 0;
        tune.fast_max = value == 0 ? 0 : chunk_size_for((size_t)value);
        options_note((const void *)&tune.fast_max, "mallopt");
        return 1;
    case M_TRIM_THRESHOLD:
        return mallopt_trim(value);
    case M_TOP_PAD:
        return mallopt_fixed(&tune.top_pad, value);
    case M_MMAP_THRESHOLD:
        return mallopt_fixed(&tune.mmap_threshold, value);
    case M_MMAP_MAX:
        return mallopt_fixed(&tune.mmap_max, value);
    case M_CHECK_ACTION:
        return 1; /* a finding always aborts, as in glibc since 2.26 */
    case M_PERTURB:
        tune.perturb = (unsigned)value & 0xff;
        options_note((const void *)&tune.perturb, "mallopt");
        checked_init();
        thread_cache();
        return 1;
    case M_ARENA_TEST:
        return value > 0 && mallopt_size(&tune.arena_test, value);
    case M_ARENA_MAX:
        return value > 0 && mallopt_size(&tune.arena_max, value);
    default:
        return 0;
    }
}
