/* See play_stepper.h. State: in struct stepper, on the stack. */
#include "play_stepper.h"

#include "play_compare.h"
#include "play_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones begin at once, and the scale grows with the heap. */
enum { MEASURED_MAX = 5000 };

struct stepper {
    const struct text_style *style;
    const struct play_script *script;
    struct play_run measured, run;
    enum play_mode mode;
    bool measures;
};

static bool stepper_start(struct stepper *t)
{
    if (!play_run_start(&t->run, t->script, t->mode))
        return false;
    if (t->measures)
        play_run_expect(&t->run, &t->measured);
    return true;
}

static unsigned stepper_at(const struct stepper *t)
{
    return t->run.op == NULL ? 0 : t->run.op->number;
}

/* Performs operations up to `number` and draws that one; a former one from the start. */
static bool stepper_go(struct stepper *t, unsigned number)
{
    if (number == 0 || number > t->script->last) {
        printf("  the steps are 1 to %u\n", t->script->last);
        return true;
    }
    if (number <= stepper_at(t)) {
        play_run_stop(&t->run);
        if (!stepper_start(t))
            return false;
    }
    play_run_skip(&t->run, number);
    if (t->run.session.ended)
        play_text_step(t->style, &t->run);
    while (play_run_step(&t->run)) {
        play_text_step(t->style, &t->run);
        if (t->run.op->verb != PLAY_TAG)
            break;
    }
    return true;
}

/* False when it is over. */
static bool stepper_line(struct stepper *t, const char *line)
{
    unsigned at = stepper_at(t);
    if (*line == '\0' || strcmp(line, "n") == 0 || strcmp(line, "next") == 0)
        return stepper_go(t, at + 1);
    if (strcmp(line, "b") == 0 || strcmp(line, "back") == 0)
        return stepper_go(t, at - 1);
    if (isdigit((unsigned char)*line))
        return stepper_go(t, (unsigned)strtoul(line, NULL, 10));
    if (strcmp(line, "q") == 0 || strcmp(line, "quit") == 0)
        return false;
    puts("  Enter: the next step   N: step number N   b: one back   q: quit");
    return true;
}

int stepper_run(const struct text_style *style, const struct play_script *s,
                enum play_mode mode, unsigned from)
{
    struct stepper t = {.style = style, .script = s, .mode = mode};
    struct line_history history = {0};
    char prompt[48];
    t.measures = s->last <= MEASURED_MAX;
    if ((t.measures && !compare_measure(&t.measured, s, mode, 0)) || !stepper_start(&t))
        return 3;
    bool going = s->last != 0 && stepper_go(&t, from == 0 ? 1 : from);
    while (going) {
        snprintf(prompt, sizeof prompt, "%u of %u> ", stepper_at(&t), s->last);
        char *line = line_read(prompt, &history);
        going = line != NULL && stepper_line(&t, line + strspn(line, " \t"));
        if (line != NULL && *line != '\0')
            line_remember(&history, line);
        free(line);
    }
    play_text_end(style, &t.run);
    play_run_stop(&t.run);
    line_forget(&history);
    return 0;
}
