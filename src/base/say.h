/*
 * Formatted text without allocation, locale, stdio or errno: a bounded buffer
 * and a write to a file descriptor. Safe in signal handlers.
 */
#ifndef CHUNKY_BASE_SAY_H
#define CHUNKY_BASE_SAY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data;      /* caller's buffer, always ends with a NUL */
    size_t capacity; /* bytes of data, at least 1 */
    size_t length;   /* bytes written, without the NUL */
};

/* Formats: %s %c %d %u %zu %lu %ld %llu %x %zx %lx %p %%; width and 0 or - flags. Other
 * letters are printed as they are. Text that does not fit is cut. */
void text_add(struct text *t, const char *format, ...);
void text_add_list(struct text *t, const char *format, va_list arguments);

/* Adds a path in which %p stands for the process's number. False: it was cut. */
bool text_add_path(struct text *t, const char *path, unsigned process);

/* Edits that make `name` of the first `length` letters of `word`, for "did you mean"; 99 if
 * one has more than 31 letters. The wrong case is no other letter. */
unsigned text_distance(const char *word, size_t length, const char *name);

/* Writes "text" to fd in one write call (up to 1 KiB); keeps errno. */
void say(int fd, const char *format, ...);

/* Writes all of data to fd, retrying short writes; keeps errno. */
bool say_bytes(int fd, const char *data, size_t length);

#endif
