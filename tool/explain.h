/* The verb `explain`: what malloc or free would do next, rule by rule, undone. */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

#include <getopt.h>

/* For help, manual and completion. */
extern const char explain_usage[];
extern const struct option explain_long_options[];

/* argv[0] is "explain". Returns the exit status. */
int explain_main(int argc, char **argv);

#endif
