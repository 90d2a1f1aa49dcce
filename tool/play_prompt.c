/* The prompt; see play_prompt.h. State: in struct prompt. */
#include "play_prompt.h"

#include "play_line.h"
#include "play_list.h"
#include "text.h"

#include <unistd.h>

static const char prompt_text[] = "play> ";
enum { PROMPT_WIDTH = sizeof prompt_text - 1 };

struct prompt {
    struct text_style *style;
    enum play_mode mode;
    struct play_script script;
    struct play_run run;
    struct line_history history; /* as typed */
    unsigned line, mistakes;
    size_t *undo; /* operations that there were before each line */
    size_t undos, undo_room;
};

static void prompt_help(void)
{
    puts(
        "  a=malloc(10)  b=calloc(3,8)  c=realloc(a,50)  d=memalign(64,100)  free(b)\n"
        "  free(c+8)  write(c,0,60)  trim()  sbrk(4096)  repeat(3){x$=malloc(20)}\n"
        "  thread(t){e=malloc(10)}  thread(t){exit()}      several with ; between "
        "them\n"
        "  undo [N]  takes the last lines back      history   what was typed\n"
        "  again     draws the heap as it is        mode M    coalesce, bins or cache: "
        "starts over\n"
        "  byte      a cell a byte, on or off       quit");
}

/* Performs what has not been performed; draws it if asked. */
static void prompt_catch_up(struct prompt *p, bool draw)
{
    p->style->draw.label = play_text_label(&p->script, p->run.next);
    while (play_run_step(&p->run))
        if (draw)
            play_text_step(p->style, &p->run);
}

/* From the start, silently: so that undo is exact. */
static bool prompt_replay(struct prompt *p)
{
    play_run_stop(&p->run);
    if (!play_run_start(&p->run, &p->script, p->mode))
        return false;
    prompt_catch_up(p, false);
    return true;
}

static void prompt_again(struct prompt *p)
{
    if (p->run.op == NULL) {
        puts("  nothing has been done yet");
        return;
    }
    play_draw_strips(&p->style->draw, &p->run, "now");
    play_draw_lists(&p->style->draw, &p->run);
    play_draw_sums(&p->style->draw, &p->run);
}

/* Takes the last lines back. */
static bool prompt_undo(struct prompt *p, size_t count)
{
    if (p->undos == 0) {
        puts("  nothing to take back");
        return true;
    }
    p->undos -= count < p->undos ? count : p->undos;
    play_cut(&p->script, p->undo[p->undos]);
    bool started = prompt_replay(p);
    prompt_again(p);
    return started;
}

static bool prompt_mode(struct prompt *p, const char *name)
{
    for (unsigned i = 0; i < PLAY_MODES; i++) {
        if (strcmp(play_mode_name((enum play_mode)i), name) != 0)
            continue;
        p->mode = (enum play_mode)i;
        bool started = prompt_replay(p);
        prompt_again(p);
        return started;
    }
    puts("  the modes are coalesce, bins and cache");
    return true;
}

static void prompt_mistake(struct prompt *p, unsigned column, const char *text)
{
    p->mistakes++;
    if (isatty(0))
        printf("  %*s^ %s\n", (int)column + PROMPT_WIDTH - 3, "", text);
    else
        fprintf(stderr, "chunky play: %u:%u: %s\n", p->line, column, text);
}

/* A word without parentheses is taken for a command. */
static bool prompt_is_word(const char *line, struct play_error *error)
{
    static const char *const known[] = {"undo", "history", "again", "mode",
                                        "byte", "quit",    "help"};
    size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyz ");
    char word[16];
    if (line[length] != '\0' || sscanf(line, "%15s", word) != 1)
        return false;
    const char *near = text_nearest(word, known, sizeof known / sizeof known[0]);
    error->column = 1;
    snprintf(error->text, sizeof error->text,
             "expected a call or a command, found \"%s\"%s%s%s", word,
             near == NULL ? "; help lists them" : "; the nearest is \"",
             near == NULL ? "" : near, near == NULL ? "" : "\"");
    return true;
}

static void prompt_script(struct prompt *p, const char *line)
{
    struct play_error error;
    size_t before = p->script.count;
    if (prompt_is_word(line, &error) || !play_parse(&p->script, line, &error)) {
        prompt_mistake(p, error.column, error.text);
        return;
    }
    if (p->run.session.ended) {
        play_cut(&p->script, before);
        puts("  the program has ended: undo takes the last line back");
        return;
    }
    p->undo = list_room(p->undo, &p->undo_room, p->undos, 1, sizeof *p->undo);
    p->undo[p->undos++] = before;
    prompt_catch_up(p, true);
}

/* False when it is over. */
static bool prompt_line(struct prompt *p, const char *line)
{
    size_t count;
    int end = 0;
    if (strcmp(line, "quit") == 0 || strcmp(line, "q") == 0)
        return false;
    if (strcmp(line, "help") == 0 || strcmp(line, "?") == 0)
        prompt_help();
    else if (strcmp(line, "undo") == 0)
        return prompt_undo(p, 1);
    else if (sscanf(line, "undo %zu%n", &count, &end) == 1 && line[end] == '\0')
        return prompt_undo(p, count);
    else if (strcmp(line, "again") == 0)
        prompt_again(p);
    else if (strcmp(line, "byte") == 0)
        p->style->bytes = !p->style->bytes;
    else if (strncmp(line, "mode ", 5) == 0)
        return prompt_mode(p, line + 5);
    else if (strcmp(line, "history") == 0)
        for (size_t i = 0; i < p->history.count; i++)
            printf("  %s\n", p->history.line[i]);
    else
        prompt_script(p, line);
    return true;
}

int prompt_run(struct text_style *style, enum play_mode mode)
{
    struct prompt p = {.style = style, .mode = mode};
    bool going = play_run_start(&p.run, &p.script, mode), started = going;
    if (going && isatty(0))
        puts("malloc, step by step: type a=malloc(10), or help");
    while (going) {
        char *line = line_read(prompt_text, &p.history);
        if (line == NULL)
            break;
        char *text = line + strspn(line, " \t");
        p.line++;
        going = *text == '\0' || prompt_line(&p, text);
        if (*text != '\0')
            line_remember(&p.history, text);
        free(line);
    }
    play_run_stop(&p.run);
    play_script_free(&p.script);
    line_forget(&p.history);
    free(p.undo);
    if (!started)
        return 3;
    return p.mistakes != 0 && !isatty(0) ? 2 : 0;
}
