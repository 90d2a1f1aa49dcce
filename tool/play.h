/* The verb `play`: malloc step by step, drawn. */
#ifndef TOOL_PLAY_H
#define TOOL_PLAY_H

#include <getopt.h>

/* For help, manual and completion. */
extern const char play_usage[];
extern const struct option play_long_options[];

/* argv[0] is "play". Returns the exit status. */
int play_main(int argc, char **argv);

#endif
