/* Findings: one report, then abort; see report.h and base/check.h. */
#include "front/report.h"

#include "base/check.h"
#include "base/say.h"
#include "core/cache.h"
#include "core/heap.h"
#include "os/os.h"

#include <stdlib.h>
#include <unistd.h>

static void report_chunk(struct text *t, const char *label, const struct chunk *c)
{
    text_add(t, "  %s %p: size 0x%zx, flags %c%c%c%c, check %s\n", label, (void *)c,
             chunk_size(c), chunk_prev_inuse(c) ? 'P' : '-',
             chunk_is_mapped(c) ? 'M' : '-',
             (chunk_bits(c) & NON_MAIN_ARENA) != 0 ? 'A' : '-',
             (chunk_bits(c) & HAS_REQUEST) != 0 ? 'R' : '-',
             chunk_is_live(&heap_keys, c)   ? "right (in use)"
             : chunk_is_idle(&heap_keys, c) ? "inverted (free)"
                                            : "wrong (overwritten, or no block)");
}

_Noreturn void fail(const char *rule, const void *mem)
{
    char buffer[1536];
    struct text t = {buffer, sizeof buffer, 0};
    text_add(&t, "chunky: %s\n", rule);
    if (mem != NULL) {
        text_add(&t, "  block %p, thread %u, process %d\n", mem, os_thread_id(),
                 (int)getpid());
        if (((uintptr_t)mem & (CHUNK_ALIGN - 1)) == 0)
            report_chunk(&t, "chunk", chunk_of(mem));
    }
    say_bytes(2, t.data, t.length);
    abort();
}

_Noreturn void report_not_live(const void *mem, const char *verb)
{
    char rule[160];
    struct text t = {rule, sizeof rule, 0};
    const struct chunk *c = chunk_of(mem);
    rule[0] = '\0';
    if (((uintptr_t)mem & (CHUNK_ALIGN - 1)) != 0)
        text_add(&t, "%s: invalid pointer: not aligned, so no block starts here", verb);
    else if (chunk_is_idle(&heap_keys, c))
        text_add(&t, "%s: double free: the block is free already", verb);
    else
        text_add(&t, "%s: invalid pointer or overwritten header: no block starts here",
                 verb);
    fail(rule, mem);
}
