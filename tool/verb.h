/*
 * The verbs of the command, and the options that they share. One table describes each
 * option once: parsing, `chunky help`, completion and the manual follow from it.
 */
#ifndef TOOL_VERB_H
#define TOOL_VERB_H

#include "source.h"

#include <limits.h>

enum option_id {
    OPT_ALL = 256, /* above any letter */
    OPT_ARENA,
    OPT_ART,
    OPT_ASCII,
    OPT_BYTES,
    OPT_CELL,
    OPT_CHECK,
    OPT_COLOR,
    OPT_COLOR_BY,
    OPT_COUNT,
    OPT_FAIL,
    OPT_FAST,
    OPT_FOLLOW_FORK,
    OPT_FORMAT,
    OPT_HELP,
    OPT_HEX,
    OPT_LIMIT,
    OPT_MAX_ERRORS,
    OPT_NO_ASLR,
    OPT_OPEN,
    OPT_OUTPUT,
    OPT_RANGE,
    OPT_REL,
    OPT_REPORT,
    OPT_RESIDENT,
    OPT_SIZE,
    OPT_STATE,
    OPT_STOP,
    OPT_SUMMARY,
    OPT_TITLE,
    OPT_WATCH,
    OPT_WIDTH
};

struct option_spec {
    enum option_id id;
    const char *name;     /* long name */
    const char *argument; /* NULL: takes none; "[N]": may take one */
    char letter;          /* short name, or 0 */
    const char *meaning;
};

/* All options there are; the last has no name. */
extern const struct option_spec option_specs[];

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* What was asked for. Unset: 0, NULL, or -1 where noted. */
struct options {
    const char *source;
    char **operand; /* what follows the source */
    int operands;
    char **command;     /* behind --, ends with NULL */
    const char *format; /* text, json, ...; NULL: text */
    const char *output;
    const char *color_by;
    const char *state;
    const char *size;
    const char *range;
    enum color_when color;
    uint64_t cell;
    int arena; /* -1: all */
    unsigned width;
    bool cuts; /* the caller cuts lines that are too long */
    unsigned limit, hex;
    unsigned long max_errors;
    double watch;
    pid_t held;     /* the command, at its end; 0: it was not started yet */
    uint64_t check; /* run --check=N: the safety level; 0: as it is */
    bool all, art, ascii, bytes, count, fail, fast, help, no_aslr, open, rel, report,
        resident, stop, summary, wants_check, wants_hex;
};

enum { MANY = INT_MAX };

struct verb {
    const char *name;
    enum status (*run)(struct options *o); /* NULL: takes its arguments raw */
    int (*run_raw)(int argc, char **argv);
    const char *usage;             /* behind "chunky NAME " */
    const char *summary;           /* one line */
    const char *formats;           /* "text, json" */
    const enum option_id *options; /* ends with 0 */
    const char *text;              /* help: paragraphs */
    int operands;                  /* most that follow the SOURCE; MANY */
};

extern const struct verb verbs[];
extern const size_t verb_count;
const struct verb *verb_find(const char *name);

/* What a verb that takes its arguments raw says of itself. */
struct own_help {
    const char *usage;            /* NULL: none */
    const struct option *options; /* as getopt_long takes them */
};
struct own_help verb_own(const struct verb *v);

/* Reads argv[1..] of a verb. On a mistake says so in one line and returns false. */
bool options_parse(struct options *o, const struct verb *v, int argc, char **argv);

/* True if the asked format is the named one ("text" when none was asked for). */
bool options_want(const struct options *o, const char *format);

/* Opens the source that was asked for: PID, file, or -- CMD, which is run to its end. */
enum status options_open(struct options *o, struct source *s);

int help_main(int argc, char **argv);
/* --man [VERB], --bash, --zsh; false for anything else. */
bool manual_main(int argc, char **argv);

enum status cmd_run(struct options *o);
enum status cmd_stats(struct options *o);
enum status cmd_map(struct options *o);
enum status cmd_layout(struct options *o);
enum status cmd_chunks(struct options *o);
enum status cmd_what(struct options *o);
enum status cmd_bins(struct options *o);
enum status cmd_frag(struct options *o);
enum status cmd_check(struct options *o);
enum status cmd_dump(struct options *o);
enum status cmd_diff(struct options *o);
enum status cmd_symbolize(struct options *o);
enum status cmd_top(struct options *o);
enum status cmd_ctl(struct options *o);
enum status cmd_view(struct options *o);

#endif
