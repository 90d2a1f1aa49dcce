/*
 * A sandbox, entered in the middle of the program, that kills it for a system call which
 * few allocators make. All works as before.
 */
#include "allocator.h"

#include "support/expect.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { SYS_PROCESS_MADVISE = 440 };

static bool watch_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_PROCESS_MADVISE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(void)
{
    REQUIRE(allocator_is_preloaded());
    allocator_make_holes();
    EXPECT(allocator_churn_threads(4, 0, 15000, 18) == 0);
    if (!watch_calls())
        SKIP("no seccomp filters here");
    allocator_make_holes();
    EXPECT(allocator_churn_threads(4, 0, 15000, 18) == 0);
    return expect_done();
}
