/*
 * What is printed before abort. No allocation, safe in a signal handler.
 */
#ifndef CHUNKY_FRONT_REPORT_H
#define CHUNKY_FRONT_REPORT_H

/* `mem` was passed to `verb` and is no live block: says which kind of mistake it was,
 * and aborts. */
_Noreturn void report_not_live(const void *mem, const char *verb);

#endif
