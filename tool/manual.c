/*
 * Manual pages and completions, made from the tables of verbs and options, so that they
 * say what the tool does: chunky help --man [VERB], --bash, --zsh. No state.
 */
#include "verb.h"

#include "chunky.h"
#include "text.h"

#include <ctype.h>
#include <getopt.h>

/* Text of a manual: dashes stay dashes, dots at the start of a line mean nothing. */
static void man_text(const char *s)
{
    bool start = true;
    for (; *s != '\0'; s++) {
        if (start && (*s == '.' || *s == '\''))
            fputs("\\&", stdout);
        if (*s == '-')
            fputs("\\-", stdout);
        else if (*s == '\\')
            fputs("\\e", stdout);
        else
            fputc(*s, stdout);
        start = *s == '\n';
    }
}

static bool man_takes(const struct verb *v, enum option_id id)
{
    for (const enum option_id *at = v->options; at != NULL && *at != 0; at++)
        if (*at == id)
            return true;
    return false;
}

static void man_option(const struct option_spec *o)
{
    printf(".TP\n");
    if (o->letter != 0)
        printf("\\fB\\-%c\\fR, ", o->letter);
    printf("\\fB\\-\\-");
    man_text(o->name);
    printf("\\fR");
    if (o->argument != NULL && o->argument[0] == '[')
        printf("[=\\fI%.*s\\fR]", (int)strlen(o->argument) - 2, o->argument + 1);
    else if (o->argument != NULL)
        printf(" \\fI%s\\fR", o->argument);
    fputc('\n', stdout);
    man_text(o->meaning);
    fputc('\n', stdout);
}

static void man_upper(const char *s)
{
    for (; *s != '\0'; s++)
        fputc(toupper((unsigned char)*s), stdout);
}

static void man_status(void)
{
    printf(
        ".SH EXIT STATUS\n"
        "0: fine. 1: a finding. 2: usage. 3: the source cannot be read (no such "
        "process, no\n"
        "permission, a file that is cut off), or the output not be written. 4: the "
        "source does\n"
        "not use Chunky, or a layout that this tool does not know. 5: the heap is "
        "damaged and\n"
        "the output partial.\n"
        "\\fBrun\\fR ends as its command did: with its status, or killed by its signal "
        "(for a\n"
        "shell 128 and the signal); 126 if it cannot be run, 127 if it does not "
        "exist.\n");
}

static void man_verb(const struct verb *v)
{
    const char *own = verb_own(v).usage;
    printf(".TH CHUNKY\\-");
    man_upper(v->name);
    printf(" 1 \"\" \"chunky %s\" \"Chunky\"\n.SH NAME\nchunky\\-%s \\- ",
           CHUNKY_VERSION, v->name);
    man_text(v->summary);
    printf("\n.SH SYNOPSIS\n\\fBchunky %s\\fR ", v->name);
    man_text(v->usage);
    bool takes = v->options != NULL && v->options[0] != 0;
    printf("%s\n.SH DESCRIPTION\n", takes ? " [option...]" : "");
    if (v->text != NULL)
        man_text(v->text);
    if (own != NULL || takes)
        printf("\n.SH OPTIONS");
    printf("\n");
    for (const struct option_spec *o = option_specs; o->name != NULL; o++)
        if (man_takes(v, o->id))
            man_option(o);
    if (own != NULL) {
        printf(".nf\n");
        man_text(own);
        printf(".fi\n");
    }
    printf(".SH FORMATS\n");
    man_text(v->formats);
    fputc('\n', stdout);
    man_status();
    printf(".SH SEE ALSO\n\\fBchunky\\fR(1)\n");
}

static void man_all(void)
{
    printf(
        ".TH CHUNKY 1 \"\" \"chunky %s\" \"Chunky\"\n"
        ".SH NAME\nchunky \\- see the heap of a program that runs on Chunky\n"
        ".SH SYNOPSIS\n\\fBchunky run\\fR [\\-\\-report] \\-\\- \\fICMD\\fR\n.br\n"
        "\\fBchunky\\fR \\fIVERB SOURCE\\fR [option...]\n"
        ".SH DESCRIPTION\n"
        "\\fISOURCE\\fR is the number of a process, a core file, a snapshot made by\n"
        "\\fBchunky dump\\fR, or \\-\\- and a command, which is run to its end.\n"
        "A running process is read without stopping it, unless \\-\\-stop says so.\n"
        ".SH VERBS\n",
        CHUNKY_VERSION);
    for (size_t i = 0; i < verb_count; i++) {
        printf(".TP\n\\fB%s\\fR\n", verbs[i].name);
        man_text(verbs[i].summary);
        fputc('\n', stdout);
    }
    printf(
        ".SH FORMATS\n"
        "json: an object, whose first member \"schema\" is "
        "\"chunky\\-\\fIVERB\\fR/1\"\n"
        "(of \\fBplay\\fR: \"chunky\\-play/2\"): the number rises when what was there "
        "is called\n"
        "otherwise or means something else, not for what is added. \\fBwhat\\fR of "
        "several\n"
        "addresses tells an array of them. Addresses are strings (\"0x...\"), sizes "
        "numbers of\n"
        "bytes. jsonl: an object each line, without schema.\n");
    man_status();
    printf(".SH ENVIRONMENT\n"
           "\\fBCHUNKY_LIB\\fR: path of libchunky.so for \\fBrun\\fR.\n"
           "\\fBCOLUMNS\\fR: width. \\fBNO_COLOR\\fR, \\fBFORCE_COLOR\\fR, "
           "\\fBCLICOLOR_FORCE\\fR:\n"
           "colour, in this order, after \\-\\-color and before what the terminal can "
           "do.\n"
           ".SH SEE ALSO\n");
    for (size_t i = 0; i < verb_count; i++)
        printf("\\fBchunky\\-%s\\fR(1)%s\n", verbs[i].name,
               i + 1 < verb_count ? "," : "");
}

/* --- completion ------------------------------------------------------------- */

static void bash_verb(const struct verb *v)
{
    printf("    %s) words='--help", v->name);
    for (const struct option_spec *o = option_specs; o->name != NULL; o++)
        if (man_takes(v, o->id))
            printf(" --%s%s", o->name,
                   o->argument != NULL && o->argument[0] != '[' ? "=" : "");
    for (const struct option *o = verb_own(v).options; o != NULL && o->name != NULL;
         o++)
        printf(" --%s%s", o->name, o->has_arg == required_argument ? "=" : "");
    printf("' formats='");
    for (const char *f = v->formats; *f != '\0'; f++)
        if (*f != ',')
            fputc(*f, stdout);
    printf("' ;;\n");
}

static void bash_all(void)
{
    printf("# Completion of chunky for bash; made by: chunky help --bash\n"
           "_chunky()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local verbs='help");
    for (size_t i = 0; i < verb_count; i++)
        printf(" %s", verbs[i].name);
    printf("' words='' formats=''\n"
           "    COMPREPLY=()\n"
           "    # --option=value is three words here.\n"
           "    if [ \"$cur\" = = ]; then\n"
           "        cur=''\n"
           "    elif [ \"$prev\" = = ]; then\n"
           "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
           "    fi\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ] || [ \"$prev\" = help ]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$cur\")\n"
           "        return\n"
           "    fi\n"
           "    if [ \"$prev\" = -- ]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
           "        return\n"
           "    fi\n"
           "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < verb_count; i++)
        bash_verb(&verbs[i]);
    printf("    esac\n"
           "    case $prev in\n"
           "    --format | -f) words=$formats ;;\n"
           "    --color) words='auto always never' ;;\n"
           "    --color-by) words='state size arena' ;;\n"
           "    --mode | -m) words='coalesce bins cache' ;;\n"
           "    --level) words='byte' ;;\n"
           "    --output | -o | --file | --html) mapfile -t COMPREPLY < <(compgen -f "
           "-- \"$cur\"); "
           "return ;;\n"
           "    esac\n"
           "    case $cur in\n"
           "    -*) ;;\n"
           "    *) [ \"$prev\" != \"${COMP_WORDS[1]}\" ] ||\n"
           "        words=\"$(cd /proc && echo [0-9]*) $(compgen -f -- \"$cur\")\" ;;\n"
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "    if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi\n"
           "}\n"
           "complete -F _chunky chunky\n");
}

/* Quotes, brackets and colons mean something in a specification. */
static void zsh_text(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *s) != NULL)
            printf("\\%c", *s);
        else
            fputc(*s, stdout);
    }
}

/* What may stand behind an option. */
static void zsh_values(const struct verb *v, const struct option_spec *o)
{
    switch (o->id) {
    case OPT_FORMAT:
        fputs(":(", stdout);
        for (const char *f = v->formats; *f != '\0'; f++)
            if (*f != ',')
                fputc(*f, stdout);
        fputc(')', stdout);
        break;
    case OPT_COLOR:
        fputs(":(auto always never)", stdout);
        break;
    case OPT_COLOR_BY:
        fputs(":(state size arena)", stdout);
        break;
    case OPT_OUTPUT:
        fputs(":_files", stdout);
        break;
    default:
        fputc(':', stdout);
    }
}

static void zsh_option(const struct verb *v, const struct option_spec *o)
{
    bool may = o->argument != NULL && o->argument[0] == '[';
    const char *equals = o->argument == NULL ? "" : may ? "=-" : "=";
    if (o->letter != 0) /* either of the two */
        printf(" \\\n        '(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name,
               o->letter,
               o->argument == NULL ? ""
               : may               ? "-"
                                   : "+",
               o->name, equals);
    else
        printf(" \\\n        '--%s%s[", o->name, equals);
    zsh_text(o->meaning);
    fputc(']', stdout);
    if (o->argument != NULL) {
        fputs(may ? "::" : ":", stdout);
        zsh_text(o->name);
        zsh_values(v, o);
    }
    fputc('\'', stdout);
}

/* An option of which only the name is known. */
static void zsh_own_option(const struct option *o)
{
    static const char *const values[][2] = {{"mode", "(coalesce bins cache)"},
                                            {"level", "(byte)"},
                                            {"color", "(auto always never)"},
                                            {"format", "(text json html)"},
                                            {"file", "_files"},
                                            {"html", "_files"},
                                            {"output", "_files"}};
    printf(" \\\n        '--%s%s", o->name,
           o->has_arg == no_argument         ? ""
           : o->has_arg == optional_argument ? "=-"
                                             : "=");
    if (o->has_arg == no_argument) {
        printf("[]'");
        return;
    }
    printf("[]:%s%s:", o->has_arg == optional_argument ? ":" : "", o->name);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i][0], o->name) == 0)
            fputs(values[i][1], stdout);
    fputc('\'', stdout);
}

static void zsh_all(void)
{
    printf(
        "#compdef chunky\n# Completion of chunky for zsh; made by: chunky help --zsh\n"
        "_chunky() {\n"
        "    local -a verbs\n    verbs=(\n");
    for (size_t i = 0; i < verb_count; i++) {
        printf("        '%s:", verbs[i].name);
        zsh_text(verbs[i].summary);
        printf("'\n");
    }
    printf("        'help:what a verb does'\n    )\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe -t verbs 'verb' verbs\n"
           "        return\n"
           "    fi\n"
           "    local verb=$words[2]\n"
           "    shift words\n"
           "    (( CURRENT-- ))\n"
           "    local -i at=${words[(i)--]} # behind it stands a command\n"
           "    if (( at < CURRENT )); then\n"
           "        shift at words\n"
           "        (( CURRENT -= at ))\n"
           "        _normal\n"
           "        return\n"
           "    fi\n"
           "    case $verb in\n"
           "    help) _describe -t verbs 'verb' verbs ;;\n");
    for (size_t i = 0; i < verb_count; i++) {
        const struct verb *v = &verbs[i];
        printf("    %s) _arguments", v->name);
        for (const struct option_spec *o = option_specs; o->name != NULL; o++)
            if (man_takes(v, o->id))
                zsh_option(v, o);
        for (const struct option *o = verb_own(v).options; o != NULL && o->name != NULL;
             o++)
            zsh_own_option(o);
        printf(strcmp(v->name, "run") == 0
                   ? " \\\n        '*::command:_normal' ;;\n"
                   : " \\\n        '1:source:{_alternative \"processes:process:_pids\" "
                     "\"files:file:_files\"}' \\\n        '*:operand:_files' ;;\n");
    }
    printf("    esac\n}\n_chunky \"$@\"\n");
}

bool manual_main(int argc, char **argv)
{
    if (strcmp(argv[1], "--bash") == 0) {
        bash_all();
        return true;
    }
    if (strcmp(argv[1], "--zsh") == 0) {
        zsh_all();
        return true;
    }
    if (strcmp(argv[1], "--man") != 0)
        return false;
    const struct verb *v = argc > 2 ? verb_find(argv[2]) : NULL;
    if (v == NULL)
        man_all();
    else
        man_verb(v);
    return true;
}
