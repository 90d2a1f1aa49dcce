/* Parser of play scripts; see play_script.h. State: in struct parser, on the stack. */
#include "play_token.h"

#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16, OPS_MAX = 1000000 };

/* A variable that has been assigned before. */
static int parse_variable(struct parser *p)
{
    char word[NAME_MAX_LENGTH + 1];
    struct play_script *s = p->script;
    const char *from = p->at;
    parse_word(p, word);
    if (word[0] == '\0')
        parse_expect(p, "a variable");
    int found = names_find(&s->name, word);
    if (found >= 0)
        return found;
    if (s->name.count == 0)
        parse_fail(p, from,
                   "expected a variable, found \"%s\", and nothing has been "
                   "assigned yet: %s=malloc(10) comes first",
                   word, word);
    size_t best = 0;
    for (size_t i = 1; i < s->name.count; i++)
        if (parse_distance(word, s->name.text[i]) <
            parse_distance(word, s->name.text[best]))
            best = i;
    parse_fail(p, from,
               "expected a variable that was assigned before, found \"%s\"; "
               "the nearest is \"%s\"",
               word, s->name.text[best]);
}

static int64_t parse_shift(struct parser *p)
{
    parse_space(p, false);
    if (*p->at != '+' && *p->at != '-')
        return 0;
    bool minus = *p->at++ == '-';
    parse_space(p, false);
    int64_t n = (int64_t)parse_number(p);
    return minus ? -n : n;
}

/* The arguments in parentheses, as the verb's shape says. */
static void parse_arguments(struct parser *p, struct play_op *op)
{
    uint64_t number[2] = {0, 0};
    unsigned numbers = 0;
    parse_token(p, '(');
    for (const char *want = play_shapes[op->verb].arguments; *want != '\0'; want++) {
        parse_space(p, false);
        if (*want == 'N' && *p->at == ')')
            break;
        if (want != play_shapes[op->verb].arguments)
            parse_token(p, ',');
        parse_space(p, false);
        if (*want == 'v') {
            op->source = parse_variable(p);
            op->shift = parse_shift(p);
        } else {
            number[numbers++] = parse_number(p);
        }
    }
    op->a = number[0];
    op->b = number[1];
    parse_token(p, ')');
}

static struct play_op *parse_append(struct parser *p, enum play_verb verb)
{
    if (p->script->count == OPS_MAX)
        parse_fail(p, p->at, "expected at most %d operations", OPS_MAX);
    return play_append(p->script, verb, p->thread);
}

static void parse_call(struct parser *p, const char *from, const char *word,
                       const char *target)
{
    struct play_script *s = p->script;
    unsigned verb = 0;
    while (verb < PLAY_TAG && strcmp(play_shapes[verb].name, word) != 0)
        verb++;
    if (verb == PLAY_TAG)
        parse_fail(p, from, "expected a call, found \"%s\"; the nearest is \"%s\"",
                   word, parse_nearest_verb(word));
    if (target != NULL && !play_shapes[verb].result)
        parse_fail(p, from, "expected a call that returns memory, found \"%s\"", word);
    if (verb == PLAY_EXIT && p->thread == 0)
        parse_fail(p, from, "expected exit() only inside thread(name){...}");
    struct play_op op = *parse_append(p, (enum play_verb)verb);
    parse_arguments(p, &op);
    if (target != NULL)
        op.target = names_add(&s->name, target);
    op.number = ++s->last;
    op.text = play_spell(s, &op);
    s->op[s->count - 1] = op;
}

static void parse_items(struct parser *p, bool block);

/* {...} after thread(name) or repeat(k). */
static void parse_block(struct parser *p)
{
    parse_space(p, true);
    if (*p->at != '{')
        parse_expect(p, "\"{\"");
    p->at++;
    if (++p->depth > DEPTH_MAX)
        parse_fail(p, p->at, "expected at most %d blocks inside each other", DEPTH_MAX);
    parse_items(p, true);
    p->depth--;
    p->at++;
}

static void parse_thread(struct parser *p)
{
    char word[NAME_MAX_LENGTH + 1];
    struct play_script *s = p->script;
    unsigned outer = p->thread;
    parse_token(p, '(');
    parse_space(p, false);
    size_t digits = strspn(p->at, "0123456789");
    if (digits != 0 && digits <= NAME_MAX_LENGTH) {
        memcpy(word, p->at, digits);
        word[digits] = '\0';
        p->at += digits;
    } else {
        parse_word(p, word);
    }
    if (word[0] == '\0')
        parse_expect(p, "the name of a thread");
    parse_token(p, ')');
    if (names_find(&s->thread, word) < 0 && s->thread.count == PLAY_THREADS)
        parse_fail(p, p->at, "expected at most %d threads", PLAY_THREADS);
    p->thread = (unsigned)names_add(&s->thread, word);
    parse_block(p);
    p->thread = outer;
}

static void parse_repeat(struct parser *p)
{
    unsigned outer = p->turn;
    parse_token(p, '(');
    parse_space(p, false);
    const char *from = p->at;
    uint64_t times = parse_number(p);
    if (times == 0 || times > OPS_MAX)
        parse_fail(p, from, "expected a number of turns from 1 to %d", OPS_MAX);
    parse_token(p, ')');
    const char *body = p->at;
    for (p->turn = 1; p->turn <= times; p->turn++) {
        p->at = body;
        parse_block(p);
    }
    p->turn = outer;
}

static void parse_tag(struct parser *p)
{
    const char *from = ++p->at;
    size_t length = strcspn(from, ";\n}");
    while (length > 0 && isspace((unsigned char)from[length - 1]))
        length--;
    while (length > 0 && *from == ' ') {
        from++;
        length--;
    }
    char *text = strndup(from, length);
    parse_append(p, PLAY_TAG)->text = text_printable(text);
    free(text);
    p->at = from + length;
}

/* What happens while the call before is inside the kernel. */
static void parse_meanwhile(struct parser *p)
{
    static const char word[] = "meanwhile";
    struct play_script *s = p->script;
    parse_space(p, false);
    if (strncmp(p->at, word, sizeof word - 1) != 0 ||
        isalnum((unsigned char)p->at[sizeof word - 1]))
        return;
    if (p->thread == 0)
        parse_fail(p, p->at,
                   "expected meanwhile{...} only after a call inside "
                   "thread(name){...}");
    p->at += sizeof word - 1;
    size_t held = s->count - 1;
    unsigned outer = p->thread;
    const char *from = p->at;
    if (p->holds)
        parse_fail(p, from, "expected no meanwhile{...} inside another one");
    p->holds = true;
    p->thread = 0;
    parse_block(p);
    p->thread = outer;
    p->holds = false;
    for (size_t i = held + 1; i < s->count; i++)
        if (s->op[i].thread == outer)
            parse_fail(p, from,
                       "expected only other threads here: %s is inside its call",
                       s->thread.text[outer]);
    struct play_op op = s->op[held], *finish = parse_append(p, op.verb);
    char text[300];
    *finish = op;
    finish->part = PLAY_FINISH;
    finish->number = ++s->last;
    snprintf(text, sizeof text, "... %s", op.text);
    finish->text = strdup(text);
    snprintf(text, sizeof text, "%s ...", op.text);
    free(s->op[held].text);
    s->op[held].text = strdup(text);
    s->op[held].part = PLAY_HELD;
}

static void parse_item(struct parser *p)
{
    char word[NAME_MAX_LENGTH + 1], target[NAME_MAX_LENGTH + 1];
    const char *from = p->at;
    if (*p->at == '#') {
        parse_tag(p);
        return;
    }
    parse_word(p, word);
    if (word[0] == '\0')
        parse_expect(p, "a call such as a=malloc(10) or free(a)");
    parse_space(p, false);
    if (*p->at == '=') {
        p->at++;
        parse_space(p, false);
        memcpy(target, word, sizeof target);
        from = p->at;
        parse_word(p, word);
        if (word[0] == '\0')
            parse_expect(p, "malloc, calloc, realloc, reallocarray, memalign or "
                            "aligned_alloc");
        parse_call(p, from, word, target);
        parse_meanwhile(p);
    } else if (strcmp(word, "thread") == 0) {
        parse_thread(p);
    } else if (strcmp(word, "repeat") == 0) {
        parse_repeat(p);
    } else {
        parse_call(p, from, word, NULL);
        parse_meanwhile(p);
    }
}

static void parse_items(struct parser *p, bool block)
{
    for (;;) {
        parse_space(p, true);
        if (*p->at == ';') {
            p->at++;
            continue;
        }
        if (*p->at == '\0' && block)
            parse_expect(p, "\"}\"");
        if (*p->at == '\0' || (*p->at == '}' && block))
            return;
        parse_item(p);
        parse_space(p, false);
        bool braced = p->at > p->start && p->at[-1] == '}';
        if (*p->at != ';' && *p->at != '\n' && *p->at != '\0' &&
            !(*p->at == '}' && block) && !braced)
            parse_expect(p, "\";\" or the end of the line");
    }
}

bool play_parse(struct play_script *s, const char *text, struct play_error *error)
{
    struct parser p = {.script = s, .error = error, .start = text, .at = text};
    size_t count = s->count;
    if (s->thread.count == 0)
        names_add(&s->thread, "main");
    if (setjmp(p.failed) == 0) {
        parse_items(&p, false);
        return true;
    }
    play_cut(s, count);
    return false;
}
