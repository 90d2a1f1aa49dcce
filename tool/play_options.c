/* The options of `play`; see play_options.h. No state. */
#include "play_options.h"

#include "play_tint.h"

#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, WIDTH_MIN = 40, WIDTH_MAX = 1000, RECORD_MAX = 100000000 };

/* clang-format off: a table */
const char play_usage[] =
    "usage: chunky play [OPTION]... [SCRIPT | TRACE]\n"
    "       chunky play --record [-o FILE] [--limit N] [--program NAME] -- CMD...\n"
    "Runs a script of malloc, calloc, realloc, memalign, free, write, trim and sbrk\n"
    "in a process of its own, with the real engine, and draws the heap after each\n"
    "step. A TRACE is what --record wrote: the calls of a real program, stepped\n"
    "through in the same way. Without either, lines are read from a prompt.\n"
    "  -f, --file FILE       the script is in a file (- for standard input)\n"
    "  -m, --mode MODE       coalesce (no caches, no fast bins), bins (fast bins),\n"
    "                        cache (as programs run); default: coalesce, and cache\n"
    "                        for a TRACE\n"
    "  -c, --compare[=A,B]   two modes side by side; default: coalesce,bins\n"
    "      --step            waits for a line after each step: Enter alone goes on; a\n"
    "                        number, b (back) or q (quit), and Enter\n"
    "                        (a TRACE on a terminal is stepped so by itself)\n"
    "      --from N, --to N  draws these steps only\n"
    "      --level byte      a cell a byte, and the words of each chunk\n"
    "      --all             all of a large heap, not only what the step is about\n"
    "      --art             the first 4 KiB as numbered boxes\n"
    "      --quiet           strips only\n"
    "      --rules           the engine's own words for the rules it took\n"
    "      --time            how long each step took, on standard error\n"
    "      --html FILE       one page, to be stepped through with keys\n"
    "      --format F        text, json (the same as data), or html: the page, on\n"
    "                        standard output\n"
    "      --title TEXT      of the page, and of the data\n"
    "      --verify          audits the heap after each step\n"
    "      --relative        nothing that differs between machines or builds\n"
    "      --color WHEN      auto, always or never\n"
    "      --width N, --ascii\n"
    "  -o, --output FILE     --record: the trace; default: the program's name, .trace\n"
    "      --limit N         --record: the first N operations; default: 100000\n"
    "      --program NAME    --record: the first process of this name that CMD starts\n"
    "example: chunky play 'a=malloc(10); b=malloc(20); free(a); c=malloc(30)'\n"
    "         chunky play --record -- sqlite3 :memory: 'select 1'\n"
    "         chunky play sqlite3.trace\n"
    "Exit: 0, 2 for a mistake in the script or the options, 3 if a file or the engine\n"
    "cannot be read, a trace is damaged or the output cannot be written; --record:\n"
    "as CMD did, or 128 and the signal that killed it.\n";
/* clang-format on */

enum {
    OPT_LEVEL = 256,
    OPT_ALL,
    OPT_COLOR,
    OPT_ART,
    OPT_QUIET,
    OPT_RULES,
    OPT_HTML,
    OPT_FORMAT,
    OPT_TITLE,
    OPT_FROM,
    OPT_TO,
    OPT_STEP,
    OPT_RECORD,
    OPT_LIMIT,
    OPT_PROGRAM,
    OPT_TIME,
    OPT_VERIFY,
    OPT_RELATIVE,
    OPT_WIDTH,
    OPT_ASCII
};

const struct option play_long_options[] = {
    {"file", required_argument, NULL, 'f'},
    {"mode", required_argument, NULL, 'm'},
    {"compare", optional_argument, NULL, 'c'},
    {"output", required_argument, NULL, 'o'},
    {"level", required_argument, NULL, OPT_LEVEL},
    {"all", no_argument, NULL, OPT_ALL},
    {"color", required_argument, NULL, OPT_COLOR},
    {"art", no_argument, NULL, OPT_ART},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"rules", no_argument, NULL, OPT_RULES},
    {"html", required_argument, NULL, OPT_HTML},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"title", required_argument, NULL, OPT_TITLE},
    {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},
    {"step", no_argument, NULL, OPT_STEP},
    {"record", no_argument, NULL, OPT_RECORD},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"program", required_argument, NULL, OPT_PROGRAM},
    {"time", no_argument, NULL, OPT_TIME},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"relative", no_argument, NULL, OPT_RELATIVE},
    {"width", required_argument, NULL, OPT_WIDTH},
    {"ascii", no_argument, NULL, OPT_ASCII},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static unsigned options_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    unsigned width = 80;
    if (columns != NULL && atoi(columns) > 0)
        width = (unsigned)atoi(columns);
    else if (isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
        width = size.ws_col;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
}

static bool options_mode_of(const char *name, size_t length, enum play_mode *mode)
{
    for (unsigned i = 0; i < PLAY_MODES; i++) {
        const char *known = play_mode_name((enum play_mode)i);
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *mode = (enum play_mode)i;
            return true;
        }
    }
    fprintf(stderr,
            "chunky play: no mode \"%.*s\"; there are coalesce, bins and cache\n",
            (int)length, name);
    return false;
}

static bool options_modes_of(const char *pair, enum play_mode *mode)
{
    const char *comma = pair == NULL ? NULL : strchr(pair, ',');
    mode[0] = PLAY_COALESCE;
    mode[1] = PLAY_BINS;
    if (pair == NULL)
        return true;
    pair += *pair == '='; /* -c=A,B */
    if (comma == NULL) {
        fprintf(stderr, "chunky play: --compare wants two modes, as in "
                        "--compare=coalesce,cache\n");
        return false;
    }
    return options_mode_of(pair, (size_t)(comma - pair), &mode[0]) &&
           options_mode_of(comma + 1, strlen(comma + 1), &mode[1]);
}

/* One of two words; *second tells which. */
static bool options_either(const char *name, const char *a, const char *b, bool *second)
{
    *second = strcmp(optarg, b) == 0;
    if (*second || strcmp(optarg, a) == 0)
        return true;
    fprintf(stderr, "chunky play: no %s \"%s\"; there are %s and %s\n", name, optarg, a,
            b);
    return false;
}

static bool options_format(struct play_options *o, const char *name)
{
    o->json = strcmp(name, "json") == 0;
    o->page = strcmp(name, "html") == 0;
    if (o->json || o->page || strcmp(name, "text") == 0)
        return true;
    fprintf(stderr, "chunky play: no format \"%s\"; there are text, json and html\n",
            name);
    return false;
}

static bool options_number(const char *name, unsigned least, unsigned most,
                           unsigned *value)
{
    char *end;
    unsigned long n = strtoul(optarg, &end, 10);
    if (*optarg >= '0' && *optarg <= '9' && *end == '\0' && n >= least && n <= most) {
        *value = (unsigned)n;
        return true;
    }
    fprintf(stderr, "chunky play: --%s wants a number from %u to %u, not \"%s\"\n",
            name, least, most, optarg);
    return false;
}

static bool options_color(struct play_options *o, const char *when)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(when, names[i]) == 0) {
            o->style.draw.color = tint_wanted(i);
            return true;
        }
    fprintf(stderr, "chunky play: --color wants auto, always or never, not \"%s\"\n",
            when);
    return false;
}

static bool options_recording(struct play_options *o, int option)
{
    unsigned limit = 0;
    switch (option) {
    case OPT_RECORD:
        o->record = true;
        return true;
    case 'o':
        o->recording.file = optarg;
        return true;
    case OPT_PROGRAM:
        o->recording.program = optarg;
        return true;
    case OPT_LIMIT:
        if (!options_number("limit", 1, RECORD_MAX, &limit))
            return false;
        o->recording.limit = limit;
        return true;
    default:
        return false;
    }
}

static bool options_drawing(struct play_options *o, int option)
{
    struct text_style *t = &o->style;
    switch (option) {
    case OPT_LEVEL:
        return options_either("level", "strip", "byte", &t->bytes);
    case OPT_FORMAT:
        return options_format(o, optarg);
    case OPT_COLOR:
        return options_color(o, optarg);
    case OPT_ALL:
        return t->draw.all = true;
    case OPT_ART:
        return t->art = true;
    case OPT_QUIET:
        return t->quiet = true;
    case OPT_RULES:
        return t->rules = true;
    case OPT_VERIFY:
        return t->verify = true;
    case OPT_RELATIVE:
        return t->relative = true;
    case OPT_ASCII:
        return t->draw.ascii = true;
    case OPT_WIDTH:
        return options_number("width", WIDTH_MIN, WIDTH_MAX, &t->draw.width);
    default:
        return options_recording(o, option);
    }
}

static bool options_one(struct play_options *o, int option)
{
    o->wraps = o->wraps || option == OPT_WIDTH;
    switch (option) {
    case 'f':
        o->file = optarg;
        return true;
    case 'm':
        o->chosen = true;
        return options_mode_of(optarg, strlen(optarg), &o->mode[0]);
    case 'c':
        o->compare = true;
        return options_modes_of(optarg, o->mode);
    case OPT_FROM:
        return options_number("from", 1, UINT32_MAX, &o->from);
    case OPT_TO:
        return options_number("to", 1, UINT32_MAX, &o->to);
    case OPT_STEP:
        return o->step = true;
    case OPT_TIME:
        return o->time = true;
    case OPT_HTML:
        o->html = optarg;
        return true;
    case OPT_TITLE:
        o->title = optarg;
        return true;
    default:
        return options_drawing(o, option);
    }
}

/* What is left of the line: a script, a trace, or a command to record. */
static bool options_operands(struct play_options *o, int argc, char **argv)
{
    bool command = optind < argc && strcmp(argv[optind - 1], "--") == 0;
    if (o->record && !command) {
        fprintf(stderr,
                "chunky play: --record wants a command, as in --record -- ls\n");
        return false;
    }
    if (o->record && o->recording.file != NULL && strcmp(o->recording.file, "-") == 0) {
        fprintf(stderr,
                "chunky play: standard output is the command's; -o wants a file\n");
        return false;
    }
    o->recording.command = argv + optind;
    if (!o->record && optind + (o->file == NULL) < argc) {
        fprintf(stderr, "chunky play: one script, in quotes\n");
        return false;
    }
    if (o->to != 0 && o->from > o->to) {
        fprintf(stderr, "chunky play: --from %u comes after --to %u\n", o->from, o->to);
        return false;
    }
    o->script = optind < argc ? argv[optind] : NULL;
    if (o->page && o->html == NULL)
        o->html = "-";
    if (o->compare && o->script == NULL && o->file == NULL) {
        fprintf(stderr, "chunky play: --compare wants a script\n");
        return false;
    }
    if (o->compare && (o->json || o->html != NULL)) {
        fprintf(stderr, "chunky play: --compare is drawn as text; a page or json tells "
                        "one --mode\n");
        return false;
    }
    if (o->script == NULL && o->file == NULL && (o->json || o->html != NULL)) {
        fprintf(stderr, "chunky play: a page or json wants a script\n");
        return false;
    }
    return true;
}

bool play_options_parse(struct play_options *o, int argc, char **argv, int *status)
{
    int option;
    setlocale(LC_CTYPE, "");
    *o = (struct play_options){.mode = {PLAY_COALESCE, PLAY_BINS},
                               .recording = {.limit = RECORD_LIMIT}};
    o->style.draw.out = stdout;
    o->style.draw.width = options_width();
    o->wraps = isatty(1) != 0;
    o->style.draw.color = tint_wanted(0);
    o->style.draw.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    optind = 1;
    *status = EXIT_USAGE;
    while ((option = getopt_long(argc, argv, "f:m:o:c::h", play_long_options, NULL)) !=
           -1) {
        if (option == 'h') {
            *status = fputs(play_usage, stdout) < 0 ? EXIT_USAGE : 0;
            return false;
        }
        if (!options_one(o, option)) {
            if (option == '?')
                fputs("chunky play --help lists the options\n", stderr);
            return false;
        }
    }
    return options_operands(o, argc, argv);
}
