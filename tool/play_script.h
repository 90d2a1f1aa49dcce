/*
 * The scripts of `chunky play`: text to a flat list of operations. Nothing runs unless
 * the whole text is understood. Grammar: docs/learn/README.md#grammar
 */
#ifndef TOOL_PLAY_SCRIPT_H
#define TOOL_PLAY_SCRIPT_H

#include "play_names.h"

#include <stdbool.h>

enum { PLAY_THREADS = 64 };

enum play_verb {
    PLAY_MALLOC,
    PLAY_CALLOC,
    PLAY_REALLOC,
    PLAY_REALLOCARRAY,
    PLAY_MEMALIGN,
    PLAY_ALIGNED,
    PLAY_FREE,
    PLAY_WRITE, /* the program writes bytes: overflows, use after free */
    PLAY_TRIM,
    PLAY_SBRK, /* the program moves the break itself */
    PLAY_EXIT, /* the thread ends */
    PLAY_TAG,  /* a heading; does nothing */
    PLAY_VERBS
};

/* An operation that others come between: it is held in the kernel, its arena locked. */
enum play_part { PLAY_WHOLE, PLAY_HELD, PLAY_FINISH };

struct play_op {
    enum play_verb verb;
    enum play_part part;
    unsigned number; /* from 1; 0 for a tag */
    unsigned thread; /* index of its name; 0 is the first thread */
    int target;      /* index of the name that is assigned, or -1 */
    int source;      /* index of the name that is used, or -1 */
    int64_t shift;   /* added to what the source points at: free(v+8) */
    uint64_t a, b;   /* numbers, in the order of the call */
    char *text;      /* the operation in canonical spelling */
};

struct play_script {
    struct play_op *op;
    size_t count;
    size_t room;
    struct play_names name;   /* of variables */
    struct play_names thread; /* [0] is "main" */
    unsigned last;            /* number of the last operation */
    bool is_trace;            /* of a real program */
};

struct play_error {
    unsigned line, column; /* from 1 */
    char text[200];        /* what was expected and found, nearest name */
};

/* Appends the operations of `text` to the script. On failure nothing is appended and
 * the error is filled. The script starts as all zeroes. */
bool play_parse(struct play_script *s, const char *text, struct play_error *error);

/* True of the name of a file, and of what looks like one that is not there: calls have
 * parentheses, and nothing but a file has a dot or a slash. */
bool play_names_file(const char *script);

/* Drops the operations from `count` on, and the names that only they assigned. */
void play_cut(struct play_script *s, size_t count);
void play_script_free(struct play_script *s);

struct play_shape {
    const char *name;
    const char *arguments; /* v: a variable, n: a number, uppercase: may be left out */
    bool result;           /* may be assigned */
};
/* How each verb is written. */
extern const struct play_shape play_shapes[PLAY_VERBS];

/* A new last operation, all zeroes but for verb and thread; no variable, no number. */
struct play_op *play_append(struct play_script *s, enum play_verb verb,
                            unsigned thread);
/* Bytes that the call asks for; a product may wrap. */
uint64_t play_op_bytes(const struct play_op *op);
/* The operation in canonical spelling, to be freed. */
char *play_spell(const struct play_script *s, const struct play_op *op);

#endif
