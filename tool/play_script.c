/* Lists of operations; see play_script.h. No state. */
#include "play_script.h"

#include "play_list.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

const struct play_shape play_shapes[PLAY_VERBS] = {
    [PLAY_MALLOC] = {"malloc", "n", true},
    [PLAY_CALLOC] = {"calloc", "nn", true},
    [PLAY_REALLOC] = {"realloc", "vn", true},
    [PLAY_REALLOCARRAY] = {"reallocarray", "vnn", true},
    [PLAY_MEMALIGN] = {"memalign", "nn", true},
    [PLAY_ALIGNED] = {"aligned_alloc", "nn", true},
    [PLAY_FREE] = {"free", "v", false},
    [PLAY_WRITE] = {"write", "vnn", false},
    [PLAY_TRIM] = {"trim", "N", false},
    [PLAY_SBRK] = {"sbrk", "n", false},
    [PLAY_EXIT] = {"exit", "", false},
    [PLAY_TAG] = {"#", "", false},
};

uint64_t play_op_bytes(const struct play_op *op)
{
    switch (op->verb) {
    case PLAY_CALLOC:
    case PLAY_REALLOCARRAY:
        return op->a * op->b;
    case PLAY_MEMALIGN:
    case PLAY_ALIGNED:
        return op->b;
    default:
        return op->a;
    }
}

struct play_op *play_append(struct play_script *s, enum play_verb verb, unsigned thread)
{
    s->op = list_room(s->op, &s->room, s->count, 1, sizeof *s->op);
    struct play_op *op = &s->op[s->count++];
    memset(op, 0, sizeof *op);
    op->verb = verb;
    op->thread = thread;
    op->target = op->source = -1;
    return op;
}

char *play_spell(const struct play_script *s, const struct play_op *op)
{
    char text[256] = "";
    size_t n = 0;
    bool first = true;
    uint64_t number[4] = {op->a, op->b, 0, 0};
    unsigned numbers = 0;
    if (op->target >= 0)
        n += (size_t)snprintf(text, sizeof text, "%s=", s->name.text[op->target]);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s(", play_shapes[op->verb].name);
    for (const char *want = play_shapes[op->verb].arguments; *want != '\0'; want++) {
        const char *comma = first ? "" : ",";
        if (*want == 'v' && op->shift != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%+" PRId64, comma,
                                  s->name.text[op->source], op->shift);
        else if (*want == 'v')
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", comma,
                                  s->name.text[op->source]);
        else if (*want == 'n' || op->a != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRId64, comma,
                                  (int64_t)number[numbers++]);
        first = false;
    }
    snprintf(text + n, sizeof text - n, ")");
    return strdup(text);
}

void play_cut(struct play_script *s, size_t count)
{
    while (s->count > count)
        free(s->op[--s->count].text);
    size_t names = 0, threads = s->thread.count == 0 ? 0 : 1;
    s->last = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct play_op *op = &s->op[i];
        s->last = op->number > s->last ? op->number : s->last;
        names = op->target >= (int)names ? (size_t)op->target + 1 : names;
        threads = op->thread >= threads ? op->thread + 1 : threads;
    }
    names_cut(&s->name, names);
    names_cut(&s->thread, threads);
}

void play_script_free(struct play_script *s)
{
    play_cut(s, 0);
    names_free(&s->name);
    names_free(&s->thread);
    free(s->op);
    memset(s, 0, sizeof *s);
}

bool play_names_file(const char *script)
{
    struct stat s;
    if (strchr(script, '(') != NULL)
        return false;
    return stat(script, &s) == 0 ||
           (strpbrk(script, "./") != NULL && strpbrk(script, "#;={} \t\n") == NULL &&
            strncmp(script, "//", 2) != 0);
}
