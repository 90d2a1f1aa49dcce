/* The ring of rules; see trace.h. */
#include "core/trace.h"

struct trace trace_ring;
PUBLIC struct trace *const chunky_trace = &trace_ring;

COLD void trace_write(enum trace_rule rule, uint64_t value)
{
    uint32_t at = atomic_fetch_add_explicit(&trace_ring.next, 1, memory_order_relaxed);
    struct trace_entry *entry = &trace_ring.ring[at % TRACE_ROOM];
    entry->rule = (uint32_t)rule;
    entry->value = value;
}
