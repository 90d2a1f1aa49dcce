/* expect: harmless sizes=small,large plain conf=cache=0 */
/* While malloc looks at a free chunk, another thread overwrites the size in its header and puts
 * it back, in the time between two reads. Here the processor stops at each read of that header,
 * and what it then finds is the larger size or the right one: all ways to do that with the
 * first READS of them, a process each. */
#include "death.h"

#if defined(__x86_64__) && defined(__linux__)
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    READS = 5,
    BLOCKS = 16,
    PAGE = 4096,
    STEP_FLAG = 0x100,
    WRITES = 2,
    SECONDS = 20
};
enum way { EXACTLY, SORTED_EXACTLY, LESS, ALIGNED, TRIM, SMALLER, WAYS };

static volatile uint64_t *watched; /* the header */
static uint64_t truth, change;     /* what it holds; what is added to that */
static unsigned ways, reads;       /* bit n: read n finds the change */
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
    if (!is_written && at < sizeof *watched && reads < READS)
        *watched += (ways >> reads++ & 1) * change;
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

static void watch(uint64_t *at, uint64_t add)
{
    watched = at;
    truth = *at;
    change = add;
    is_open = false;
    mprotect(page_of(at), PAGE, PROT_NONE);
}

static void watch_no_more(void)
{
    is_open = true;
    mprotect(page_of(watched), PAGE, PROT_READ | PROT_WRITE);
    *watched = truth;
}

static void attack(size_t bytes, enum way way)
{
    char *b[BLOCKS], *got = NULL;
    size_t step = 0;
    int i = 0;
    for (int k = 0; k < BLOCKS; k++)
        b[k] = memset(malloc(bytes), 0x11, bytes);
    while (++i + 2 < BLOCKS) {
        step = (size_t)(b[i + 1] - b[i]);
        if (b[i] - b[i - 1] == b[i + 1] - b[i] &&
            b[i + 2] - b[i + 1] == b[i + 1] - b[i])
            break;
    }
    if (i + 2 >= BLOCKS)
        _exit(77);
    free(b[i]);
    if (way == SORTED_EXACTLY)
        hide(malloc(1 << 19));
    if (way != SMALLER) { /* what a chunk of twice the size would have behind it */
        header(b[i + 2])[-1] = 2 * step;
        *header(b[i + 2]) &= ~(uint64_t)HEADER_P;
    }
    guard_range(b[i + 1], bytes);
    watch(header(b[i]), way == SMALLER ? -(uint64_t)(step / 32 * 16) : step);
    if (way == TRIM)
        malloc_trim(0);
    else if (way == SMALLER)
        hide(malloc(bytes));
    else if (way == ALIGNED)
        got = memalign(64, 2 * step - 216);
    else
        got = malloc(2 * step - (way == LESS ? 32 : 8));
    watch_no_more();
    if (got != NULL && got < b[i + 2] && got + malloc_usable_size(got) > b[i + 1])
        _exit(42);
    try_to_profit(bytes);
    try_to_profit(2 * step - 32);
    _exit(0);
}

void misuse(size_t bytes)
{
    struct sigaction act = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    int status;
    act.sa_sigaction = on_access;
    sigaction(SIGSEGV, &act, NULL);
    act.sa_sigaction = on_step;
    sigaction(SIGTRAP, &act, NULL);
    for (unsigned way = 0; way < WAYS; way++)
        for (ways = 1; ways < 1U << READS; ways++) {
            pid_t pid = fork();
            if (pid == 0) {
                alarm(SECONDS);
                fclose(stderr);
                attack(bytes, (enum way)way);
            }
            waitpid(pid, &status, 0);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
                exit(77);
            if ((WIFEXITED(status) && WEXITSTATUS(status) == 42) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) {
                printf("way %u, reads %#x\n", way, ways);
                exit(42);
            }
        }
}
#else
void misuse(size_t bytes)
{
    (void)bytes;
    exit(77);
}
#endif
