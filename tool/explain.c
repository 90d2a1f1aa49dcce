/* The verb `explain`; see explain.h. No state. */
#include "explain.h"

#include "draw.h"
#include "explain_rules.h"
#include "play_run.h"
#include "play_why.h"
#include "session.h"
#include "text.h"
#include "wrap.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char explain_usage[] =
    "usage: chunky explain malloc N [SCRIPT|PID]\n"
    "       chunky explain free VARIABLE SCRIPT\n"
    "       chunky explain free ADDRESS PID\n"
    "What malloc(N) or free would do next, rule by rule in the order in which the\n"
    "engine asks. After a script, the engine is also asked; of a live process\n"
    "nothing is changed.\n"
    "  -m, --mode MODE   for scripts: coalesce, bins or cache; default: cache\n"
    "example: chunky explain malloc 30 'a=malloc(10); b=malloc(20); free(a)'\n";

static enum play_mode explain_mode(const char *name, bool *known)
{
    for (unsigned i = 0; i < PLAY_MODES; i++)
        if (strcmp(play_mode_name((enum play_mode)i), name) == 0)
            return (enum play_mode)i;
    *known = false;
    return PLAY_CACHE;
}

/* As wide as the terminal. */
static FILE *explain_open(void)
{
    struct draw d;
    struct options none = {.width = 0};
    draw_open(&d, stdout, &none);
    return d.limit != 0 ? wrap_open(stdout, d.limit) : stdout;
}

static void explain_close(FILE *out)
{
    if (out != stdout)
        fclose(out);
}

/* What the engine says when it is really asked. */
static void explain_confirm(FILE *out, struct play_run *r)
{
    if (!play_run_step(r))
        return;
    char *why = why_sentence(r);
    fprintf(out, "  the engine, asked: %s\n", why == NULL ? "" : why);
    if (r->session.text != NULL)
        fprintf(out, "  %.*s\n", (int)strcspn(r->session.text, "\n"), r->session.text);
    free(why);
}

static int explain_script(const char *verb, const char *what, const char *text,
                          enum play_mode mode)
{
    struct play_script script = {0};
    struct play_run run;
    struct play_error error;
    char call[120];
    snprintf(call, sizeof call, "%s(%s)", verb, what);
    if (!play_parse(&script, text, &error)) {
        fprintf(stderr, "chunky explain: %u:%u: %s\n", error.line, error.column,
                error.text);
        return STATUS_USAGE;
    }
    size_t count = script.count;
    if (!play_parse(&script, call, &error)) {
        fprintf(stderr, "chunky explain: %s: %s\n", call, error.text);
        play_script_free(&script);
        return STATUS_USAGE;
    }
    if (!play_run_start(&run, &script, mode))
        return STATUS_UNREADABLE;
    while (run.next < count && play_run_step(&run))
        continue;
    play_heap_read(&run.heap, &run.session, false);
    FILE *out = explain_open();
    struct explain e = {.out = out, .heap = &run.heap, .thread = "main"};
    const struct play_op *op = &script.op[count];
    fprintf(out, "%s, mode %s\n", call, play_mode_name(mode));
    if (op->verb == PLAY_FREE) {
        uint64_t value = (size_t)op->source < run.values ? run.value[op->source] : 0;
        explain_free(&e, value + (uint64_t)op->shift);
    } else {
        explain_malloc(&e, op->a);
    }
    explain_confirm(out, &run);
    explain_close(out);
    play_run_stop(&run);
    play_script_free(&script);
    return STATUS_OK;
}

/* "30", "1K"; or an address, as `what` takes it. */
static bool explain_number(const struct session *n, const char *verb, const char *what,
                           uint64_t *number)
{
    if (strcmp(verb, "free") == 0)
        return session_address(n, what, number);
    if (text_number(what, number))
        return true;
    char *shown = text_printable(what);
    fprintf(stderr, "chunky explain: \"%s\" is no number below 2^64\n", shown);
    free(shown);
    return false;
}

static void explain_heap(struct source *source, const char *verb, const char *what,
                         uint64_t number)
{
    struct play_session names = {0};
    struct play_heap heap = {0};
    names.kernel[0] = source->pid;
    snprintf(names.name[0], sizeof names.name[0], "main");
    play_heap_walk(&heap, &source->walk, &names, false);
    FILE *out = explain_open();
    struct explain e = {.out = out, .heap = &heap, .thread = "main"};
    fprintf(out, "%s(%s) in process %d, first thread\n", verb, what, (int)source->pid);
    if (strcmp(verb, "malloc") == 0)
        explain_malloc(&e, number);
    else
        explain_free(&e, number);
    explain_close(out);
    play_heap_free(&heap);
}

static int explain_process(const char *verb, const char *what, const char *pid)
{
    struct session n = {.options = NULL};
    uint64_t number;
    enum status status = source_open(&n.source, pid, true);
    if (status == STATUS_OK)
        status = scan_open(&n.scan, &n.source);
    if (status == STATUS_OK && !explain_number(&n, verb, what, &number))
        status = STATUS_USAGE;
    if (status == STATUS_OK)
        explain_heap(&n.source, verb, what, number);
    scan_close(&n.scan);
    source_close(&n.source);
    return (int)status;
}

/* What no script is. */
static int explain_file(const char *name)
{
    bool there = access(name, F_OK) == 0;
    int why = errno;
    char *shown = text_printable(name);
    fprintf(stderr, "chunky explain: %s: %s\n", shown,
            there ? "a script in quotes is asked about, or a process by its number"
                  : strerror(why));
    free(shown);
    return there ? STATUS_USAGE : STATUS_UNREADABLE;
}

const struct option explain_long_options[] = {
    {"mode", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int explain_main(int argc, char **argv)
{
    enum play_mode mode = PLAY_CACHE;
    bool known = true;
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "m:h", explain_long_options, NULL)) !=
           -1) {
        if (option == 'm')
            mode = explain_mode(optarg, &known);
        else if (option == 'h')
            return fputs(explain_usage, stdout) < 0;
        else
            known = false;
    }
    bool allocates = optind < argc && strcmp(argv[optind], "malloc") == 0;
    bool frees = optind < argc && strcmp(argv[optind], "free") == 0;
    if (!known || (!allocates && !frees) || argc - optind < (frees ? 3 : 2) ||
        argc - optind > 3) {
        fputs(explain_usage, stderr);
        return STATUS_USAGE;
    }
    const char *where = argc - optind == 3 ? argv[optind + 2] : "";
    if (*where != '\0' && where[strspn(where, "0123456789")] == '\0')
        return explain_process(argv[optind], argv[optind + 1], where);
    if (play_names_file(where))
        return explain_file(where);
    return explain_script(argv[optind], argv[optind + 1], where, mode);
}
