/* Rules to words; see play_why.h. No state. */
#include "play_why.h"

#include "core/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLAUSES_MAX = 60 };

struct why {
    FILE *out;
    uint64_t want;   /* size that is looked for */
    bool first;      /* no clause yet */
    bool giving;     /* the step frees */
    uint32_t before; /* rule before this one */
};

static void why_say(struct why *w, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (!w->first)
        fputs("; ", w->out);
    w->first = false;
    vfprintf(w->out, format, list);
    va_end(list);
}

static const char *why_bin(uint64_t size, char *text, size_t room)
{
    snprintf(text, room, size < LARGE_MIN ? "small[%#" PRIx64 "]" : "its large bin",
             size);
    return text;
}

/* Rules of the search for a chunk. */
static bool why_take(struct why *w, uint32_t rule, uint64_t v)
{
    char bin[40];
    switch (rule) {
    case TRACE_WANT:
        if (v != w->want && w->want != 0)
            why_say(w,
                    "with room for its alignment or class, %#" PRIx64 " is looked for",
                    v);
        w->want = v;
        return true;
    case TRACE_FAST_HIT:
        why_say(w, "fast[%#" PRIx64 "] has one: the newest is taken", v);
        return true;
    case TRACE_SMALL_HIT:
        why_say(w, "small[%#" PRIx64 "] has one: the oldest is taken", v);
        return true;
    case TRACE_SORT:
        why_say(w, "unsorted %#" PRIx64 " is %s and goes to %s", v,
                w->want == 0  ? "looked at"
                : v < w->want ? "too small"
                              : "not an exact fit",
                why_bin(v, bin, sizeof bin));
        return true;
    case TRACE_UNSORTED_HIT:
        why_say(w, "unsorted %#" PRIx64 " fits exactly", v);
        return true;
    case TRACE_FIT:
        why_say(w, "the best fit among the bins is %#" PRIx64, v);
        return true;
    case TRACE_SPLIT:
        why_say(w, "it is split, and the rest, %#" PRIx64 ", goes to the unsorted bin",
                v);
        return true;
    case TRACE_WHOLE:
        if (v > w->want && w->want != 0)
            why_say(w,
                    "a rest of %#" PRIx64 " would be smaller than any chunk, so all "
                    "%#" PRIx64 " is handed out",
                    v - w->want, v);
        else
            why_say(w, "all %#" PRIx64 " is handed out", v);
        return true;
    case TRACE_CARVE:
        why_say(w, "the run is carved into %" PRIu64 " neighbour%s", v,
                v == 1 ? "" : "s");
        return true;
    default:
        return false;
    }
}

/* Rules of the top. */
static bool why_top(struct why *w, uint32_t rule, uint64_t v)
{
    switch (rule) {
    case TRACE_TOP_CUT:
        if (w->giving)
            why_say(w, "the dirty part of the top, %#" PRIx64 ", is taken out", v);
        else if (w->before == TRACE_EXTEND)
            why_say(w, "the top is split: %#" PRIx64 " off its start", v);
        else
            why_say(w,
                    "no bin has one, so the top is split: %#" PRIx64
                    " off its start, the rest stays top",
                    v);
        return true;
    case TRACE_TOP_SMALL:
        if (v == 0)
            why_say(w, "there is no top yet");
        else
            why_say(w, "the top, %#" PRIx64 ", is too small", v);
        return true;
    default:
        return false;
    }
}

/* Rules of giving back. */
static bool why_give(struct why *w, uint32_t rule, uint64_t v)
{
    switch (rule) {
    case TRACE_FAST_PUT:
        why_say(w,
                "small enough to be parked in fast[%#" PRIx64
                "], unmerged: its neighbours still take it for used",
                v);
        return true;
    case TRACE_MERGE_BEFORE:
        why_say(w, "the chunk before, %#" PRIx64 ", is free: joined", v);
        return true;
    case TRACE_MERGE_BEHIND:
        why_say(w, "the chunk behind, %#" PRIx64 ", is free: joined", v);
        return true;
    case TRACE_MERGE_TOP:
        why_say(w, "the top lies behind: %#" PRIx64 " becomes part of it", v);
        return true;
    case TRACE_UNSORTED_PUT:
        if (w->before == TRACE_MERGE_BEFORE || w->before == TRACE_MERGE_BEHIND)
            why_say(w,
                    "the sum, %#" PRIx64 ", goes to the unsorted bin, and the P of "
                    "the chunk behind is cleared",
                    v);
        else if (w->before != TRACE_SPLIT)
            why_say(w,
                    "no neighbour is free: %#" PRIx64 " goes to the unsorted bin, and "
                    "the P of the chunk behind is cleared",
                    v);
        return true;
    case TRACE_CONSOLIDATE:
        why_say(w, "the fast bins, %#" PRIx64 " bytes, are merged", v);
        return true;
    case TRACE_HEAP_GIVE:
        why_say(w, "a whole heap of %#" PRIx64 " is free and leaves the arena", v);
        return true;
    case TRACE_TRIM:
        why_say(w, "the top is trimmed: %#" PRIx64 " bytes go back", v);
        return true;
    case TRACE_PURGE:
        why_say(w,
                "more free pages are resident than the budget allows: %#" PRIx64
                " bytes are purged",
                v);
        return true;
    default:
        return false;
    }
}

static bool why_cache(struct why *w, uint32_t rule, uint64_t v)
{
    const char *s = v == 1 ? "" : "s";
    switch (rule) {
    case TRACE_CACHE_HIT:
        why_say(w, "the thread's cache has one of %#" PRIx64 ": popped, no lock", v);
        return true;
    case TRACE_CACHE_FILL:
        why_say(w, "the cache took %" PRIu64 " chunk%s in one visit of the arena", v,
                s);
        return true;
    case TRACE_DEPOT_HIT:
        why_say(w, "the depot hands over a magazine of %" PRIu64, v);
        return true;
    case TRACE_CACHE_PUT:
        why_say(w, "pushed on the thread's cache for %#" PRIx64 ", no lock, not merged",
                v);
        return true;
    case TRACE_CACHE_WIDEN:
        why_say(w,
                "the cache has %s of this class; it may hold %" PRIu64 " from now on",
                w->giving ? "no room" : "none", v);
        return true;
    case TRACE_CACHE_FLUSH:
        why_say(w, "%" PRIu64 " chunk%s leave%s the cache for the arena", v, s,
                v == 1 ? "s" : "");
        return true;
    default:
        return false;
    }
}

/* Heaps, mappings, realloc. */
static bool why_other(struct why *w, uint32_t rule, uint64_t v)
{
    switch (rule) {
    case TRACE_HEAP_GROW:
        why_say(w, "the heap grows by %#" PRIx64, v);
        return true;
    case TRACE_HEAP_NEW:
        why_say(w, "a heap of %#" PRIx64 " is made", v);
        return true;
    case TRACE_MAP:
        why_say(w, "so large that it gets a mapping of its own, %#" PRIx64 " bytes", v);
        return true;
    case TRACE_MAP_REUSE:
        why_say(w, "a kept mapping of %#" PRIx64 " bytes is used again", v);
        return true;
    case TRACE_MAP_KEEP:
        why_say(w,
                "its mapping, %#" PRIx64 " bytes, is kept for a while: such sizes came "
                "back lately",
                v);
        return true;
    case TRACE_UNMAP:
        why_say(w, "its mapping, %#" PRIx64 " bytes, goes back to the system", v);
        return true;
    case TRACE_MAP_RESIZE:
        why_say(w, "the kernel resizes the mapping to %#" PRIx64 " bytes", v);
        return true;
    case TRACE_FITS:
        why_say(w,
                "the chunk, %#" PRIx64 ", is large enough, and too little is left to "
                "cut off",
                v);
        return true;
    case TRACE_SHRINK:
        why_say(w, "the end of the chunk, %#" PRIx64 ", is cut off and freed", v);
        w->giving = true;
        return true;
    case TRACE_EXTEND:
        why_say(w,
                "what lies behind it is free: it grows in place into %#" PRIx64
                " of that",
                v);
        return true;
    case TRACE_MOVE:
        why_say(w,
                "it cannot grow where it is: a new block, %" PRIu64
                " bytes copied, the old one freed",
                v);
        w->giving = true;
        return true;
    default:
        return false;
    }
}

static void why_refused(struct why *w, const struct play_op *op, uint64_t error)
{
    bool product = op->verb == PLAY_CALLOC || op->verb == PLAY_REALLOCARRAY;
    if (error == EINVAL)
        why_say(w, "%" PRIu64 " is no power of two: NULL and EINVAL", op->a);
    else if (error == ENOMEM && product && op->a != 0 && op->b > UINT64_MAX / op->a)
        why_say(w, "the product is more than a size_t holds: NULL and ENOMEM");
    else if (error == ENOMEM && play_op_bytes(op) > INT64_MAX)
        why_say(w, "no object may have more bytes than PTRDIFF_MAX, 2^63 - 1: NULL and "
                   "ENOMEM");
    else if (error == ENOMEM)
        why_say(w, "there is no memory for that much: NULL and ENOMEM");
}

static void why_opening(struct why *w, const struct play_run *r)
{
    const struct play_op *op = r->op;
    uint64_t bytes = play_op_bytes(op);
    const struct heap_chunk *c = play_heap_of_mem(&r->heap, r->session.result);
    if (play_shapes[op->verb].result && r->session.result == 0)
        why_refused(w, op, r->session.error);
    if (op->verb == PLAY_FREE && op->source >= 0 && r->value[op->source] == 0)
        why_say(w, "free(NULL) does nothing");
    if (c == NULL || r->session.result == 0)
        return;
    if (c->state == WALK_MAPPED)
        why_say(w, "%" PRIu64 " asked + 16 bytes of header, in whole pages", bytes);
    else if (c->state == WALK_LIVE) {
        w->want = chunk_size_for(bytes);
        why_say(w, "%" PRIu64 " asked + 8 of header are a chunk of %#" PRIx64, bytes,
                (uint64_t)chunk_size_for(bytes));
    }
}

/* How often the same rule follows with the same value. */
static size_t why_times(const struct play_session *s, size_t from)
{
    size_t i = from + 1;
    while (i < s->rules && s->rule[i].rule == s->rule[from].rule &&
           s->rule[i].value == s->rule[from].value)
        i++;
    return i - from;
}

char *why_sentence(const struct play_run *r)
{
    unsigned clauses = 0;
    char *text = NULL;
    size_t length = 0;
    const struct play_session *s = &r->session;
    struct why w = {.out = open_memstream(&text, &length), .first = true};
    if (w.out == NULL)
        return NULL;
    w.giving = r->op->verb == PLAY_FREE || r->op->verb == PLAY_TRIM ||
               r->op->verb == PLAY_EXIT;
    if (s->released) /* two threads' rules are mixed */
        w.giving = false;
    why_opening(&w, r);
    if (r->op->verb == PLAY_WRITE)
        why_say(&w, "the program itself writes; no allocator is asked");
    if (r->op->verb == PLAY_SBRK)
        why_say(&w, "the program moves the break behind the allocator's back");
    for (size_t i = 0; i < s->rules; i++) {
        uint32_t rule = s->rule[i].rule;
        uint64_t v = s->rule[i].value;
        size_t times = why_times(s, i);
        if (++clauses > CLAUSES_MAX) {
            why_say(&w, "and %zu more rules", s->rules - i);
            break;
        }
        i += times - 1;
        if (!why_take(&w, rule, v) && !why_top(&w, rule, v) && !why_give(&w, rule, v) &&
            !why_cache(&w, rule, v) && !why_other(&w, rule, v))
            why_say(&w, "rule %" PRIu32 " (%#" PRIx64 ")", rule, v);
        if (times > 1)
            fprintf(w.out, " (%zu times)", times);
        w.before = rule;
    }
    if (s->released)
        why_say(&w, "it had to wait for the lock that the held call has, so that one "
                    "goes on");
    if (r->op->part == PLAY_HELD)
        why_say(&w, s->held ? "and here it is inside the kernel, its arena locked"
                            : "it made no call that could be held, and is done");
    if (s->rules_lost != 0)
        why_say(&w, "(%" PRIu32 " earlier rules are lost)", s->rules_lost);
    if (s->ended && s->text != NULL)
        why_say(&w, "a check fails: the report says which");
    else if (s->ended)
        why_say(&w, "the program dies of it: nothing is mapped there");
    if (w.first)
        why_say(&w,
                r->op->verb == PLAY_TRIM ? "nothing to give back" : "nothing changes");
    fclose(w.out);
    return text;
}
