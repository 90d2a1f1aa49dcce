/* Reports that come through a pipe; see relay.h. State: the pipe and its reader. */
#include "relay.h"

#include "symbol.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    pthread_t reader;
    int out, in;
    bool runs;
} relay = {.out = -1, .in = -1};

static void *relay_read(void *unused)
{
    struct symbols *s = symbols_open();
    FILE *in = fdopen(relay.out, "r");
    char *line = NULL;
    size_t room = 0;
    while (in != NULL && getline(&line, &room, in) > 0)
        symbols_line(s, line, stderr);
    free(line);
    if (in != NULL)
        fclose(in);
    symbols_close(s);
    return unused;
}

void relay_start(void)
{
    int ends[2];
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    relay.out = ends[0];
    relay.in = ends[1];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    relay.runs = pthread_create(&relay.reader, NULL, relay_read, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void relay_end(void)
{
    if (!relay.runs)
        return;
    close(relay.in);
    pthread_join(relay.reader, NULL);
    relay.runs = false;
}

bool relay_entry(char out[RELAY_TEXT], pid_t reader)
{
    snprintf(out, RELAY_TEXT, "relay=/proc/%d/fd/%d", (int)reader, relay.in);
    return relay.runs;
}
