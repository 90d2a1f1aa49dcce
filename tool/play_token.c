/* Words, numbers and mistakes of scripts; see play_token.h. No state. */
#include "play_token.h"

#include "text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void parse_place(const struct parser *p, const char *at)
{
    p->error->line = p->error->column = 1;
    for (const char *c = p->start; c < at; c++) {
        p->error->column += (c[1] & 0xc0) != 0x80; /* of letters, not of bytes */
        if (*c == '\n') {
            p->error->line++;
            p->error->column = 1;
        }
    }
}

_Noreturn void parse_fail(struct parser *p, const char *at, const char *format, ...)
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
    if (length > 24)
        length = 24;
    while (length == 0 || (at[length] & 0xc0) == 0x80) /* a letter is not cut */
        length++;
    char *found = strndup(at, length < 24 ? length : 24),
         *shown = text_printable(found);
    snprintf(text, room, "\"%s\"", shown);
    free(shown);
    free(found);
    return text;
}

_Noreturn void parse_expect(struct parser *p, const char *what)
{
    char found[4 * 24 + 3];
    parse_fail(p, p->at, "expected %s, found %s", what,
               parse_found(p->at, found, sizeof found));
}

/* Spaces and comments; line ends too where they mean nothing. */
void parse_space(struct parser *p, bool lines)
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

void parse_token(struct parser *p, char wanted)
{
    parse_space(p, false);
    if (*p->at != wanted) {
        char what[8] = {'"', wanted, '"', '\0'};
        parse_expect(p, what);
    }
    p->at++;
}

/* A name with `$` replaced by the turn of the loop; empty if none stands here. */
void parse_word(struct parser *p, char *word)
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
unsigned parse_distance(const char *a, const char *b)
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

const char *parse_nearest_verb(const char *word)
{
    const char *best = "thread";
    unsigned least = parse_distance(word, "thread");
    if (parse_distance(word, "repeat") < least) {
        best = "repeat";
        least = parse_distance(word, best);
    }
    for (unsigned i = 0; i < PLAY_TAG; i++) {
        if (parse_distance(word, play_shapes[i].name) < least) {
            best = play_shapes[i].name;
            least = parse_distance(word, best);
        }
    }
    return best;
}

uint64_t parse_number(struct parser *p)
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
