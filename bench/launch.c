/* Starts one program and says what it cost, as one line of JSON.
 * Tiny on purpose: until exec a child has the pages of its parent, and they would
 * count as its own peak. With -d the program is a server: it lives for as long as
 * the driver (a shell command, run without the preloaded library) takes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct plan {
    const char *preload; /* LD_PRELOAD of the program, or NULL */
    const char *driver;  /* shell command, or NULL */
    const char *in, *out, *err;
    unsigned seconds; /* a watchdog against hangs, 0: none */
    char **command;
};

static volatile sig_atomic_t hung;
static pid_t child;

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static double clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void on_alarm(int signal)
{
    (void)signal;
    hung = 1;
    kill(-child, SIGKILL);
}

static void redirect(const char *path, int flags, int to)
{
    int fd = open(path ? path : "/dev/null", flags, 0644);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
    if (fd != to)
        close(fd);
}

static pid_t start(const struct plan *plan)
{
    if (plan->preload)
        setenv("LD_PRELOAD", plan->preload, 1);
    pid_t pid = vfork();
    if (pid == 0) {
        setpgid(0, 0);
        redirect(plan->in, O_RDONLY, 0);
        redirect(plan->out, O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect(plan->err, O_WRONLY | O_CREAT | O_TRUNC, 2);
        execvp(plan->command[0], plan->command);
        _exit(127);
    }
    unsetenv("LD_PRELOAD");
    return pid;
}

/* 0 when the driver succeeded. The server is asked to end in either case. */
static int drive(const char *command)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        redirect(NULL, O_WRONLY, 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    kill(child, SIGTERM);
    return status;
}

static int measure(const struct plan *plan)
{
    struct rusage use;
    int status, driven = 0;
    double begin = clock_now(), end = 0;

    child = start(plan);
    if (child < 0) {
        perror("launch");
        return 1;
    }
    signal(SIGALRM, on_alarm);
    alarm(plan->seconds);
    if (plan->driver) {
        driven = drive(plan->driver);
        end = clock_now();
    }
    while (wait4(child, &status, 0, &use) < 0)
        if (errno != EINTR)
            return 1;
    if (!plan->driver)
        end = clock_now();
    kill(-child, SIGKILL); /* whatever it left behind */
    printf("{\"exit\": %d, \"signal\": %d, \"hung\": %d, \"driver\": %d, "
           "\"wall\": %.6f, \"utime\": %.6f, \"stime\": %.6f, \"maxrss\": %ld, "
           "\"minflt\": %ld, \"majflt\": %ld, \"nvcsw\": %ld, \"nivcsw\": %ld}\n",
           WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0, (int)hung, driven, end - begin,
           seconds_of(use.ru_utime), seconds_of(use.ru_stime), use.ru_maxrss,
           use.ru_minflt, use.ru_majflt, use.ru_nvcsw, use.ru_nivcsw);
    return 0;
}

int main(int argc, char **argv)
{
    struct plan plan = {0};
    int option;
    while ((option = getopt(argc, argv, "+p:d:i:o:e:t:")) != -1) {
        switch (option) {
        case 'p':
            plan.preload = optarg;
            break;
        case 'd':
            plan.driver = optarg;
            break;
        case 'i':
            plan.in = optarg;
            break;
        case 'o':
            plan.out = optarg;
            break;
        case 'e':
            plan.err = optarg;
            break;
        case 't':
            plan.seconds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            optind = argc;
        }
    }
    plan.command = argv + optind;
    if (optind >= argc) {
        fprintf(stderr, "usage: launch [-p PRELOAD] [-d DRIVER] [-i STDIN] [-o STDOUT] "
                        "[-e STDERR] [-t SECONDS] COMMAND...\n");
        return 2;
    }
    return measure(&plan);
}
