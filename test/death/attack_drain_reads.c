/* expect: harmless sizes=small plain */
/* While a drain joins neighbours, another thread overwrites the header of one, and may put it
 * back, in the time between two reads: as in attack_between_reads the processor stops at each.
 */
#include "death.h"

#if defined(__x86_64__) && defined(__linux__)
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    READS = 8,
    WAYS = 2 * READS, /* the change is seen once, or from there on */
    CHANGES = 2,
    BLOCKS = 100,
    RUN = 30, /* more than a drain looks at at a time */
    PAGE = 4096,
    STEP_FLAG = 0x100,
    WRITES = 2,
    SECONDS = 20
};

/* Whose header changes: the first's of a run, one's inside, the last's, or that of the live
 * block behind. */
static const int places[] = {0, 24, RUN - 1, RUN};

static volatile uint64_t *watched; /* the header */
static uint64_t truth, change;     /* what it holds; what is added to that */
static unsigned way, reads;        /* of WAYS; so far */
static bool is_open, is_written;

static char *page_of(const volatile void *p)
{
    return (char *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
}

static void on_access(int number, siginfo_t *info, void *context)
{
    greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)watched;
    if (is_open || page_of(info->si_addr) != page_of(watched)) {
        signal(number, SIG_DFL);
        return;
    }
    mprotect(page_of(watched), PAGE, PROT_READ | PROT_WRITE);
    is_written = (reg[REG_ERR] & WRITES) != 0;
    *watched = truth;
    if (!is_written && at < sizeof *watched) {
        if (way < READS ? reads == way : reads >= way - READS)
            *watched += change;
        reads++;
    }
    reg[REG_EFL] |= STEP_FLAG;
}

/* After the one instruction. */
static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)STEP_FLAG;
    truth = is_written ? *watched : truth;
    *watched = truth;
    if (!is_open)
        mprotect(page_of(watched), PAGE, PROT_NONE);
}

/* Where RUN blocks begin that lie one behind the other, with one before and one behind. */
static int find_run(char **b, size_t *step)
{
    int first = 1;
    for (int i = 1; i < BLOCKS; i++) {
        *step = (size_t)(b[first] - b[first - 1]);
        if ((size_t)(b[i] - b[i - 1]) != *step)
            first = i + 1;
        else if (i - first >= RUN)
            return first;
    }
    _exit(77);
}

static void attack(size_t bytes, int place, unsigned what)
{
    static char *b[BLOCKS];
    size_t step;
    for (int i = 0; i < BLOCKS; i++)
        b[i] = memset(malloc(bytes), 0x11, bytes);
    int first = find_run(b, &step);
    uint64_t changes[CHANGES] = {step, -(uint64_t)HEADER_P};
    if (changes[what] != step) /* as if a free chunk lay before it */
        header(b[first + place])[-1] = step;
    guard_range(b[first - 1], bytes);
    guard_range(b[first + RUN], bytes);
    for (int i = 0; i < RUN; i++)
        free(b[first + i * 7 % RUN]);
    watched = header(b[first + place]);
    truth = *watched;
    change = changes[what];
    is_open = false;
    mprotect(page_of(watched), PAGE, PROT_NONE);
    malloc_trim(0);
    is_open = true;
    mprotect(page_of(watched), PAGE, PROT_READ | PROT_WRITE);
    *watched = truth;
    try_to_profit(bytes);
    try_to_profit(RUN * step / 2);
    _exit(0);
}

static void try_all_ways(size_t bytes, int place, unsigned what)
{
    for (way = 0; way < WAYS; way++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            alarm(SECONDS);
            fclose(stderr);
            attack(bytes, place, what);
        }
        waitpid(pid, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            exit(77);
        if ((WIFEXITED(status) && WEXITSTATUS(status) == 42) ||
            (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) {
            printf("place %d, change %u, way %u\n", place, what, way);
            exit(42);
        }
    }
}

void misuse(size_t bytes)
{
    struct sigaction act = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    act.sa_sigaction = on_access;
    sigaction(SIGSEGV, &act, NULL);
    act.sa_sigaction = on_step;
    sigaction(SIGTRAP, &act, NULL);
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        for (unsigned what = 0; what < CHANGES; what++)
            try_all_ways(bytes, places[i], what);
}
#else
void misuse(size_t bytes)
{
    (void)bytes;
    exit(77);
}
#endif
