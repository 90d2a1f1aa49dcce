/* expect: harmless sizes=huge */
/* Mapped blocks overflow upwards, into whatever the kernel has put there: with addresses in
 * a live block, as they stand in caches. Nothing of the allocator's may be in reach. */
#include "death.h"

#include <signal.h>
#include <unistd.h>

static volatile uint64_t writing;

/* The write met a page that nobody can touch; or a call followed what was written. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    _exit((uint64_t)info->si_addr == writing ? 0 : 42);
}

void misuse(size_t bytes)
{
    enum { COUNT = 40, LIVE = 20000, FAR = 16384 };
    char *victim = malloc(LIVE), *p[COUNT];
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(bytes);
    memset(victim, 0, LIVE);
    guard_range(victim, LIVE);
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < COUNT; i++) {
        uint64_t end =
            ((uint64_t)hide(p[i]) + bytes + page - 1) & ~(uint64_t)(page - 1);
        for (writing = end; writing < end + FAR; writing += 8)
            *(volatile uint64_t *)writing = (uint64_t)victim + 4096;
    }
    writing = 0;
    try_to_profit(bytes);
}
