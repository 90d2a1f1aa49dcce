/* The verb `play`: its options, and where the script comes from. No state. */
#include "play.h"

#include "play_child.h"
#include "play_compare.h"
#include "play_html.h"
#include "play_list.h"
#include "play_prompt.h"
#include "play_text.h"

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    EXIT_SOURCE = 3,
};

struct options {
    struct text_style style;
    enum play_mode mode[2];
    bool compare;
    unsigned from; /* step that is drawn first */
    bool json;
    const char *file, *html, *title;
};

static void play_usage(FILE *out)
{
    fputs(
        "usage: chunky play [OPTION]... [SCRIPT]\n"
        "Runs a script of malloc, calloc, realloc, memalign, free, write, trim and "
        "sbrk\n"
        "in a process of its own, with the real engine, and draws the heap after each\n"
        "step. Without a script, lines are read from a prompt.\n"
        "  -f, --file FILE       the script is in a file (- for standard input)\n"
        "  -m, --mode MODE       coalesce (no caches, no fast bins), bins (fast "
        "bins),\n"
        "                        cache (as programs run); default: coalesce\n"
        "  -c, --compare[=A,B]   two modes side by side; default: coalesce,bins\n"
        "      --level byte      a cell a byte, and the words of each chunk\n"
        "      --art             the first 4 KiB as numbered boxes\n"
        "      --quiet           strips only\n"
        "      --rules           the engine's own words for the rules it took\n"
        "      --relative        nothing that differs between machines or builds\n"
        "      --width N, --ascii\n"
        "example: chunky play 'a=malloc(10); b=malloc(20); free(a); c=malloc(30)'\n",
        out);
}

static unsigned play_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (columns != NULL && atoi(columns) > 0)
        return (unsigned)atoi(columns);
    if (isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
        return size.ws_col;
    return 80;
}

static bool play_mode_of(const char *name, size_t length, enum play_mode *mode)
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

static bool play_modes_of(const char *pair, enum play_mode *mode)
{
    const char *comma = pair == NULL ? NULL : strchr(pair, ',');
    mode[0] = PLAY_COALESCE;
    mode[1] = PLAY_BINS;
    if (pair == NULL)
        return true;
    if (comma == NULL) {
        fprintf(stderr, "chunky play: --compare wants two modes, as in "
                        "--compare=coalesce,cache\n");
        return false;
    }
    return play_mode_of(pair, (size_t)(comma - pair), &mode[0]) &&
           play_mode_of(comma + 1, strlen(comma + 1), &mode[1]);
}

enum {
    OPT_LEVEL = 256,
    OPT_ART,
    OPT_QUIET,
    OPT_RULES,
    OPT_HTML,
    OPT_FORMAT,
    OPT_TITLE,
    OPT_FROM,
    OPT_VERIFY,
    OPT_RELATIVE,
    OPT_WIDTH,
    OPT_ASCII
};

static const struct option long_options[] = {
    {"file", required_argument, NULL, 'f'},
    {"mode", required_argument, NULL, 'm'},
    {"compare", optional_argument, NULL, 'c'},
    {"level", required_argument, NULL, OPT_LEVEL},
    {"art", no_argument, NULL, OPT_ART},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"rules", no_argument, NULL, OPT_RULES},
    {"html", required_argument, NULL, OPT_HTML},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"title", required_argument, NULL, OPT_TITLE},
    {"from", required_argument, NULL, OPT_FROM},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"relative", no_argument, NULL, OPT_RELATIVE},
    {"width", required_argument, NULL, OPT_WIDTH},
    {"ascii", no_argument, NULL, OPT_ASCII},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool play_option(struct options *o, int option)
{
    switch (option) {
    case 'f':
        o->file = optarg;
        return true;
    case 'm':
        return play_mode_of(optarg, strlen(optarg), &o->mode[0]);
    case 'c':
        o->compare = true;
        return play_modes_of(optarg, o->mode);
    case OPT_LEVEL:
        o->style.bytes = strcmp(optarg, "byte") == 0;
        if (!o->style.bytes && strcmp(optarg, "strip") != 0)
            fprintf(stderr, "chunky play: no level \"%s\"; there are strip and byte\n",
                    optarg);
        return o->style.bytes || strcmp(optarg, "strip") == 0;
    case OPT_ART:
        o->style.art = true;
        return true;
    case OPT_QUIET:
        o->style.quiet = true;
        return true;
    case OPT_RULES:
        o->style.rules = true;
        return true;
    case OPT_FROM:
        o->from = (unsigned)atoi(optarg);
        return true;
    case OPT_HTML:
        o->html = optarg;
        return true;
    case OPT_TITLE:
        o->title = optarg;
        return true;
    case OPT_FORMAT:
        o->json = strcmp(optarg, "json") == 0;
        if (!o->json && strcmp(optarg, "text") != 0)
            fprintf(stderr, "chunky play: no format \"%s\"; there are text and json\n",
                    optarg);
        return o->json || strcmp(optarg, "text") == 0;
    case OPT_VERIFY:
        o->style.verify = true;
        return true;
    case OPT_RELATIVE:
        o->style.relative = true;
        return true;
    case OPT_WIDTH:
        o->style.draw.width = (unsigned)atoi(optarg);
        if (o->style.draw.width < 40 || o->style.draw.width > 1000)
            fprintf(stderr, "chunky play: --width wants a number from 40 to 1000\n");
        return o->style.draw.width >= 40 && o->style.draw.width <= 1000;
    case OPT_ASCII:
        o->style.draw.ascii = true;
        return true;
    default:
        return false;
    }
}

/* A whole file, to be freed; NULL with the reason on stderr. */
static char *play_read(const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t room = 0, length = 0, got;
    if (in == NULL) {
        fprintf(stderr, "chunky play: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    do {
        text = list_room(text, &room, length, 4096, 1);
        got = fread(text + length, 1, 4095, in);
        length += got;
    } while (got != 0);
    text[length] = '\0';
    if (in != stdin)
        fclose(in);
    return text;
}

/* The line that is wrong, and a mark under the place. */
static void play_complain(const char *where, const char *text,
                          const struct play_error *e)
{
    const char *line = text;
    for (unsigned i = 1; i < e->line; i++)
        line = strchr(line, '\n') + 1;
    fprintf(stderr, "chunky play: %s%s%u:%u: %s\n  %.*s\n  %*s^\n", where,
            *where == '\0' ? "" : ":", e->line, e->column, e->text,
            (int)strcspn(line, "\n"), line, (int)e->column - 1, "");
}

static int play_one(struct options *o, const struct play_script *s)
{
    struct play_run measured, run;
    if (!compare_measure(&measured, s, o->mode[0]) ||
        !play_run_start(&run, s, o->mode[0]))
        return EXIT_SOURCE;
    play_run_expect(&run, &measured);
    while (play_run_step(&run) && fflush(o->style.draw.out) == 0)
        if (run.op->number >= o->from || run.op->verb == PLAY_TAG)
            play_text_step(&o->style, &run);
    play_text_end(&o->style, &run);
    play_run_stop(&run);
    return 0;
}

/* As a page or as JSON. */
static int play_data(struct options *o, const struct play_script *s)
{
    struct play_run measured, run;
    const char *title = o->title != NULL  ? o->title
                        : o->file != NULL ? o->file
                                          : "chunky play";
    FILE *out =
        o->html == NULL || strcmp(o->html, "-") == 0 ? stdout : fopen(o->html, "w");
    if (out == NULL) {
        fprintf(stderr, "chunky play: %s: %s\n", o->html, strerror(errno));
        return EXIT_SOURCE;
    }
    if (!compare_measure(&measured, s, o->mode[0]) ||
        !play_run_start(&run, s, o->mode[0]))
        return EXIT_SOURCE;
    play_run_expect(&run, &measured);
    if (o->html != NULL)
        html_write(out, &run, o->mode[0], title);
    else
        html_json(out, &run, o->mode[0], title);
    play_run_stop(&run);
    return (out == stdout ? fflush(out) : fclose(out)) == 0 ? 0 : EXIT_SOURCE;
}

static int play_script_text(struct options *o, const char *where, const char *text)
{
    struct play_script script = {0};
    struct play_error error;
    if (!play_parse(&script, text, &error)) {
        play_complain(where, text, &error);
        play_script_free(&script);
        return EXIT_USAGE;
    }
    o->style.draw.label = play_text_label(&script, 0);
    int status = o->html != NULL || o->json ? play_data(o, &script)
                 : o->compare               ? compare_runs(&o->style, &script, o->mode)
                                            : play_one(o, &script);
    play_script_free(&script);
    return status;
}

int play_main(int argc, char **argv)
{
    struct options o = {.mode = {PLAY_COALESCE, PLAY_BINS}};
    int option;
    if (argc > 4 && strcmp(argv[1], "--child") == 0)
        return play_child(argv + 2);
    setlocale(LC_CTYPE, "");
    o.style.draw.out = stdout;
    o.style.draw.width = play_width();
    o.style.draw.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    signal(SIGPIPE, SIG_IGN);
    optind = 1;
    while ((option = getopt_long(argc, argv, "f:m:ch", long_options, NULL)) != -1) {
        if (option == 'h') {
            play_usage(stdout);
            return 0;
        }
        if (!play_option(&o, option)) {
            if (option == '?')
                play_usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (optind + 1 < argc) {
        fprintf(stderr, "chunky play: one script, in quotes\n");
        return EXIT_USAGE;
    }
    if (o.file != NULL) {
        char *text = play_read(o.file);
        int status = text == NULL ? EXIT_SOURCE : play_script_text(&o, o.file, text);
        free(text);
        return status;
    }
    if (optind < argc)
        return play_script_text(&o, "", argv[optind]);
    if (o.compare) {
        fprintf(stderr, "chunky play: --compare wants a script\n");
        return EXIT_USAGE;
    }
    return prompt_run(&o.style, o.mode[0]);
}
