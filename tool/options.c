/* The options of all verbs; see verb.h. State: the tables. */
#include "verb.h"

#include "run.h"
#include "text.h"

#include <getopt.h>
#include <stdlib.h>

const struct option_spec option_specs[] = {
    {OPT_ALL, "all", NULL, 'a', "show what is left out otherwise"},
    {OPT_ARENA, "arena", "N", 0, "only this arena"},
    {OPT_ART, "art", NULL, 0, "one page of 4096 numbered boxes, 32 a row"},
    {OPT_ASCII, "ascii", NULL, 0, "no character beyond ASCII"},
    {OPT_BYTES, "bytes", NULL, 0, "put the contents of memory into the file too"},
    {OPT_CELL, "cell", "N", 0, "bytes a cell: 1, 4, 8, 16, 4k, ... (a power of two)"},
    {OPT_CHECK, "check", "[N]", 0,
     "audit the heap when the program ends; N: safety level"},
    {OPT_COLOR, "color", "WHEN", 0, "auto, always or never"},
    {OPT_COLOR_BY, "color-by", "WHAT", 0, "state, size or arena"},
    {OPT_COUNT, "count", NULL, 0, "only how many"},
    {OPT_FAIL, "fail", NULL, 0, "exit with 1 if there is anything to tell"},
    {OPT_FAST, "fast", NULL, 0, "chunks and sums only, no bins and no caches"},
    {OPT_FOLLOW_FORK, "follow-fork", NULL, 0, "children load Chunky too (the default)"},
    {OPT_FORMAT, "format", "F", 'f', "output format"},
    {OPT_HELP, "help", NULL, 'h', "this text"},
    {OPT_HEX, "hex", "[N]", 0, "the first N bytes of each chunk (64)"},
    {OPT_LIMIT, "limit", "N", 'n', "at most N rows of each heap, lines of each list"},
    {OPT_MAX_ERRORS, "max-errors", "N", 0, "stop after N findings (20)"},
    {OPT_NO_ASLR, "no-aslr", NULL, 0, "the same addresses at each run"},
    {OPT_OPEN, "open", NULL, 0, "open the page in a browser"},
    {OPT_OUTPUT, "output", "FILE", 'o', "write there instead of standard output (-)"},
    {OPT_RANGE, "range", "A-B", 0, "only these addresses"},
    {OPT_REL, "rel", NULL, 0, "addresses as heap+0x..., the same at each run"},
    {OPT_REPORT, "report", NULL, 0, "draw the heap when the program ends"},
    {OPT_RESIDENT, "resident", NULL, 0, "mark what is not resident"},
    {OPT_SIZE, "size", "MIN-MAX", 0, "only chunks of these sizes"},
    {OPT_STATE, "state", "S,S", 0, "only these states: live, cached, free, top, ..."},
    {OPT_STOP, "stop", NULL, 0, "stop the process meanwhile: an exact picture"},
    {OPT_SUMMARY, "summary", NULL, 0, "only sums by size"},
    {OPT_WATCH, "watch", "S", 0, "again every S seconds"},
    {OPT_WIDTH, "width", "N", 0, "columns"},
    {0, NULL, NULL, 0, NULL},
};

/* What getopt calls by its number or its letter; without a name if there is none. */
static const struct option_spec *option_of(int letter)
{
    const struct option_spec *o = option_specs;
    while (o->name != NULL && (int)o->id != letter && o->letter != letter)
        o++;
    return o;
}

static bool option_bad(const struct option_spec *spec, const char *value)
{
    char *shown = text_printable(value);
    complain(STATUS_USAGE, "--%s: \"%s\" is not %s", spec->name, shown,
             spec->id == OPT_COLOR      ? "auto, always or never"
             : spec->id == OPT_CELL     ? "a power of two (1, 4, 16, 4k, ...)"
             : spec->id == OPT_COLOR_BY ? "state, size or arena"
                                        : "a number that makes sense");
    free(shown);
    return false;
}

static bool option_one_of(const char *value, const char *a, const char *b,
                          const char *c)
{
    return strcmp(value, a) == 0 || strcmp(value, b) == 0 || strcmp(value, c) == 0;
}

/* Options with a number. */
static bool option_take_number(struct options *o, const struct option_spec *spec,
                               const char *value)
{
    uint64_t n = 0;
    if (spec->id == OPT_WATCH) {
        char *end;
        o->watch = strtod(value, &end);
        return (*end == '\0' && o->watch >= 0.05 && o->watch <= 86400) ||
               option_bad(spec, value);
    }
    if (!text_number(value, &n) || (n > INT32_MAX && spec->id != OPT_CELL))
        return option_bad(spec, value);
    switch (spec->id) {
    case OPT_CELL:
        o->cell = n;
        return (is_power_of_two(n) && n != 2 && n <= (uint64_t)1 << 40) ||
               option_bad(spec, value);
    case OPT_ARENA:
        o->arena = (int)n;
        return true;
    case OPT_WIDTH:
        o->width = (unsigned)n;
        return (n >= 20 && n <= 4096) || option_bad(spec, value);
    case OPT_LIMIT:
        o->limit = (unsigned)n;
        return true;
    case OPT_MAX_ERRORS:
        o->max_errors = n;
        return n != 0 || option_bad(spec, value);
    case OPT_HEX:
        o->hex = (unsigned)n;
        return n != 0 || option_bad(spec, value);
    default:
        o->check = n;
        return n <= 3 || option_bad(spec, value);
    }
}

static bool option_take_text(struct options *o, const struct option_spec *spec,
                             const char *value)
{
    switch (spec->id) {
    case OPT_COLOR:
        o->color = strcmp(value, "always") == 0  ? COLOR_ALWAYS
                   : strcmp(value, "never") == 0 ? COLOR_NEVER
                                                 : COLOR_AUTO;
        return option_one_of(value, "always", "never", "auto") ||
               option_bad(spec, value);
    case OPT_COLOR_BY:
        o->color_by = value;
        return option_one_of(value, "state", "size", "arena") ||
               option_bad(spec, value);
    case OPT_FORMAT:
        o->format = value;
        return true;
    case OPT_OUTPUT:
        o->output = value;
        return true;
    case OPT_RANGE:
        o->range = value;
        return true;
    case OPT_SIZE:
        o->size = value;
        return true;
    case OPT_STATE:
        o->state = value;
        return true;
    default:
        return option_take_number(o, spec, value);
    }
}

static void option_take_flag(struct options *o, enum option_id id)
{
    switch (id) {
    case OPT_ALL:
        o->all = true;
        break;
    case OPT_ART:
        o->art = true;
        break;
    case OPT_ASCII:
        o->ascii = true;
        break;
    case OPT_BYTES:
        o->bytes = true;
        break;
    case OPT_CHECK:
        o->wants_check = true;
        break;
    case OPT_COUNT:
        o->count = true;
        break;
    case OPT_FAIL:
        o->fail = true;
        break;
    case OPT_FAST:
        o->fast = true;
        break;
    case OPT_FOLLOW_FORK: /* accepted: it is always so */
        break;
    case OPT_HELP:
        o->help = true;
        break;
    case OPT_HEX:
        o->wants_hex = true;
        break;
    case OPT_NO_ASLR:
        o->no_aslr = true;
        break;
    case OPT_OPEN:
        o->open = true;
        break;
    case OPT_REL:
        o->rel = true;
        break;
    case OPT_REPORT:
        o->report = true;
        break;
    case OPT_RESIDENT:
        o->resident = true;
        break;
    case OPT_STOP:
        o->stop = true;
        break;
    case OPT_SUMMARY:
        o->summary = true;
        break;
    default:
        break;
    }
}

static bool verb_takes(const struct verb *v, enum option_id id)
{
    if (id == OPT_HELP)
        return true;
    for (const enum option_id *at = v->options; *at != 0; at++)
        if (*at == id)
            return true;
    return false;
}

/* What follows -- are operands of it, not a command. */
static bool verb_takes_files(const struct verb *v)
{
    return v->run == cmd_symbolize;
}

static bool option_unknown(const struct verb *v, const char *word)
{
    const char *names[64];
    size_t count = 0;
    char bare[64];
    for (const struct option_spec *o = option_specs; o->name != NULL; o++)
        if (verb_takes(v, o->id) && count < 64)
            names[count++] = o->name;
    while (*word == '-')
        word++;
    snprintf(bare, sizeof bare, "%s", word);
    bare[strcspn(bare, "=")] = '\0';
    const char *nearest = text_nearest(bare, names, count);
    char *shown = text_printable(bare);
    complain(STATUS_USAGE, "%s takes no option \"%s\"%s%s%s (chunky help %s)", v->name,
             shown, nearest == NULL ? "" : "; did you mean --",
             nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?", v->name);
    free(shown);
    return false;
}

/* getopt's tables for one verb. */
static void options_table(const struct verb *v, struct option *longs, char *shorts)
{
    *shorts++ = '+';
    *shorts++ = ':';
    for (const struct option_spec *o = option_specs; o->name != NULL; o++) {
        if (!verb_takes(v, o->id))
            continue;
        int kind = o->argument == NULL     ? no_argument
                   : o->argument[0] == '[' ? optional_argument
                                           : required_argument;
        *longs++ = (struct option){o->name, kind, NULL, (int)o->id};
        if (o->letter != 0) {
            *shorts++ = o->letter;
            if (o->argument != NULL)
                *shorts++ = ':';
        }
    }
    *longs = (struct option){NULL, 0, NULL, 0};
    *shorts = '\0';
}

static bool options_format_is_known(const struct options *o, const struct verb *v)
{
    size_t length;
    if (o->format == NULL)
        return true;
    for (const char *at = v->formats; *at != '\0';
         at += length + strspn(at + length, ", ")) {
        length = strcspn(at, ", ");
        if (strlen(o->format) == length && strncmp(at, o->format, length) == 0)
            return true;
    }
    char *shown = text_printable(o->format);
    complain(STATUS_USAGE, "%s has no format \"%s\": there %s %s", v->name, shown,
             strchr(v->formats, ',') == NULL ? "is" : "are", v->formats);
    free(shown);
    return false;
}

/* No operand is passed over in silence. */
static bool options_operands_fit(const struct options *o, const struct verb *v)
{
    if (o->operands <= v->operands)
        return true;
    char *shown = text_printable(o->operand[v->operands]);
    complain(STATUS_USAGE, "%s %s: \"%s\" is too much (chunky help %s)", v->name,
             v->usage, shown, v->name);
    free(shown);
    return false;
}

static bool options_take(struct options *o, const struct verb *v, int letter)
{
    const struct option_spec *spec = option_of(letter);
    if (spec->name == NULL || !verb_takes(v, spec->id))
        return option_unknown(v, "");
    if (spec->argument == NULL || optarg == NULL) {
        option_take_flag(o, spec->id);
        return true;
    }
    if (spec->id == OPT_HEX || spec->id == OPT_CHECK)
        option_take_flag(o, spec->id);
    return option_take_text(o, spec, optarg);
}

/* Options may stand before and behind operands; what follows -- is a command, of verbs
 * that take files those. */
bool options_parse(struct options *o, const struct verb *v, int argc, char **argv)
{
    struct option longs[64];
    char shorts[64];
    int letter, dashes = argc;
    char **words = take((size_t)(argc + 1) * sizeof *words);
    *o = (struct options){.arena = -1, .operand = words};
    for (int i = 1; i < argc && dashes == argc; i++)
        if (strcmp(argv[i], "--") == 0)
            dashes = i;
    if (dashes + 1 < argc && !verb_takes_files(v))
        o->command = argv + dashes + 1;
    options_table(v, longs, shorts);
    optind = 1;
    opterr = 0;
    while (optind < dashes) {
        letter = getopt_long(dashes, argv, shorts, longs, NULL);
        if (letter == -1) {
            words[o->operands++] = argv[optind++];
        } else if (letter == ':') {
            complain(STATUS_USAGE, "--%s wants a value (chunky help %s)",
                     option_of(optopt)->name, v->name);
            return false;
        } else if (letter == '?') {
            return option_unknown(v, argv[optind - 1]);
        } else if (!options_take(o, v, letter)) {
            return false;
        }
    }
    for (int i = dashes + 1; i < argc && verb_takes_files(v); i++)
        words[o->operands++] = argv[i];
    if (o->operands > 0 && o->command == NULL) {
        o->source = words[0];
        o->operand++;
        o->operands--;
    }
    if (o->color_by == NULL)
        o->color_by = "state";
    return o->help || (options_operands_fit(o, v) && options_format_is_known(o, v));
}

bool options_want(const struct options *o, const char *format)
{
    return strcmp(o->format == NULL ? "text" : o->format, format) == 0;
}

enum status options_open(struct options *o, struct source *s)
{
    int ended;
    *s = (struct source){0};
    if (o->source == NULL && o->command != NULL) {
        pid_t pid = o->held != 0 ? o->held : run_to_end(o->command, &ended);
        if (pid < 0)
            return STATUS_UNREADABLE;
        enum status status = source_open_pid(s, pid, false);
        s->reader.is_live = false;
        s->held = pid;
        return status;
    }
    if (o->source == NULL)
        return complain(
            STATUS_USAGE,
            "of what? Give a process's number, a core file, a snapshot, or -- CMD");
    return source_open(s, o->source, o->stop);
}
