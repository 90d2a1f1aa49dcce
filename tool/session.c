/* Beginning and end of verbs; names of addresses; filters. See session.h. */
#include "session.h"

#include "show.h"
#include "signals.h"
#include "text.h"
#include "wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

bool session_is_stdout(const char *output)
{
    return output == NULL || strcmp(output, "-") == 0;
}

bool session_is_heard(void)
{
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

bool session_spares(const struct options *o, const char *source)
{
    if (session_is_stdout(o->output) || source == NULL ||
        !source_is_file(source, o->output))
        return true;
    char *shown = text_printable(o->output);
    complain(STATUS_USAGE, "%s: what is read from cannot be written to, too", shown);
    free(shown);
    return false;
}

enum status session_read(struct session *n, struct options *o)
{
    *n = (struct session){.options = o, .file = -1};
    if (!session_spares(o, o->source))
        return STATUS_USAGE;
    enum status status = options_open(o, &n->source);
    if (status == STATUS_OK)
        status = scan_open(&n->scan, &n->source);
    if (status != STATUS_OK) {
        scan_close(&n->scan);
        source_close(&n->source);
    }
    return status;
}

/* What is in it already stays until session_start(). */
static FILE *session_file(struct session *n, const char *path)
{
    enum { FLAGS = O_WRONLY | O_CREAT | O_CLOEXEC, MODE = 0666 };
    int fd = open(path, FLAGS | O_EXCL, MODE);
    n->is_new = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, FLAGS, MODE);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        int why = errno;
        char *shown = text_printable(path);
        complain(STATUS_UNREADABLE, "%s: %s", shown, strerror(why));
        free(shown);
    } else {
        n->file = fd;
    }
    return out;
}

void session_start(struct session *n)
{
    if (n->file >= 0 && !n->is_started) /* only a regular file can be cut */
        (void)!ftruncate(n->file, 0);
    if (n->file >= 0 && !n->is_started && n->options->watch == 0)
        signals_unfinished(n->options->output);
    n->is_started = true;
}

enum status session_open(struct session *n, struct options *o)
{
    enum status status = session_open_late(n, o);
    if (status == STATUS_OK)
        session_start(n);
    return status;
}

enum status session_open_late(struct session *n, struct options *o)
{
    enum status status = session_read(n, o);
    if (status != STATUS_OK)
        return status;
    n->out = session_is_stdout(o->output) ? stdout : session_file(n, o->output);
    if (n->out == NULL)
        return session_close(n, STATUS_UNREADABLE);
    draw_open(&n->draw, n->out, o);
    if (options_want(o, "text") && n->draw.limit != 0 && !o->cuts)
        n->out = n->draw.out = wrap_open(n->out, n->draw.limit);
    else
        n->draw.limit = 0;
    return STATUS_OK;
}

void session_page(struct session *n)
{
    n->page_out = n->out;
    n->out = n->draw.out = must(open_memstream(&n->page, &n->page_size));
    n->draw.is_page = n->draw.color = n->draw.unicode = true;
}

static void session_page_end(struct session *n)
{
    draw_rows_end(&n->draw);
    draw_tint(&n->draw, TINT_NONE);
    fclose(n->out);
    n->out = n->draw.out = n->page_out;
    html_page(n->out, n->source.title, n->page);
    free(n->page);
}

enum status session_close(struct session *n, enum status status)
{
    if (n->page_out != NULL)
        session_page_end(n);
    bool written = n->out == NULL || draw_close(&n->draw);
    if (n->out != NULL && n->out != stdout)
        written = fclose(n->out) == 0 && written;
    if (n->is_new && !n->is_started)
        unlink(n->options->output);
    if (n->file >= 0 && n->is_started)
        signals_finished();
    if (!written && errno != EPIPE)
        status = complain(STATUS_UNREADABLE, "the output could not be written: %s",
                          strerror(errno));
    if (status == STATUS_OK && scan_is_damaged(&n->scan))
        status = STATUS_DAMAGED;
    if (n->source.is_truncated && status != STATUS_USAGE)
        status = STATUS_UNREADABLE;
    if (status != STATUS_USAGE && source_is_gone(&n->source))
        status = complain(STATUS_UNREADABLE, "%s ended while it was looked at",
                          n->source.title);
    scan_close(&n->scan);
    source_close(&n->source);
    return status;
}

/* --- names ------------------------------------------------------------------ */

/* How many heaps of the same arena lie before this one. */
static unsigned scan_heap_number(const struct scan *s, const struct scan_heap *h)
{
    unsigned n = 0;
    for (const struct scan_heap *at = s->heaps; at < h; at++)
        n += at->arena == h->arena && at->is_main == h->is_main;
    return n;
}

static const struct scan_mapped *scan_mapped_of(const struct scan *s, uint64_t address)
{
    for (size_t i = 0; i < s->mapped_count; i++)
        if (address - s->mapped[i].m.start < s->mapped[i].m.length)
            return &s->mapped[i];
    return NULL;
}

char *scan_name(const struct scan *s, char out[NAME_TEXT], uint64_t address)
{
    const struct scan_heap *h = scan_heap_of(s, address);
    const struct scan_mapped *m = h == NULL ? scan_mapped_of(s, address) : NULL;
    char number[16] = "";
    if (h != NULL) {
        unsigned n = scan_heap_number(s, h);
        if (n != 0)
            snprintf(number, sizeof number, "%u", n + 1);
        unsigned long long offset = address - h->h.first;
        if (h->is_main)
            snprintf(out, NAME_TEXT, "heap%s+0x%llx", number, offset);
        else
            snprintf(out, NAME_TEXT, "a%u%s%s+0x%llx", s->arenas[h->arena].a.index,
                     n == 0 ? "" : "h", number, offset);
    } else if (m != NULL) {
        snprintf(out, NAME_TEXT, "mapped%zu+0x%llx", (size_t)(m - s->mapped) + 1,
                 (unsigned long long)(address - m->m.start));
    } else if (scan_guard_has(s, address)) {
        snprintf(out, NAME_TEXT, "guard+0x%llx",
                 (unsigned long long)(address - s->guard_area.start));
    } else {
        snprintf(out, NAME_TEXT, "0x%llx", (unsigned long long)address);
    }
    return out;
}

char *session_name(const struct session *n, char out[NAME_TEXT], uint64_t address)
{
    if (n->options->rel)
        return scan_name(&n->scan, out, address);
    snprintf(out, NAME_TEXT, "0x%llx", (unsigned long long)address);
    return out;
}

/* The address that a relative name stands for: every base is tried. */
static bool session_relative(const struct session *n, const char *text,
                             uint64_t *address)
{
    const struct scan *s = &n->scan;
    const char *plus = strchr(text, '+');
    char name[NAME_TEXT];
    uint64_t offset;
    if (plus == NULL || !text_number(plus + 1, &offset))
        return false;
    if (strncmp(text, "guard+", 6) == 0 && s->guard_area.end != 0) {
        *address = s->guard_area.start + offset;
        return true;
    }
    for (size_t i = 0; i < s->heap_count + s->mapped_count; i++) {
        uint64_t base = i < s->heap_count ? s->heaps[i].h.first
                                          : s->mapped[i - s->heap_count].m.start;
        scan_name(s, name, base);
        if (strncmp(name, text, (size_t)(plus - text) + 1) == 0) {
            *address = base + offset;
            return *address >= base;
        }
    }
    return false;
}

bool session_address(const struct session *n, const char *text, uint64_t *address)
{
    char padded[64];
    if (session_relative(n, text, address) || text_number(text, address))
        return true;
    snprintf(padded, sizeof padded, "0x%s",
             text); /* hex without 0x, as debuggers print */
    if (strlen(text) < 20 && text_number(padded, address))
        return true;
    char *shown = text_printable(text);
    complain(STATUS_USAGE,
             "\"%s\" is no address (0x..., heap+0x..., a1+0x..., mapped1+0x..., "
             "guard+0x...)",
             shown);
    free(shown);
    return false;
}

bool session_has(const struct session *n, uint64_t from, uint64_t last)
{
    const struct scan *s = &n->scan;
    bool any = from < s->guard_area.end && last >= s->guard_area.start;
    for (size_t i = 0; i < s->heap_count && !any; i++)
        any = s->heaps[i].h.start <= last && s->heaps[i].h.end > from;
    for (size_t i = 0; i < s->mapped_count && !any; i++) {
        const struct walk_mapped *m = &s->mapped[i].m;
        any = m->start <= last && m->start + m->length > from;
    }
    return any;
}

enum status session_has_not(uint64_t at)
{
    return complain(
        STATUS_USAGE,
        "no heap and no mapped block lies at 0x%llx (chunky what tells more)",
        (unsigned long long)at);
}

/* --- filters ---------------------------------------------------------------- */

/* Kinds by one word; false for a word that names none. */
static bool filter_word(struct filter *f, const char *word, size_t length)
{
    static const struct {
        const char *name;
        enum kind from, to;
    } groups[] = {
        {"cached", KIND_CACHED, KIND_MOVING}, {"binned", KIND_UNSORTED, KIND_LARGE},
        {"free", KIND_CACHED, KIND_TOP},      {"used", KIND_LIVE, KIND_LIVE},
        {"all", KIND_LIVE, KIND_BARRED},
    };
    bool known = false;
    for (unsigned k = 0; k < KINDS; k++)
        if (strlen(kind_name(k)) == length && strncmp(kind_name(k), word, length) == 0)
            known = f->kind[k] = true;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (strlen(groups[i].name) != length ||
            strncmp(groups[i].name, word, length) != 0)
            continue;
        known = true;
        for (unsigned k = groups[i].from; k <= groups[i].to; k++)
            f->kind[k] = true;
    }
    return known;
}

static bool filter_states(struct filter *f, const char *states)
{
    const char *at = states;
    do {
        size_t length = strcspn(at, ",");
        if (!filter_word(f, at, length)) {
            char word[32];
            snprintf(word, sizeof word, "%.*s", length > 31 ? 31 : (int)length, at);
            char *shown = text_printable(word);
            complain(
                STATUS_USAGE,
                "--state: no state \"%s\" (live, cached, depot, remote, moving, fast, "
                "unsorted, small, large, binned, top, mapped, kept, free, guarded, "
                "barred, broken)",
                shown);
            free(shown);
            return false;
        }
        at += length + (at[length] == ',');
    } while (*at != '\0');
    return true;
}

/* "A-B", "A-", "-B" or "A"; false after a complaint. */
static bool filter_pair(const struct session *n, const char *text, bool address,
                        uint64_t *low, uint64_t *high)
{
    char left[64];
    const char *dash = strchr(text, '-');
    size_t length = dash == NULL ? strlen(text) : (size_t)(dash - text);
    bool good = length < sizeof left;
    snprintf(left, sizeof left, "%.*s", good ? (int)length : 0, text);
    if (address && good &&
        ((length != 0 && !session_address(n, left, low)) ||
         (dash != NULL && dash[1] != '\0' && !session_address(n, dash + 1, high))))
        return false; /* as was told */
    if (!address)
        good = good && (length == 0 || text_number(left, low)) &&
               (dash == NULL || dash[1] == '\0' || text_number(dash + 1, high));
    if (dash == NULL)
        *high = *low;
    if (!good || *low > *high)
        complain(STATUS_USAGE, "%s",
                 address ? "--range wants A-B, such as heap+0x0-heap+0x1000"
                         : "--size wants MIN-MAX, such as 1K-64K");
    return good && *low <= *high;
}

bool filter_open(struct filter *f, const struct session *n)
{
    const struct options *o = n->options;
    *f = (struct filter){.most = UINT64_MAX, .to = UINT64_MAX, .arena = o->arena};
    for (unsigned k = 0; k < KINDS; k++)
        f->kind[k] = o->state == NULL && k != KIND_FENCE;
    if (o->state != NULL && !filter_states(f, o->state))
        return false;
    if (o->size != NULL && !filter_pair(n, o->size, false, &f->least, &f->most))
        return false;
    if (o->range != NULL && !filter_pair(n, o->range, true, &f->from, &f->to))
        return false;
    if (f->to > f->from)
        f->to--; /* B is the first address behind it; a lone A is a place */
    return true;
}

bool filter_takes(const struct filter *f, const struct scan *s, const struct block *b)
{
    if (!f->kind[b->kind] || b->size < f->least || b->size > f->most)
        return false;
    if (b->address > f->to || b->address + b->size <= f->from)
        return false;
    return f->arena < 0 ||
           (b->heap != NULL && s->arenas[b->heap->arena].a.index == (uint32_t)f->arena);
}
