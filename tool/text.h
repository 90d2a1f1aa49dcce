/*
 * Text for people and for programs: sizes, printable names, JSON, XML.
 */
#ifndef TOOL_TEXT_H
#define TOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* "1.5 MiB" in a buffer of the caller, which is returned. */
enum { SIZE_TEXT = 24 };
char *text_size(char out[SIZE_TEXT], uint64_t bytes);
/* "1 234 567": digits in groups of three. */
char *text_count(char out[SIZE_TEXT], uint64_t n);
/* The ending of a noun that stands behind a number. */
static inline const char *text_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}
/* part of whole, percent with one digit; 0 of 0 is 0. */
double text_percent(uint64_t part, uint64_t whole);

/* A copy in which control characters and broken UTF-8 are \xNN. The caller frees it. */
char *text_printable(const char *s);

/* "s" quoted, for JSON: valid UTF-8 whatever the bytes. */
void json_string(FILE *out, const char *s);
/* "0x..." quoted. */
void json_address(FILE *out, uint64_t address);
/* Text of an XML or HTML element or quoted attribute. */
void xml_text(FILE *out, const char *s);

/* A number with optional 0x, or K, M, G, k suffix; false if it is none. */
bool text_number(const char *s, uint64_t *value);
/* The nearest of `count` names to a mistyped one, or NULL. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

#endif
