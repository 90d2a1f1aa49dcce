/* Parser of play scripts; see play_script.h. State: in struct parser, on the stack. */
#include "play_script.h"

#include "play_list.h"

#include <ctype.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 31, DEPTH_MAX = 16, OPS_MAX = 1000000 };

struct shape {
    const char *name;
    const char *arguments; /* v: a variable, n: a number, uppercase: may be left out */
    bool result;           /* may be assigned */
};

static const struct shape shapes[PLAY_VERBS] = {
    [PLAY_MALLOC] = {"malloc", "n", true},
    [PLAY_CALLOC] = {"calloc", "nn", true},
    [PLAY_REALLOC] = {"realloc", "vn", true},
    [PLAY_MEMALIGN] = {"memalign", "nn", true},
    [PLAY_FREE] = {"free", "v", false},
    [PLAY_WRITE] = {"write", "vnn", false},
    [PLAY_TRIM] = {"trim", "N", false},
    [PLAY_SBRK] = {"sbrk", "n", false},
    [PLAY_EXIT] = {"exit", "", false},
    [PLAY_TAG] = {"#", "", false},
};

struct parser {
    struct play_script *script;
    struct play_error *error;
    const char *start;
    const char *at;
    unsigned thread;
    unsigned turn; /* of the innermost repeat, from 1; `$` in names */
    unsigned depth;
    bool holds; /* inside meanwhile{...} */
    jmp_buf failed;
};

const char *play_verb_name(enum play_verb verb)
{
    return shapes[verb].name;
}

static void parse_place(const struct parser *p, const char *at)
{
    p->error->line = p->error->column = 1;
    for (const char *c = p->start; c < at; c++) {
        p->error->column++;
        if (*c == '\n') {
            p->error->line++;
            p->error->column = 1;
        }
    }
}

static _Noreturn void parse_fail(struct parser *p, const char *at, const char *format,
                                 ...)
{
    va_list list;
    parse_place(p, at);
    va_start(list, format);
    vsnprintf(p->error->text, sizeof p->error->text, format, list);
    va_end(list);
    longjmp(p->failed, 1);
}

/* What stands at `at`, for "found ...". */
static const char *parse_found(const char *at, char *text, size_t room)
{
    size_t length = 0;
    if (*at == '\0')
        return "the end";
    if (*at == '\n')
        return "the end of the line";
    while (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == '$')
        length++;
    if (length == 0)
        length = 1;
    if (length > 24)
        length = 24;
    snprintf(text, room, "\"%.*s\"", (int)length, at);
    return text;
}

static _Noreturn void parse_expect(struct parser *p, const char *what)
{
    char found[40];
    parse_fail(p, p->at, "expected %s, found %s", what,
               parse_found(p->at, found, sizeof found));
}

/* Spaces and comments; line ends too where they mean nothing. */
static void parse_space(struct parser *p, bool lines)
{
    for (;;) {
        if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r' ||
            (lines && *p->at == '\n'))
            p->at++;
        else if (p->at[0] == '/' && p->at[1] == '/')
            p->at += strcspn(p->at, "\n");
        else
            return;
    }
}

static void parse_token(struct parser *p, char wanted)
{
    parse_space(p, false);
    if (*p->at != wanted) {
        char what[8] = {'"', wanted, '"', '\0'};
        parse_expect(p, what);
    }
    p->at++;
}

/* A name with `$` replaced by the turn of the loop; empty if none stands here. */
static void parse_word(struct parser *p, char *word)
{
    size_t length = 0;
    const char *from = p->at;
    word[0] = '\0';
    if (!isalpha((unsigned char)*p->at) && *p->at != '_')
        return;
    while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '$') {
        char turn[16] = {*p->at, '\0'};
        if (*p->at == '$' && p->turn == 0)
            parse_fail(p, p->at,
                       "expected a name; \"$\" only means the turn inside "
                       "repeat(k){...}");
        if (*p->at == '$')
            snprintf(turn, sizeof turn, "%u", p->turn);
        if (length + strlen(turn) > NAME_MAX_LENGTH)
            parse_fail(p, from, "expected a name of at most %d letters",
                       NAME_MAX_LENGTH);
        memcpy(word + length, turn, strlen(turn) + 1);
        length += strlen(turn);
        p->at++;
    }
}

/* Letters that must be changed, added or dropped to make one name the other. */
static unsigned parse_distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LENGTH + 2];
    size_t columns = strlen(b);
    for (unsigned j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < columns; j++) {
            unsigned change = corner + (a[i] != b[j]);
            unsigned left = row[j] + 1, above = row[j + 1] + 1;
            corner = row[j + 1];
            row[j + 1] = left < above ? left : above;
            if (change < row[j + 1])
                row[j + 1] = change;
        }
    }
    return row[columns];
}

static const char *parse_nearest_verb(const char *word)
{
    const char *best = "thread";
    unsigned least = parse_distance(word, "thread");
    if (parse_distance(word, "repeat") < least) {
        best = "repeat";
        least = parse_distance(word, best);
    }
    for (unsigned i = 0; i < PLAY_TAG; i++) {
        if (parse_distance(word, shapes[i].name) < least) {
            best = shapes[i].name;
            least = parse_distance(word, best);
        }
    }
    return best;
}

static int parse_find(char *const *names, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    return -1;
}

static int parse_add(char ***names, size_t *count, size_t *room, const char *word)
{
    int found = parse_find(*names, *count, word);
    if (found >= 0)
        return found;
    *names = list_room(*names, room, *count, 1, sizeof **names);
    (*names)[*count] = strdup(word);
    return (int)(*count)++;
}

/* A variable that has been assigned before. */
static int parse_variable(struct parser *p)
{
    char word[NAME_MAX_LENGTH + 1];
    struct play_script *s = p->script;
    const char *from = p->at;
    parse_word(p, word);
    if (word[0] == '\0')
        parse_expect(p, "a variable");
    int found = parse_find(s->name, s->names, word);
    if (found >= 0)
        return found;
    if (s->names == 0)
        parse_fail(p, from,
                   "expected a variable, found \"%s\", and nothing has been "
                   "assigned yet: %s=malloc(10) comes first",
                   word, word);
    size_t best = 0;
    for (size_t i = 1; i < s->names; i++)
        if (parse_distance(word, s->name[i]) < parse_distance(word, s->name[best]))
            best = i;
    parse_fail(p, from,
               "expected a variable that was assigned before, found \"%s\"; "
               "the nearest is \"%s\"",
               word, s->name[best]);
}

static uint64_t parse_number(struct parser *p)
{
    const char *from = p->at;
    uint64_t n = 0;
    unsigned base = 10;
    bool minus = *p->at == '-';
    if (minus)
        p->at++;
    if (!isdigit((unsigned char)*p->at))
        parse_expect(p, "a number");
    if (p->at[0] == '0' && (p->at[1] == 'x' || p->at[1] == 'X')) {
        base = 16;
        p->at += 2;
        if (!isxdigit((unsigned char)*p->at))
            parse_expect(p, "a hexadecimal digit");
    }
    while (base == 16 ? isxdigit((unsigned char)*p->at)
                      : isdigit((unsigned char)*p->at)) {
        int c = tolower((unsigned char)*p->at++);
        unsigned digit = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (n > (UINT64_MAX - digit) / base)
            parse_fail(p, from, "expected a number below 2^64");
        n = n * base + digit;
    }
    const char *unit = strchr("kKmMgG", *p->at);
    if (*p->at != '\0' && unit != NULL) {
        unsigned power = 10 + (unsigned)(unit - "kKmMgG") / 2 * 10;
        if (n > UINT64_MAX >> power)
            parse_fail(p, from, "expected a number below 2^64");
        n <<= power;
        p->at++;
    }
    if (isalnum((unsigned char)*p->at) || *p->at == '_')
        parse_expect(p, "\",\" or \")\" after the number (K, M or G may follow it)");
    return minus ? 0 - n : n;
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
    for (const char *want = shapes[op->verb].arguments; *want != '\0'; want++) {
        parse_space(p, false);
        if (*want == 'N' && *p->at == ')')
            break;
        if (want != shapes[op->verb].arguments)
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

static char *parse_spell(const struct play_script *s, const struct play_op *op)
{
    char text[256] = "";
    size_t n = 0;
    bool first = true;
    uint64_t number[4] = {op->a, op->b, 0, 0};
    unsigned numbers = 0;
    if (op->target >= 0)
        n += (size_t)snprintf(text, sizeof text, "%s=", s->name[op->target]);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s(", shapes[op->verb].name);
    for (const char *want = shapes[op->verb].arguments; *want != '\0'; want++) {
        const char *comma = first ? "" : ",";
        if (*want == 'v' && op->shift != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%+" PRId64, comma,
                                  s->name[op->source], op->shift);
        else if (*want == 'v')
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", comma,
                                  s->name[op->source]);
        else if (*want == 'n' || op->a != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRId64, comma,
                                  (int64_t)number[numbers++]);
        first = false;
    }
    snprintf(text + n, sizeof text - n, ")");
    return strdup(text);
}

static struct play_op *parse_append(struct parser *p, enum play_verb verb)
{
    struct play_script *s = p->script;
    if (s->count == OPS_MAX)
        parse_fail(p, p->at, "expected at most %d operations", OPS_MAX);
    s->op = list_room(s->op, &s->room, s->count, 1, sizeof *s->op);
    struct play_op *op = &s->op[s->count++];
    memset(op, 0, sizeof *op);
    op->verb = verb;
    op->thread = p->thread;
    op->target = op->source = -1;
    return op;
}

static void parse_call(struct parser *p, const char *from, const char *word,
                       const char *target)
{
    struct play_script *s = p->script;
    unsigned verb = 0;
    while (verb < PLAY_TAG && strcmp(shapes[verb].name, word) != 0)
        verb++;
    if (verb == PLAY_TAG)
        parse_fail(p, from, "expected a call, found \"%s\"; the nearest is \"%s\"",
                   word, parse_nearest_verb(word));
    if (target != NULL && !shapes[verb].result)
        parse_fail(p, from, "expected a call that returns memory, found \"%s\"", word);
    if (verb == PLAY_EXIT && p->thread == 0)
        parse_fail(p, from, "expected exit() only inside thread(name){...}");
    struct play_op op = *parse_append(p, (enum play_verb)verb);
    parse_arguments(p, &op);
    if (target != NULL)
        op.target = parse_add(&s->name, &s->names, &s->name_room, target);
    op.number = ++s->last;
    op.text = parse_spell(s, &op);
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
    if (parse_find(s->thread, s->threads, word) < 0 && s->threads == PLAY_THREADS)
        parse_fail(p, p->at, "expected at most %d threads", PLAY_THREADS);
    p->thread = (unsigned)parse_add(&s->thread, &s->threads, &s->thread_room, word);
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
    parse_append(p, PLAY_TAG)->text = strndup(from, length);
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
                       s->thread[outer]);
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
            parse_expect(p, "malloc, calloc, realloc or memalign");
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

static void parse_names_cut(char **names, size_t *count, size_t keep)
{
    while (*count > keep)
        free(names[--*count]);
}

bool play_parse(struct play_script *s, const char *text, struct play_error *error)
{
    struct parser p = {.script = s, .error = error, .start = text, .at = text};
    size_t count = s->count;
    if (s->threads == 0)
        parse_add(&s->thread, &s->threads, &s->thread_room, "main");
    if (setjmp(p.failed) == 0) {
        parse_items(&p, false);
        return true;
    }
    play_cut(s, count);
    return false;
}

void play_cut(struct play_script *s, size_t count)
{
    while (s->count > count)
        free(s->op[--s->count].text);
    size_t names = 0, threads = s->threads == 0 ? 0 : 1;
    s->last = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct play_op *op = &s->op[i];
        s->last = op->number > s->last ? op->number : s->last;
        names = op->target >= (int)names ? (size_t)op->target + 1 : names;
        threads = op->thread >= threads ? op->thread + 1 : threads;
    }
    parse_names_cut(s->name, &s->names, names);
    parse_names_cut(s->thread, &s->threads, threads);
}

void play_script_free(struct play_script *s)
{
    play_cut(s, 0);
    parse_names_cut(s->name, &s->names, 0);
    parse_names_cut(s->thread, &s->threads, 0);
    free(s->op);
    free(s->name);
    free(s->thread);
    memset(s, 0, sizeof *s);
}
