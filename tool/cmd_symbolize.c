/* chunky symbolize: reports with the names of functions and lines. No state. */
#include "symbol.h"
#include "text.h"
#include "verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Errno, or 0. */
static int symbolize_stream(struct symbols *s, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    errno = 0;
    while (getline(&line, &room, in) > 0)
        symbols_line(s, line, stdout);
    int why = ferror(in) != 0 ? errno : 0;
    free(line);
    return why;
}

static enum status symbolize_file(struct symbols *s, const char *name)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    int why = in == NULL ? errno : symbolize_stream(s, in);
    if (in != NULL && in != stdin)
        fclose(in);
    if (why != 0) {
        char *shown = text_printable(name);
        complain(STATUS_OK, "%s: %s", shown, strerror(why));
        free(shown);
        return STATUS_UNREADABLE;
    }
    return STATUS_OK;
}

enum status cmd_symbolize(struct options *o)
{
    struct symbols *s = symbols_open();
    enum status status = symbolize_file(s, o->source == NULL ? "-" : o->source);
    for (int i = 0; i < o->operands && status == STATUS_OK; i++)
        status = symbolize_file(s, o->operand[i]);
    symbols_close(s);
    return status;
}
