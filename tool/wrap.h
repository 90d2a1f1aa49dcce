/*
 * A stream that breaks lines which are longer than a terminal is wide: between words, never
 * inside of bars, with the rest indented. Colours and UTF-8 are counted as they are shown.
 */
#ifndef TOOL_WRAP_H
#define TOOL_WRAP_H

#include <stdbool.h>
#include <stdio.h>

/* Closing it closes `to`, unless that is stdout. `to` itself if that cannot be done. */
FILE *wrap_open(FILE *to, unsigned columns);

/* Whether a line may be broken at the blank at `at`, of a text that begins at `text`: not
 * between a number and its unit. */
bool wrap_is_gap(const char *at, const char *text);

#endif
