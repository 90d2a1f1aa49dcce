/* chunky help: made from the tables of verbs and options. No state. */
#include "verb.h"

#include "text.h"

#include <stdlib.h>

enum { HELP_COLUMNS = 79 };

static void help_all(void)
{
    printf("chunky: see the heap of a program that runs on Chunky\n\n"
           "  chunky run [--report] -- CMD     run a command on it\n"
           "  chunky VERB SOURCE [option...]   look at a heap\n\n");
    for (size_t i = 0; i < verb_count; i++)
        printf("  %-9s %s\n", verbs[i].name, verbs[i].summary);
    printf("  %-9s %s\n\n", "help", "this list; chunky help VERB tells more");
    printf("SOURCE is a process number, a core file, a snapshot (chunky dump), or -- "
           "CMD.\n"
           "Exit status: 0 fine, 1 finding, 2 usage, 3 source cannot be read or\n"
           "output not written, 4 not on Chunky, 5 the heap is damaged and the\n"
           "output partial.\n");
}

/* A paragraph, whatever its lines were in the table. */
static void help_fill(const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " \n");
        bool fits = column + 1 + length <= HELP_COLUMNS;
        printf("%s%.*s", column == 0 ? "" : fits ? " " : "\n", (int)length, text);
        column = column == 0 || !fits ? length : column + 1 + length;
        text += length;
        text += strspn(text, " \n");
    }
    putchar('\n');
}

static void help_option(const struct option_spec *o)
{
    char left[64], letter[8] = "    ";
    if (o->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    bool optional = o->argument != NULL && o->argument[0] == '[';
    snprintf(left, sizeof left, "%s--%s%s%s%s", letter, o->name,
             o->argument == NULL ? ""
             : optional          ? "[="
                                 : " ",
             o->argument == NULL ? ""
             : optional          ? o->argument + 1
                                 : o->argument,
             "");
    printf("  %-24s %s\n", left, o->meaning);
}

int help_main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        help_all();
        return STATUS_OK;
    }
    if (manual_main(argc, argv))
        return STATUS_OK;
    const struct verb *v = verb_find(argv[1]);
    if (v == NULL) {
        char *shown = text_printable(argv[1]);
        complain(STATUS_USAGE, "no verb \"%s\" (chunky help lists all)", shown);
        free(shown);
        return STATUS_USAGE;
    }
    printf("chunky %s %s\n%s\n\n", v->name, v->usage, v->summary);
    if (v->text != NULL) {
        help_fill(v->text);
        putchar('\n');
    }
    for (const struct option_spec *o = option_specs;
         v->options != NULL && o->name != NULL; o++)
        for (const enum option_id *at = v->options; *at != 0; at++)
            if (*at == o->id)
                help_option(o);
    if (verb_own(v).usage != NULL)
        fputs(verb_own(v).usage, stdout);
    if (v->formats != NULL)
        printf("\nformats: %s\n", v->formats);
    return STATUS_OK;
}
