/* The verb `play`: a script or a trace is found, and drawn as was asked. No state. */
#include "play.h"

#include "play_child.h"
#include "play_compare.h"
#include "play_html.h"
#include "play_list.h"
#include "play_options.h"
#include "play_prompt.h"
#include "play_stepper.h"
#include "play_trace.h"
#include "source.h"
#include "text.h"
#include "wrap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_SOURCE = 3 };

/* A whole file, to be freed; NULL with the reason on stderr. */
static char *play_read(const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t room = 0, length = 0, got;
    if (in == NULL) {
        int why = errno;
        char *shown = text_printable(path);
        fprintf(stderr, "chunky play: %s: %s\n", shown, strerror(why));
        free(shown);
        return NULL;
    }
    do {
        text = list_room(text, &room, length, 4096, 1);
        got = fread(text + length, 1, 4095, in);
        length += got;
    } while (got != 0);
    text[length] = '\0';
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        length -= 3;
        memmove(text, text + 3, length + 1);
    }
    if (ferror(in) || strlen(text) != length) {
        fprintf(stderr, "chunky play: %s: %s\n", path,
                ferror(in) ? strerror(errno) : "this is neither a script nor a trace");
        free(text);
        text = NULL;
    }
    if (in != stdin)
        fclose(in);
    return text;
}

/* Columns of a text on the terminal. */
static unsigned play_columns(const char *text)
{
    unsigned columns = 0;
    for (; *text != '\0'; text++)
        columns += (*text & 0xc0) != 0x80;
    return columns;
}

/* A line of a script, and a mark under its letter number `column`. */
static void play_mark(const char *line, unsigned column)
{
    const char *at = line;
    for (unsigned i = 1; i < column && *at != '\0'; i++)
        do
            at++;
        while ((*at & 0xc0) == 0x80);
    char *whole = strndup(line, strcspn(line, "\r\n"));
    char *before = strndup(line, (size_t)(at - line));
    char *shown = text_printable(whole), *beside = text_printable(before);
    fprintf(stderr, "  %s\n  %*s^\n", shown, (int)play_columns(beside), "");
    free(whole);
    free(before);
    free(shown);
    free(beside);
}

/* The line that is wrong, and a mark under the place; of a trace the place alone. */
static void play_complain(const char *where, const char *text,
                          const struct play_error *e, bool trace)
{
    const char *line = text;
    for (unsigned i = 1; i < e->line && !trace; i++)
        line = strchr(line, '\n') + 1;
    fprintf(stderr, "chunky play: %s%s%u:%u: %s%s\n", where, *where == '\0' ? "" : ":",
            e->line, e->column, trace ? "damaged trace: " : "", e->text);
    if (!trace)
        play_mark(line, e->column);
}

static unsigned play_last(const struct play_script *s)
{
    unsigned last = 0;
    for (size_t i = 0; i < s->count; i++)
        last = s->op[i].number > last ? s->op[i].number : last;
    return last;
}

static bool play_is_last(const struct play_options *o, const struct play_run *run)
{
    return o->to != 0 && run->op != NULL && run->op->number >= o->to;
}

static double play_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int play_one(struct play_options *o, const struct play_script *s)
{
    struct play_run measured, run;
    if (!compare_measure(&measured, s, o->mode[0], o->to) ||
        !play_run_start(&run, s, o->mode[0]))
        return EXIT_SOURCE;
    play_run_expect(&run, &measured);
    run.heap.no_lists =
        o->style.quiet && !o->style.bytes && !o->style.art && !o->style.verify;
    play_run_skip(&run, o->from);
    double wall = play_clock(CLOCK_MONOTONIC),
           cpu = play_clock(CLOCK_PROCESS_CPUTIME_ID);
    if (o->from > play_last(s))
        fprintf(o->style.draw.out, "there is no step %u: the last is #%u\n", o->from,
                play_last(s));
    if (run.session.ended) /* before the step that was to be drawn */
        play_text_step(&o->style, &run);
    while (!play_is_last(o, &run) && play_run_step(&run)) {
        play_text_step(&o->style, &run);
        if (fflush(o->style.draw.out) != 0)
            break;
        if (o->time && run.op->number != 0)
            fprintf(stderr, "step %u: %.1f ms, %.1f of them computing\n",
                    run.op->number, play_clock(CLOCK_MONOTONIC) - wall,
                    play_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        wall = play_clock(CLOCK_MONOTONIC);
        cpu = play_clock(CLOCK_PROCESS_CPUTIME_ID);
    }
    play_text_end(&o->style, &run);
    play_run_stop(&run);
    return 0;
}

/* As a page or as JSON. */
static int play_data(struct play_options *o, const struct play_script *s)
{
    struct play_run measured, run;
    const char *title = o->title != NULL  ? o->title
                        : o->file != NULL ? o->file
                        : s->is_trace     ? o->script
                                          : "chunky play";
    const char *from = o->file != NULL ? o->file : o->script;
    if (o->html != NULL && from != NULL && source_is_file(from, o->html)) {
        fprintf(stderr,
                "chunky play: %s: what is read from cannot be written to, too\n",
                o->html);
        return EXIT_USAGE;
    }
    FILE *out =
        o->html == NULL || strcmp(o->html, "-") == 0 ? stdout : fopen(o->html, "w");
    if (out == NULL) {
        fprintf(stderr, "chunky play: %s: %s\n", o->html, strerror(errno));
        return EXIT_SOURCE;
    }
    if (!compare_measure(&measured, s, o->mode[0], o->to) ||
        !play_run_start(&run, s, o->mode[0]))
        return EXIT_SOURCE;
    play_run_expect(&run, &measured);
    play_run_skip(&run, o->from);
    struct html_style style = {
        .mode = o->mode[0], .title = title, .to = o->to, .all = o->style.draw.all};
    if (o->html != NULL)
        html_write(out, &run, &style);
    else
        html_json(out, &run, &style);
    if (style.left_out != 0)
        fprintf(stderr,
                "chunky play: %u steps are left out, so that the page stays small "
                "(--from and --to choose)\n",
                style.left_out);
    play_run_stop(&run);
    bool whole = ferror(out) == 0;
    if (out == stdout || (fclose(out) == 0 && whole))
        return 0;
    fprintf(stderr, "chunky play: %s: not all could be written\n", o->html);
    return EXIT_SOURCE;
}

static int play_text(struct play_options *o, const char *where, const char *text)
{
    struct play_script script = {0};
    struct play_error error = {0};
    bool trace = trace_is(text);
    if (!(trace ? trace_parse : play_parse)(&script, text, &error)) {
        play_complain(where, text, &error, trace);
        play_script_free(&script);
        return trace ? EXIT_SOURCE : EXIT_USAGE;
    }
    bool watched = isatty(0) && isatty(1) && o->from == 0 && o->to == 0 &&
                   !o->style.quiet && !o->compare;
    script.is_trace = trace;
    if (trace && !o->chosen && !o->compare)
        o->mode[0] = PLAY_CACHE;
    o->style.draw.label = play_text_label(&script, 0);
    int status = o->html != NULL || o->json ? play_data(o, &script)
                 : o->compare
                     ? compare_runs(&o->style, &script, o->mode, o->from, o->to)
                 : o->step || (trace && watched)
                     ? stepper_run(&o->style, &script, o->mode[0], o->from)
                     : play_one(o, &script);
    play_script_free(&script);
    return status;
}

static int play_file(struct play_options *o, const char *path)
{
    char *text = play_read(path);
    int status = text == NULL ? EXIT_SOURCE : play_text(o, path, text);
    free(text);
    return status;
}

static int play_asked(struct play_options *o)
{
    if (o->file == NULL && o->script != NULL && play_names_file(o->script))
        return play_file(o, o->script);
    if (o->file != NULL)
        return play_file(o, o->file);
    if (o->script != NULL)
        return play_text(o, "", o->script);
    return prompt_run(&o->style, o->mode[0]);
}

int play_main(int argc, char **argv)
{
    struct play_options o;
    int status;
    if (argc > 4 && strcmp(argv[1], "--child") == 0)
        return play_child(argv + 2);
    if (!play_options_parse(&o, argc, argv, &status))
        return status;
    if (o.record)
        return record_run(&o.recording);
    /* The columns of two heaps side by side and the numbered page are as wide as they are. */
    FILE *wrapped = stdout;
    if (o.wraps && o.html == NULL && !o.json && !o.compare && !o.style.art)
        wrapped = wrap_open(stdout, o.style.draw.width);
    if (wrapped != stdout)
        setvbuf(wrapped, NULL, _IOLBF, BUFSIZ);
    o.style.draw.out = wrapped;
    o.style.wraps = o.wraps;
    status = play_asked(&o);
    if (wrapped != stdout)
        fclose(wrapped);
    return status;
}
