/* Traces as text, and as scripts; see play_trace.h. No state. */
#include "play_trace.h"

#include "play_list.h"

#include <inttypes.h>
#include <string.h>

static const char trace_head[] = "chunky play trace 1\n";

/* --- from a log ------------------------------------------------------------------- */

/* Which number each address has at the moment: a hash table, 0 for none. */
struct blocks {
    struct block {
        uint64_t mem, number;
    } * slot;
    size_t slots; /* a power of two, at least twice the entries of the log */
    uint64_t last;
};

static struct block *blocks_of(const struct blocks *b, uint64_t mem)
{
    size_t i = (size_t)(mem * 0x9e3779b97f4a7c15ULL >> 20) & (b->slots - 1);
    while (b->slot[i].mem != 0 && b->slot[i].mem != mem)
        i = (i + 1) & (b->slots - 1);
    b->slot[i].mem = mem;
    return &b->slot[i];
}

struct writer {
    FILE *out;
    struct blocks blocks;
    struct leaving {
        uint64_t mem, number;
    } * leaving; /* by thread: the block in a realloc */
    uint32_t threads;
    struct trace_sums sums;
};

/* A block that still has a number was freed by a call that was not seen. */
static uint64_t writer_take(struct writer *w, uint32_t thread, uint64_t mem)
{
    struct block *b = blocks_of(&w->blocks, mem);
    if (b->number != 0) {
        fprintf(w->out, "%" PRIu32 " free %" PRIu64 "\n", thread, b->number);
        w->sums.operations++;
    }
    w->sums.operations++;
    return b->number = ++w->sums.blocks;
}

static void writer_free(struct writer *w, uint32_t thread, uint64_t number)
{
    if (number == 0) {
        w->sums.left_out++;
        return;
    }
    fprintf(w->out, "%" PRIu32 " free %" PRIu64 "\n", thread, number);
    w->sums.operations++;
}

/* What stood there before a realloc, and what it returned. */
static void writer_realloc(struct writer *w, const struct record_entry *e)
{
    struct leaving old = w->leaving[e->thread];
    w->leaving[e->thread] = (struct leaving){0, 0};
    if (e->block == 0 && e->a == 0) {
        writer_free(w, e->thread, old.number);
    } else if (e->block == 0 && old.number != 0) { /* it failed: the block stays */
        blocks_of(&w->blocks, old.mem)->number = old.number;
    } else if (e->block != 0) {
        struct block *b = blocks_of(&w->blocks, e->block);
        b->number = 0;
        uint64_t number = writer_take(w, e->thread, e->block);
        if (old.number == 0)
            fprintf(w->out, "%" PRIu32 " malloc %" PRIu64 " = %" PRIu64 "\n", e->thread,
                    e->a, number);
        else
            fprintf(w->out,
                    "%" PRIu32 " realloc %" PRIu64 " %" PRIu64 " = %" PRIu64 "\n",
                    e->thread, old.number, e->a, number);
    }
}

static void writer_entry(struct writer *w, const struct record_entry *e, uint32_t verb)
{
    static const char *const names[] = {[RECORD_MALLOC] = "malloc",
                                        [RECORD_CALLOC] = "calloc",
                                        [RECORD_MEMALIGN] = "memalign"};
    struct block *b;
    switch (verb) {
    case RECORD_MALLOC:
    case RECORD_CALLOC:
    case RECORD_MEMALIGN:
        if (e->block == 0)
            return;
        uint64_t number = writer_take(w, e->thread, e->block);
        fprintf(w->out, "%" PRIu32 " %s %" PRIu64, e->thread, names[verb], e->a);
        if (verb != RECORD_MALLOC)
            fprintf(w->out, " %" PRIu64, e->b);
        fprintf(w->out, " = %" PRIu64 "\n", number);
        return;
    case RECORD_FREE:
    case RECORD_LEAVE:
        b = blocks_of(&w->blocks, e->block);
        if (verb == RECORD_FREE)
            writer_free(w, e->thread, b->number);
        else
            w->leaving[e->thread] = (struct leaving){e->block, b->number};
        b->number = 0;
        return;
    case RECORD_REALLOC:
        writer_realloc(w, e);
        return;
    default:
        return;
    }
}

struct trace_sums trace_write(FILE *out, const struct record_log *log,
                              const char *about)
{
    struct writer w = {.out = out, .threads = atomic_load(&log->threads)};
    uint64_t count = atomic_load(&log->next), calls = 0;
    count = count > log->slots ? log->slots : count;
    w.blocks.slots = 1024;
    while (w.blocks.slots < 2 * count)
        w.blocks.slots *= 2;
    w.blocks.slot = calloc(w.blocks.slots, sizeof *w.blocks.slot);
    w.leaving = calloc((size_t)w.threads + 1, sizeof *w.leaving);
    if (w.blocks.slot == NULL || w.leaving == NULL)
        list_fail();
    fprintf(out, "%s# %s\n", trace_head, about);
    for (uint64_t i = 0; i < count && calls < log->limit; i++) {
        const struct record_entry *e = &log->entry[i];
        uint32_t verb = atomic_load_explicit(&e->verb, memory_order_acquire);
        calls += verb != RECORD_LEAVE;
        if (e->thread != 0 && e->thread <= w.threads)
            writer_entry(&w, e, verb);
    }
    fprintf(out, "end %" PRIu64 "\n", w.sums.operations);
    free(w.blocks.slot);
    free(w.leaving);
    return w.sums;
}

/* --- to a script ------------------------------------------------------------------ */

struct reading {
    struct play_script *script;
    struct play_error *error;
    const char *start, *at; /* of the line, and in it */
    unsigned line;
    char *live; /* by number of the block */
    size_t live_room;
    size_t blocks;
    uint64_t operations;
};

static bool reading_fail(struct reading *r, const char *expected)
{
    size_t length = strcspn(r->at, " \n");
    r->error->line = r->line;
    r->error->column = (unsigned)(r->at - r->start) + 1;
    if (length == 0)
        snprintf(r->error->text, sizeof r->error->text, "expected %s, found the end%s",
                 expected, *r->at == '\0' ? "" : " of the line");
    else
        snprintf(r->error->text, sizeof r->error->text, "expected %s, found \"%.*s\"",
                 expected, (int)(length > 40 ? 40 : length), r->at);
    return false;
}

static bool reading_word(struct reading *r, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

static bool reading_number(struct reading *r, uint64_t *value, const char *what)
{
    const char *at = r->at + strspn(r->at, " ");
    uint64_t n = 0;
    r->at = at;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return reading_fail(r, "a number below 2^64");
        n = n * 10 + digit;
    }
    if (at == r->at || (*at != ' ' && *at != '\n'))
        return reading_fail(r, what);
    *value = n;
    r->at = at;
    return true;
}

/* The number of a block that is in use, which then is not any more. */
static bool reading_old(struct reading *r, uint64_t *block)
{
    if (!reading_number(r, block, "the number of a block"))
        return false;
    if (*block > 0 && *block <= r->blocks && r->live[*block] != 0) {
        r->live[*block] = 0;
        return true;
    }
    while (r->at > r->start && r->at[-1] != ' ')
        r->at--;
    return reading_fail(r, "a block that is in use");
}

/* "= N", N being the next number. */
static bool reading_new(struct reading *r, int *name)
{
    char expected[40], text[32];
    uint64_t number = 0;
    snprintf(expected, sizeof expected, "\"= %zu\"", r->blocks + 1);
    r->at += strspn(r->at, " ");
    const char *from = r->at;
    if (!reading_word(r, "= ") || !reading_number(r, &number, expected) ||
        number != r->blocks + 1) {
        r->at = from;
        return reading_fail(r, expected);
    }
    r->live = list_room(r->live, &r->live_room, r->blocks, 2, 1);
    r->live[++r->blocks] = 1;
    snprintf(text, sizeof text, "b%" PRIu64, number);
    *name = names_add(&r->script->name, text);
    return true;
}

/* Threads beyond those that a script may have share the numbers of others. */
static unsigned reading_thread(struct reading *r, uint64_t thread)
{
    char text[16];
    if (thread == 1)
        return 0;
    unsigned folded = 2 + (unsigned)((thread - 2) % (PLAY_THREADS - 1));
    snprintf(text, sizeof text, "t%u", folded);
    return (unsigned)names_add(&r->script->thread, text);
}

static bool reading_call(struct reading *r, uint64_t thread)
{
    static const enum play_verb verbs[] = {PLAY_MALLOC, PLAY_CALLOC, PLAY_MEMALIGN,
                                           PLAY_REALLOC, PLAY_FREE};
    struct play_op op = {.target = -1, .source = -1};
    size_t k = 0;
    r->at += strspn(r->at, " ");
    while (k < sizeof verbs / sizeof verbs[0] &&
           !reading_word(r, play_shapes[verbs[k]].name))
        k++;
    if (k == sizeof verbs / sizeof verbs[0])
        return reading_fail(r, "malloc, calloc, memalign, realloc or free");
    op.verb = verbs[k];
    uint64_t block = 0;
    bool takes = op.verb == PLAY_REALLOC || op.verb == PLAY_FREE;
    bool pair = op.verb == PLAY_CALLOC || op.verb == PLAY_MEMALIGN;
    if ((takes && !reading_old(r, &block)) ||
        (op.verb != PLAY_FREE && !reading_number(r, &op.a, "a number of bytes")) ||
        (pair && !reading_number(r, &op.b, "a number of bytes")) ||
        (op.verb != PLAY_FREE && !reading_new(r, &op.target)))
        return false;
    if (*r->at != '\n')
        return reading_fail(r, "the end of the line");
    if (takes)
        op.source = (int)block - 1; /* names are in the order of the blocks */
    struct play_op *new = play_append(r->script, op.verb, reading_thread(r, thread));
    op.thread = new->thread;
    op.number = ++r->script->last;
    *new = op;
    new->text = play_spell(r->script, new);
    r->operations++;
    return true;
}

/* The last line: nothing may be missing, and nothing may follow. */
static bool reading_end(struct reading *r)
{
    char expected[48];
    uint64_t count = 0;
    snprintf(expected, sizeof expected, "\"end %" PRIu64 "\"", r->operations);
    if (!reading_number(r, &count, expected))
        return false;
    if (count != r->operations) {
        r->at = r->start;
        return reading_fail(r, expected);
    }
    if (strcmp(r->at, "\n") == 0)
        return true;
    r->at++;
    return reading_fail(r, "the end of the file");
}

static bool reading_lines(struct reading *r)
{
    while (*r->at != '\0') {
        uint64_t thread = 0;
        r->start = r->at;
        if (reading_word(r, "end"))
            return reading_end(r);
        if (*r->at != '#') {
            if (!reading_number(r, &thread, "the number of a thread") ||
                (thread == 0 && !reading_fail(r, "threads from 1 on")) ||
                !reading_call(r, thread))
                return false;
        }
        r->at += strcspn(r->at, "\n");
        r->at += *r->at == '\n';
        r->line++;
    }
    r->start = r->at;
    return reading_fail(r, "\"end\" and the number of operations: it was cut off");
}

bool trace_is(const char *text)
{
    return strncmp(text, trace_head, sizeof trace_head - 1 - 2) == 0;
}

bool trace_parse(struct play_script *s, const char *text, struct play_error *error)
{
    struct reading r = {
        .script = s, .error = error, .start = text, .at = text, .line = 1};
    names_add(&s->thread, "main");
    bool good = reading_word(&r, trace_head) || reading_fail(&r, "version 1 of traces");
    r.line = good ? 2 : 1;
    good = good && reading_lines(&r);
    free(r.live);
    if (!good)
        play_cut(s, 0);
    return good;
}
