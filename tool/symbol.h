/*
 * Names for code addresses: from a file's .symtab, else from the debug file that its build
 * id or .gnu_debuglink names, else from .dynsym; lines from .debug_line. Files that are
 * gone or damaged yield nothing. State: the files that are open.
 */
#ifndef TOOL_SYMBOL_H
#define TOOL_SYMBOL_H

#include "source.h"

struct symbols;

struct symbol {
    char name[256];    /* of the function, as the linker knows it; "" unknown */
    uint64_t offset;   /* into it */
    char file[256];    /* of the source; "" unknown */
    unsigned line;     /* 0 unknown */
    char build_id[80]; /* hexadecimal; set when nothing else is known of the file */
    bool is_signal;    /* what a signal handler returns into; no function called it */
};

struct symbols *symbols_open(void);
void symbols_close(struct symbols *s);

/* What lies in `path` at `offset` from where its first mapping begins. A return address:
 * the call before it is what is named. False if nothing is known. */
bool symbols_find(struct symbols *s, const char *path, uint64_t offset,
                  struct symbol *out);

/* The same as words: "main+0x1f  main.c:12"; "" if nothing is known. */
enum { SYMBOL_TEXT = 700 };
char *symbols_say(struct symbols *s, const char *path, uint64_t offset,
                  char out[SYMBOL_TEXT]);

/* Copies a line of a report, with a name behind `#N ADDRESS  FILE+0xOFFSET`. */
void symbols_line(struct symbols *s, const char *line, FILE *out);

/* A part of a mapped file; NULL, 0: there is none. */
struct bytes {
    const unsigned char *at;
    uint64_t size;
};
struct line_sections {
    struct bytes line, line_str, str;
};
/* The source file and line of an address, by .debug_line of DWARF 2 to 5. */
bool dwarf_line(const struct line_sections *d, uint64_t address, struct symbol *out);

#endif
