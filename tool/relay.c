/* Reports that come through a pipe; see relay.h. State: the pipe and its reader. */
#include "relay.h"

#include "symbol.h"

#include <fcntl.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    pthread_t reader;
    int out, in;
    bool runs;
    sem_t passed; /* once for each relay_mark that was read */
} relay = {.out = -1, .in = -1};

/* A line of ours: all in front of it was printed. */
static const char relay_mark[] = "\1\n";

static void *relay_read(void *unused)
{
    struct symbols *s = symbols_open();
    FILE *in = fdopen(relay.out, "r");
    char *line = NULL;
    size_t room = 0;
    while (in != NULL && getline(&line, &room, in) > 0)
        if (strcmp(line, relay_mark) == 0)
            sem_post(&relay.passed);
        else
            symbols_line(s, line, stderr);
    free(line);
    if (in != NULL)
        fclose(in);
    symbols_close(s);
    sem_post(&relay.passed); /* nothing else will be */
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
    sem_init(&relay.passed, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    relay.runs = pthread_create(&relay.reader, NULL, relay_read, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void relay_wait(void)
{
    ssize_t size = sizeof relay_mark - 1;
    if (!relay.runs || write(relay.in, relay_mark, (size_t)size) != size)
        return;
    while (sem_wait(&relay.passed) != 0 && errno == EINTR)
        ;
}

void relay_end(void)
{
    if (!relay.runs)
        return;
    close(relay.in);
    pthread_join(relay.reader, NULL);
    relay.runs = false;
    sem_destroy(&relay.passed);
}

bool relay_entry(char out[RELAY_TEXT], pid_t reader)
{
    snprintf(out, RELAY_TEXT, "relay=/proc/%d/fd/%d", (int)reader, relay.in);
    return relay.runs;
}
