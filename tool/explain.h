/* The verb `explain`: what malloc or free would do next, rule by rule, undone. */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

/* argv[0] is "explain". Returns the exit status. */
int explain_main(int argc, char **argv);

#endif
