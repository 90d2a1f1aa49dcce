/* The treatment of signals at the start; see signals.h. State: that, and the file that is
 * half written. */
#include "signals.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static const int signals_ends[] = {SIGHUP, SIGINT, SIGTERM};
enum { ENDS = sizeof signals_ends / sizeof signals_ends[0] };
static char signals_file[PATH_MAX];
static bool signals_ours[ENDS];

static void signals_remove(int signal)
{
    unlink(signals_file);
    raise(signal); /* SA_RESETHAND: now the default */
}

void signals_unfinished(const char *path)
{
    struct sigaction act = {.sa_handler = signals_remove}, was;
    struct stat st;
    if (signals_file[0] != '\0' || strlen(path) >= sizeof signals_file ||
        lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    memcpy(signals_file, path, strlen(path) + 1);
    sigemptyset(&act.sa_mask);
    act.sa_flags = (int)SA_RESETHAND;
    for (unsigned i = 0; i < ENDS; i++) {
        signals_ours[i] = sigaction(signals_ends[i], NULL, &was) == 0 &&
                          was.sa_handler == SIG_DFL &&
                          sigaction(signals_ends[i], &act, NULL) == 0;
    }
}

void signals_finished(void)
{
    for (unsigned i = 0; i < ENDS; i++)
        if (signals_ours[i])
            signal(signals_ends[i], SIG_DFL);
    for (unsigned i = 0; i < ENDS; i++)
        signals_ours[i] = false;
    signals_file[0] = '\0';
}
