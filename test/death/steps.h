/* A header whose page nobody can touch: the processor stops at each read of it, and the program
 * says what is found there. For programs that try what another thread could write between two
 * reads. */
#ifndef DEATH_STEPS_H
#define DEATH_STEPS_H

#include "death.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, STEP_FLAG = 0x100, WRITES = 2, SECONDS = 20 };

static volatile uint64_t *watched; /* the header */
static uint64_t truth, change;     /* what it holds; what is added to that */
static unsigned reads;             /* so far */
static bool is_open, is_written;

/* Whether that read finds the change. */
static bool sees_change(unsigned read);

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
    if (!is_written && at < sizeof *watched && sees_change(reads++))
        *watched += change;
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

static void catch_steps(void)
{
    struct sigaction act = {.sa_flags = SA_SIGINFO | SA_NODEFER};
    act.sa_sigaction = on_access;
    sigaction(SIGSEGV, &act, NULL);
    act.sa_sigaction = on_step;
    sigaction(SIGTRAP, &act, NULL);
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

/* In a child: it must end by itself, and says nothing. */
static void begin_child(void)
{
    alarm(SECONDS);
    fclose(stderr);
}

/* Whether it gained something, or did not end. Ends the program if there was nothing to try. */
static bool child_profits(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        exit(77);
    return (WIFEXITED(status) && WEXITSTATUS(status) == 42) ||
           (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

#endif
