/* Drawings of a run's heap in text: strips, byte grids, the numbered page, lists. */
#ifndef TOOL_PLAY_DRAW_H
#define TOOL_PLAY_DRAW_H

#include "play_run.h"

#include <stdio.h>

struct draw_style {
    FILE *out;
    unsigned width; /* columns */
    unsigned label; /* columns before a strip */
    bool ascii;
    bool all; /* nothing is folded */
    bool color;
};

/* A line a region, `text` before the first. */
void play_draw_strips(const struct draw_style *d, const struct play_run *r,
                      const char *text);
/* A cell a byte. */
void play_draw_bytes(const struct draw_style *d, const struct play_run *r);
/* The words of each chunk: prev_size, header with its flags, links, slack. */
void play_draw_words(const struct draw_style *d, const struct play_run *r);
/* The first 4 KiB as numbered boxes. */
void play_draw_art(const struct draw_style *d, const struct play_run *r);
/* Bins and caches in list order. */
void play_draw_lists(const struct draw_style *d, const struct play_run *r);
void play_draw_sums(const struct draw_style *d, const struct play_run *r);
/* With the address of the first heap if wanted. */
void play_draw_legend(const struct draw_style *d, const struct play_run *r,
                      bool address);
/* Bytes in a cell of a strip, so that all that the region ever uses fits. */
uint64_t play_draw_scale(const struct draw_style *d, const struct play_run *r,
                         const struct heap_region *region);

/* "in use", "unsorted", ... */
const char *play_draw_state(enum walk_state state);
/* The cells of one region, to be freed, and how many bytes one of them is. With `shares`
 * each tells from 0 to 9 how much of it is in use, or `-` where nothing ever was. */
char *play_draw_strip(const struct draw_style *d, const struct play_run *r,
                      const struct heap_region *region, uint64_t *cell, bool shares);
/* Pieces of the chunks that reach into [from, to), each of one glyph, in order of
 * address. */
typedef void draw_piece(void *context, uint64_t at, uint64_t length, char glyph);
void play_draw_pieces(const struct play_run *r, const struct heap_region *region,
                      uint64_t from, uint64_t to, draw_piece *piece, void *context);

#endif
