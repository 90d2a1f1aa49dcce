/* The chunky command: the table of its verbs, and help. State: the tables. */
#include "verb.h"

#include "chunky.h"
#include "explain.h"
#include "play.h"
#include "text.h"

#include <signal.h>
#include <stdlib.h>

static const enum option_id run_options[] = {
    OPT_REPORT,  OPT_CHECK,      OPT_FOLLOW_FORK,
    OPT_NO_ASLR, OPT_WIDTH,      OPT_COLOR,
    OPT_ASCII,   OPT_MAX_ERRORS, 0};
static const enum option_id map_options[] = {OPT_CELL,  OPT_ARENA,  OPT_LIMIT,
                                             OPT_STOP,  OPT_WIDTH,  OPT_COLOR,
                                             OPT_ASCII, OPT_FORMAT, 0};
static const enum option_id stats_options[] = {OPT_STOP,  OPT_WIDTH,  OPT_COLOR,
                                               OPT_ASCII, OPT_FORMAT, 0};

const struct verb verbs[] = {
    {"run", cmd_run, NULL, "[--report] [--check[=N]] -- CMD",
     "run a command on Chunky; its exit status is passed on", "text", run_options,
     "Loads libchunky.so before everything else in CMD and in what CMD starts. "
     "--report\n"
     "holds the process just before it ends and draws its heap on standard error; "
     "--check\n"
     "audits it there. Exits as CMD did: its status, or killed by its signal; 126 if "
     "CMD\n"
     "cannot be run, 127 if it does not exist; 1 if only the audit found something."},
    {"stats", cmd_stats, NULL, "SOURCE",
     "arenas, and where the bytes are: the waterfall", "text", stats_options,
     "From what the program asked for down to what is resident, each step with its "
     "share,\n"
     "checked against the kernel's own figures."},
    {"map", cmd_map, NULL, "SOURCE", "the heap drawn as a grid of cells", "text",
     map_options,
     "Each cell is a byte, 16 bytes, a page or more, by the size of what is drawn."},
    {"play", NULL, play_main, "[OPTION]... ['SCRIPT' | -f FILE]",
     "malloc step by step, drawn: scripts in the real engine", "text", NULL,
     "chunky play --help lists the options."},
    {"explain", NULL, explain_main, "malloc N | free ADDRESS [SCRIPT | PID]",
     "what malloc or free would do next, rule by rule", "text", NULL,
     "chunky explain --help says how."},
};
const size_t verb_count = sizeof verbs / sizeof verbs[0];

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int main_unknown(const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (; count < verb_count && count < 64; count++)
        names[count] = verbs[count].name;
    const char *nearest = text_nearest(word, names, count);
    char *shown = text_printable(word);
    complain(STATUS_USAGE, "no verb \"%s\"%s%s%s (chunky help lists all)", shown,
             nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
             nearest == NULL ? "" : "?");
    free(shown);
    return STATUS_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe ends the output, quietly */
    if (argc < 2) {
        help_main(1, argv);
        return STATUS_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("chunky %s (layout %d.%d)\n", CHUNKY_VERSION, LAYOUT_MAJOR,
               LAYOUT_MINOR);
        return STATUS_OK;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
        strcmp(word, "-h") == 0)
        return help_main(argc - 1, argv + 1);
    const struct verb *v = verb_find(word);
    if (v == NULL)
        return main_unknown(word);
    if (v->run_raw != NULL)
        return v->run_raw(argc - 1, argv + 1);
    struct options o;
    if (!options_parse(&o, v, argc - 1, argv + 1))
        return STATUS_USAGE;
    if (o.help) {
        char *two[] = {argv[0], argv[1], NULL};
        return help_main(2, two);
    }
    return (int)v->run(&o);
}
