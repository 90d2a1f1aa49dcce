/*
 * What every verb over a SOURCE begins and ends with: the source, the scan, the drawing,
 * the output file, and the exit status that follows from what was met.
 */
#ifndef TOOL_SESSION_H
#define TOOL_SESSION_H

#include "draw.h"
#include "survey.h"

struct session {
    struct options *options;
    struct source source;
    struct scan scan;
    struct draw draw;
    FILE *out;      /* = draw.out; NULL: it is only read */
    FILE *page_out; /* where a page goes when it is complete; NULL: none is drawn */
    char *page;
    size_t page_size;
    int file;        /* of -o; -1: none */
    bool is_new;     /* it was made for this */
    bool is_started; /* what was there is gone */
};

/* No -o, or "-". */
bool session_is_stdout(const char *output);
/* False where standard output is closed: what is told of a file that was written is no
 * loss then. */
bool session_is_heard(void);
/* False after a complaint: -o would write over that SOURCE. */
bool session_spares(const struct options *o, const char *source);
/* Opens all of it. What fails is told on stderr, and the status to exit with returned. */
enum status session_open(struct session *n, struct options *o);
/* The same for who may still find a mistake in what was asked: the file of -o stays as it
 * is, or is none, unless session_start() is called before the first byte. */
enum status session_open_late(struct session *n, struct options *o);
void session_start(struct session *n);
/* The source and the scan only: nothing is drawn. */
enum status session_read(struct session *n, struct options *o);
/* What is drawn from here on becomes an HTML page. */
void session_page(struct session *n);
/* Ends it: the status, of which damage and lost output are part. */
enum status session_close(struct session *n, enum status status);

/* An address for people: 0x..., or with --rel heap+0x..., a1+0x..., mapped2+0x... */
enum { NAME_TEXT = 48 };
char *session_name(const struct session *n, char out[NAME_TEXT], uint64_t address);
/* Always relative. */
char *scan_name(const struct scan *s, char out[NAME_TEXT], uint64_t address);

/* The printable name of a named heap, "" of any other arena. */
enum { TITLE_NAME = 32, TITLE_TEXT = 4 * TITLE_NAME + 1 };
char *heap_title(struct walk *w, uint64_t arena, char out[TITLE_TEXT]);
/* The arena that a block belongs to, mapped ones too; 0 if none. */
uint64_t heap_owner(const struct scan *s, const struct block *b);

/* An address or name+0x... as people type it; false after a complaint. */
bool session_address(const struct session *n, const char *text, uint64_t *address);

/* Whether anything of the heap lies from that address to the last; what is told if not. */
bool session_has(const struct session *n, uint64_t from, uint64_t last);
enum status session_has_not(uint64_t at);

/* Which chunks are asked for by --state, --size, --arena, --range. */
struct filter {
    bool kind[KINDS];
    uint64_t least, most; /* sizes */
    uint64_t from, to;    /* addresses */
    int arena;
};
/* False after a complaint. */
bool filter_open(struct filter *f, const struct session *n);
bool filter_takes(const struct filter *f, const struct scan *s, const struct block *b);

/* Writes a snapshot of it; what goes wrong is told, and one line to `told` (NULL:
 * to nobody) if not. */
enum status dump_session(struct session *n, const char *path, FILE *told);

/* Parts that `top` shows too. */
void show_frag(struct session *n);
void show_layout(struct session *n);

#endif
