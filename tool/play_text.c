/* Steps as text; see play_text.h. No state. */
#include "play_text.h"

#include "play_verify.h"
#include "play_why.h"
#include "wrap.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { LABEL_MAX = 34, LABEL_MIN = 16, INDENT = 5, REPORT_MORE = 4 };

/* "#4 c=malloc(30)", with the thread if it is not the first. */
static int text_name(char *text, size_t room, const struct play_script *s,
                     const struct play_op *op)
{
    if (op->thread == 0)
        return snprintf(text, room, "#%u %s", op->number, op->text);
    return snprintf(text, room, "#%u %s: %s", op->number, s->thread.text[op->thread],
                    op->text);
}

unsigned play_text_label(const struct play_script *s, size_t from)
{
    int longest = LABEL_MIN;
    for (size_t i = from; i < s->count; i++) {
        int length = text_name(NULL, 0, s, &s->op[i]);
        if (s->op[i].verb != PLAY_TAG && length > longest)
            longest = length;
    }
    return longest + 1 > LABEL_MAX ? LABEL_MAX : (unsigned)longest + 1;
}

/* Words in lines of the style's width, each after `indent` columns. */
static void text_wrap(const struct text_style *t, const char *first, const char *text)
{
    unsigned column = INDENT + (unsigned)strlen(first) + 1;
    fprintf(t->draw.out, "%*s%s ", INDENT, "", first);
    unsigned start = column;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > start && column + length > t->draw.width) {
            fprintf(t->draw.out, "\n%*s", (int)start, "");
            column = start;
        }
        fprintf(t->draw.out, "%.*s", (int)length, text);
        column += (unsigned)length + 1;
        text += length;
        if (*text == ' ') {
            text++;
            if (column + strcspn(text, " ") <= t->draw.width)
                fputc(' ', t->draw.out);
        }
    }
    fputc('\n', t->draw.out);
}

static void text_rules(const struct text_style *t, const struct play_session *s)
{
    fprintf(t->draw.out, "%*srules", INDENT, "");
    for (size_t i = 0; i < s->rules; i++)
        fprintf(t->draw.out, " %s(%#" PRIx64 ")", why_rule_name(s->rule[i].rule),
                s->rule[i].value);
    fputc('\n', t->draw.out);
}

static void text_calls(const struct text_style *t, const struct play_run *r)
{
    const struct play_session *s = &r->session;
    char line[80], *all = NULL;
    size_t length;
    if (!s->traced) {
        fprintf(t->draw.out, "%*scalls not seen: tracing is not allowed here\n", INDENT,
                "");
        return;
    }
    bool reserves = false;
    for (size_t i = 0; i < s->calls; i++)
        reserves = reserves || (s->call[i].number == SYS_mmap &&
                                (s->call[i].argument[2] & PROT_WRITE) == 0);
    const char *comma = "";
    FILE *out = open_memstream(&all, &length);
    if (out == NULL)
        return;
    for (size_t i = 0; i < s->calls; i++) {
        /* What is cut off an aligned reservation depends on where the kernel put it. */
        if (t->relative && reserves && s->call[i].number == SYS_munmap)
            continue;
        fprintf(out, "%s%s", comma, why_call(&r->heap, &s->call[i], line, sizeof line));
        comma = ", ";
    }
    fclose(out);
    if (s->calls != 0)
        text_wrap(t, "calls", all);
    free(all);
}

/* A line of the report, with addresses as offsets and without numbers of processes. */
static void report_relative(const struct text_style *t, const struct play_run *r,
                            const char *at, const char *line_end)
{
    while (at < line_end) {
        char name[40];
        char *end = NULL;
        uint64_t value = strncmp(at, "0x", 2) == 0 ? strtoull(at, &end, 16) : 0;
        bool number = strncmp(at, "process ", 8) == 0 || strncmp(at, "thread ", 7) == 0;
        if (value > 0x10000) {
            fputs(play_heap_name(&r->heap, value, name, sizeof name), t->draw.out);
            at = end;
        } else if (number && isdigit((unsigned char)strchr(at, ' ')[1])) {
            const char *digits = strchr(at, ' ') + 1;
            fprintf(t->draw.out, "%.*sN", (int)(digits - at), at);
            at = digits + strspn(digits, "0123456789");
        } else {
            fputc(*at++, t->draw.out);
        }
    }
}

/* A line of the report, in as many as it needs. */
static void report_line(const struct text_style *t, const char *at, size_t length)
{
    size_t room = t->draw.width - INDENT - 2, indent = strspn(at, " ");
    const char *from = at, *end = at + length;
    while (t->wraps && (size_t)(end - from) > room) {
        const char *gap = from + room;
        while (gap > from + indent && (*gap != ' ' || !wrap_is_gap(gap, from)))
            gap--;
        if (gap <= from + indent)
            break;
        fprintf(t->draw.out, "%*s| %*s%.*s\n", INDENT, "", from == at ? 0 : REPORT_MORE,
                "", (int)(gap - from), from);
        room = t->draw.width - INDENT - 2 - REPORT_MORE;
        indent = 0;
        from = gap + 1;
    }
    fprintf(t->draw.out, "%*s| %*s%.*s\n", INDENT, "", from == at ? 0 : REPORT_MORE, "",
            (int)(end - from), from);
}

/* The bytes of memory hold addresses and the keyed check: --relative leaves them out. */
static void text_report(const struct text_style *t, const struct play_run *r)
{
    const char *at = r->session.text == NULL ? "" : r->session.text;
    while (*at != '\0') {
        size_t length = strcspn(at, "\n");
        if (!t->relative) {
            report_line(t, at, length);
        } else if (memmem(at, length, "  |", 3) == NULL &&
                   memmem(at, length, "^^", 2) == NULL &&
                   memmem(at, length, "memory around", 13) == NULL) {
            fprintf(t->draw.out, "%*s| ", INDENT, "");
            report_relative(t, r, at, at + length);
            fputc('\n', t->draw.out);
        }
        at += length + (at[length] == '\n');
    }
}

static void text_misuse(const struct text_style *t, const struct play_run *r)
{
    const struct play_session *s = &r->session;
    if (s->text != NULL)
        fprintf(t->draw.out, "%*sthe engine stops the program here, and reports:\n",
                INDENT, "");
    else
        fprintf(t->draw.out, "%*sthe program ends here: %s\n", INDENT, "",
                s->signal == 0 ? "it left" : strsignal(s->signal));
    text_report(t, r);
}

void play_text_step(const struct text_style *t, const struct play_run *r)
{
    char name[300];
    const struct play_op *op = r->op;
    if (op->verb == PLAY_TAG) {
        fprintf(t->draw.out, "\n-- %s\n", op->text);
        return;
    }
    text_name(name, sizeof name, r->script, op);
    if (strlen(name) >= t->draw.label) {
        fprintf(t->draw.out, "%s\n", name);
        name[0] = '\0';
    }
    play_draw_strips(&t->draw, r, name);
    if (!t->quiet) {
        char *why = why_sentence(r);
        text_wrap(t, "why  ", why == NULL ? "" : why);
        free(why);
        text_calls(t, r);
        play_draw_lists(&t->draw, r);
    }
    if (t->rules)
        text_rules(t, &r->session);
    if (t->bytes) {
        play_draw_bytes(&t->draw, r);
        play_draw_words(&t->draw, r);
    }
    if (t->art)
        play_draw_art(&t->draw, r);
    if (t->verify && !r->session.ended && !r->session.held)
        play_verify(t->draw.out, r);
    if (r->session.ended)
        text_misuse(t, r);
}

void play_text_end(const struct text_style *t, const struct play_run *r)
{
    play_draw_legend(&t->draw, r, !t->relative);
    if (r->op != NULL)
        play_draw_sums(&t->draw, r);
}
