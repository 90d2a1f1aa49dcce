/* The chunky command: finds the verb and runs it. No state. */
#include "verb.h"

#include "chunky.h"
#include "signals.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static int main_unknown(const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (; count < verb_count && count < 64; count++)
        names[count] = verbs[count].name;
    const char *nearest = text_nearest(word, names, count);
    char *shown = text_printable(word);
    complain(STATUS_USAGE, "no verb \"%s\"%s%s%s (chunky help lists all)", shown,
             nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
             nearest == NULL ? "" : "?");
    free(shown);
    return STATUS_USAGE;
}

/* No file takes the number of a standard stream that was closed, and with it what is
 * printed there. To write to these still fails; what is started finds them closed. */
static void main_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null",
                        (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

/* What was printed is there: else a success is none, unless its reader left. */
static int main_written(int status)
{
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};
    bool flushed = fflush(stdout) == 0;
    int reason = flushed ? EIO : errno;
    if (status != STATUS_OK || (flushed && ferror(stdout) == 0))
        return status;
    if (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0)
        return status;
    return (int)complain(STATUS_UNREADABLE, "the output could not be written: %s",
                         strerror(reason));
}

static int main_run(int argc, char **argv)
{
    if (argc < 2) {
        help_main(1, argv);
        return STATUS_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("chunky %s (layout %d.%d)\n", CHUNKY_VERSION, LAYOUT_MAJOR,
               LAYOUT_MINOR);
        return STATUS_OK;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
        strcmp(word, "-h") == 0)
        return help_main(argc - 1, argv + 1);
    const struct verb *v = verb_find(word);
    if (v == NULL)
        return main_unknown(word);
    if (v->run_raw != NULL)
        return v->run_raw(argc - 1, argv + 1);
    struct options o;
    if (!options_parse(&o, v, argc - 1, argv + 1))
        return STATUS_USAGE;
    if (o.help) {
        char *two[] = {argv[0], argv[1], NULL};
        return help_main(2, two);
    }
    return (int)v->run(&o);
}

int main(int argc, char **argv)
{
    main_streams();
    signals_open();
    return main_written(main_run(argc, argv));
}
