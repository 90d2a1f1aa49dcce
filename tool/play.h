/* The verb `play`: malloc step by step, drawn. */
#ifndef TOOL_PLAY_H
#define TOOL_PLAY_H

/* argv[0] is "play". Returns the exit status. */
int play_main(int argc, char **argv);

#endif
