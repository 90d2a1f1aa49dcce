/* The treatment of signals at the start; see signals.h. State: that. */
#include "signals.h"

#include <signal.h>

enum { SIGNALS = 32 };

static struct sigaction signals_before[SIGNALS];

void signals_open(void)
{
    for (int i = 1; i < SIGNALS; i++)
        sigaction(i, NULL, &signals_before[i]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

void signals_restore(void)
{
    for (int i = 1; i < SIGNALS; i++)
        sigaction(i, &signals_before[i], NULL);
}

void signals_restore_some(const int *which, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sigaction(which[i], &signals_before[which[i]], NULL);
}
