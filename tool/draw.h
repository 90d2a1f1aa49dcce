/*
 * Drawing on a terminal or into a file: width, colours, which glyphs may be used, rows of
 * cells with offsets, and the collapse of rows that say the same. A glyph always carries
 * the meaning; colour only repeats it. Notes: docs/notes/inspector.md#drawing
 */
#ifndef TOOL_DRAW_H
#define TOOL_DRAW_H

#include "scan.h"
#include "verb.h"

enum tint {
    TINT_NONE,
    TINT_LIVE, /* blue, and a lighter one for every other chunk */
    TINT_LIVE2,
    TINT_SLACK,
    TINT_CACHED, /* orange */
    TINT_FREE,   /* grey */
    TINT_TOP,
    TINT_HEADER,
    TINT_BAD,
    TINT_DIM,
    TINT_HUE, /* six more, from blue to orange, for sizes and arenas */
    TINT_HUES = 6,
    TINTS = TINT_HUE + TINT_HUES
};

/* What becomes of rows of cells. */
enum form {
    FORM_TEXT,
    FORM_JSON,
    FORM_SVG,
    FORM_CAPTURE /* into an array, by offset */
};

struct cell {
    char glyph;
    uint8_t tint;  /* enum tint */
    uint8_t shade; /* 0: the glyph; 1 to 5: how much of a large cell is live */
};

struct draw {
    FILE *out;
    unsigned width; /* columns */
    unsigned limit; /* what is longer is broken there, or made shorter; 0: nothing is */
    unsigned cells; /* a row: 64; 128 on wide terminals, less on narrow ones */
    bool color;
    bool unicode; /* shades are one column wide */
    bool is_terminal;
    bool is_page;    /* what is drawn becomes a page: tints by number, for html_page */
    enum tint tint;  /* that is switched on */
    int64_t flushed; /* when rows were last shown, ms */
    enum form form;
    struct cell *capture;   /* FORM_CAPTURE: cells by offset */
    uint64_t capture_count; /* room of it */
    unsigned svg_y;         /* rows drawn so far */
    bool has_rows;          /* JSON: a comma is due */
    /* Rows that are held back because they may be collapsed. */
    char row_glyph;
    uint64_t row_count;
};

/* Decides by options, environment and the terminal. */
void draw_open(struct draw *d, FILE *out, const struct options *o);
/* Ends colours; false if the output could not be written. */
bool draw_close(struct draw *d);

void draw_tint(struct draw *d, enum tint t);
/* Text in one tint. */
void draw_text(struct draw *d, enum tint t, const char *format, ...);
/* A bar of `cells`: from part `before` of `whole`, `part` long; something shows at least. */
void draw_bar(struct draw *d, enum tint t, uint64_t before, uint64_t part,
              uint64_t whole, unsigned cells);
enum tint draw_tint_of(enum kind k, bool odd);

/* A row of cells at an offset, with a note behind it (NULL: none; one of NOTE_TIGHT
 * characters or less stands close). Runs of rows of one
 * glyph without notes become one line. */
enum { NOTE_TIGHT = 4 };
void draw_row(struct draw *d, uint64_t offset, const struct cell *cell, unsigned count,
              const char *note);
/* One cell, outside a row. */
void draw_cell_alone(struct draw *d, const struct cell *c);
/* The character that stands for a cell where there are no shades. */
char draw_ascii(const struct cell *c);
/* Rows of the other forms; see draw_forms.c. */
void draw_row_form(struct draw *d, uint64_t offset, const struct cell *cell,
                   unsigned count, const char *note);
/* SVG: the head needs the number of rows, so the body is written first. */
void svg_page(FILE *out, const char *title, const char *body, unsigned rows,
              unsigned cells);
/* HTML: text that was drawn for a page; every glyph stays, colours only repeat it. */
void html_page(FILE *out, const char *title, const char *text);
/* Rows held back are written. */
void draw_rows_end(struct draw *d);

#endif
