/* What the parser of scripts reads them with: spaces, words, numbers; and how it gives up
 * when something else stands there. */
#ifndef TOOL_PLAY_TOKEN_H
#define TOOL_PLAY_TOKEN_H

#include "play_script.h"

#include <setjmp.h>

enum { NAME_MAX_LENGTH = 31 };

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

/* Fills the error for the place `at` and leaves the parser. */
_Noreturn void parse_fail(struct parser *p, const char *at, const char *format, ...);
/* The same, with what was found at p->at. */
_Noreturn void parse_expect(struct parser *p, const char *what);

/* Spaces and comments; line ends too where they mean nothing. */
void parse_space(struct parser *p, bool lines);
void parse_token(struct parser *p, char wanted);
/* A name with `$` replaced by the turn of the loop; empty if none stands here. */
void parse_word(struct parser *p, char *word);
/* Decimal or 0x..., K, M or G behind it, a minus before it. */
uint64_t parse_number(struct parser *p);

/* Letters that must be changed, added or dropped to make one name the other. */
unsigned parse_distance(const char *a, const char *b);
const char *parse_nearest_verb(const char *word);

#endif
