/*
 * Reports of a command, and of what it starts, printed with the names of functions and
 * lines. They are written into a pipe that is found by our number and its own.
 */
#ifndef TOOL_RELAY_H
#define TOOL_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

void relay_start(void);
/* Returns once all is printed that was reported until now. */
void relay_wait(void);
/* The same, and no more comes. */
void relay_end(void);
/* The entry of CHUNKY_CONF that leads to it, of a process `reader`; false: there is none. */
enum { RELAY_TEXT = 64 };
bool relay_entry(char out[RELAY_TEXT], pid_t reader);

#endif
