/*
 * Pages that the tool writes: the embedded files, a compressor for their data, base64.
 */
#ifndef TOOL_PAGE_H
#define TOOL_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

extern const unsigned char page_view_html[];
extern const unsigned char page_view_css[];
extern const unsigned char page_view_js[];
extern const unsigned char page_play_html[];
extern const unsigned char page_play_css[];
extern const unsigned char page_play_js[];

/* What stands in a template for @NAME@. */
struct page_part {
    const char *name;
    const char *text;
    size_t size;
};
/* Writes a template with its parts; a part's own text is not looked at again. */
void page_write(FILE *out, const char *template, const struct page_part *part,
                size_t count);

/* Raw deflate (RFC 1951), fixed codes. The caller frees it. */
unsigned char *deflate_raw(const unsigned char *data, size_t size, size_t *out_size);
/* Base64 (RFC 4648). The caller frees it. */
char *base64(const unsigned char *data, size_t size, size_t *out_size);

#endif
