/*
 * A sandbox as OpenSSH's, entered in the middle of a program of one thread: it kills for
 * each system call but those that glibc's malloc makes, prctl among them.
 */
#include "allocator.h"

#include "support/expect.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { LARGE = 3 << 20 };

static const long allowed[] = {
    SYS_brk,   SYS_mmap,  SYS_munmap,        SYS_mprotect, SYS_madvise,    SYS_mremap,
    SYS_futex, SYS_write, SYS_clock_gettime, SYS_exit,     SYS_exit_group,
};
enum { ALLOWED = sizeof allowed / sizeof *allowed };

static bool confine(void)
{
    struct sock_filter code[2 * ALLOWED + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    struct sock_filter *at = code + 1;
    for (int i = 0; i < ALLOWED; i++) {
        *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             (unsigned)allowed[i], 0, 1);
        *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {(unsigned short)(at - code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void work(void)
{
    allocator_make_holes();
    char *large = calloc(1, LARGE), *grown = realloc(large, 3 * LARGE);
    REQUIRE(grown != NULL);
    memset(grown, 1, 3 * LARGE);
    free(grown);
    EXPECT(allocator_churn(0, 15000, 18) == 0);
}

int main(void)
{
    REQUIRE(allocator_is_preloaded());
    work();
    if (!confine())
        SKIP("no seccomp filters here");
    work();
    return expect_done();
}
