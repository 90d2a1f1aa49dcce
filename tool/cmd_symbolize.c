/* chunky symbolize: reports with the names of functions and lines. No state. */
#include "symbol.h"
#include "text.h"
#include "verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void symbolize_stream(struct symbols *s, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, in) > 0)
        symbols_line(s, line, stdout);
    free(line);
}

static enum status symbolize_file(struct symbols *s, const char *name)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    if (in == NULL) {
        int why = errno;
        char *shown = text_printable(name);
        complain(STATUS_OK, "%s: %s", shown, strerror(why));
        free(shown);
        return STATUS_UNREADABLE;
    }
    symbolize_stream(s, in);
    if (in != stdin)
        fclose(in);
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
