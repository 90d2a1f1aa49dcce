/*
 * Commands with the library preloaded: started, held just before their end, ended. What
 * is started gets its own number, -1 after a complaint.
 */
#ifndef TOOL_RUN_H
#define TOOL_RUN_H

#include "verb.h"

/* Statuses for the shell, when there is none of the command. */
enum { EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

/* Runs a command to its end, where it is held: its memory is still there. */
pid_t run_to_end(char **command, int *status);
/* Starts one that is looked at while it runs, and held at its end. HUP, INT, QUIT and TERM
 * are passed on to it, and end this program. */
pid_t run_watched(char **command);
/* Waits; false when it ends before `seconds` are over. */
bool run_lives(pid_t pid, double seconds, int *status);
/* After that: it is held, its memory still there. Else a complaint, and the status. */
bool run_is_held(pid_t pid, int *status);
/* Lets it end; the exit status for the shell. */
int run_finish(pid_t pid);

/* Starts a command whose output nobody sees, and returns when it runs. */
pid_t run_beside(char **command);
void run_end(pid_t pid);

/* The parts of it. The command waits until `*go` is closed. */
pid_t run_start(char **command, const struct options *o, bool silent, int *go);
/* Passes on what is sent to this program; 0: to nobody any more. */
void run_catch(pid_t pid);
/* Traces it for its end; false with errno. */
bool run_trace(pid_t pid);
/* Waits for the end of a traced one; true if it is held there. */
bool run_wait_held(pid_t pid, int *status);
/* It was not started: its process is still this program. */
bool run_is_us(pid_t pid);

/* The path of libchunky.so, or NULL. The caller frees it. */
char *run_library(void);

#endif
