/*
 * A sandbox that refuses madvise, mremap, getrandom and what else an allocator can do
 * without, from the start of the program on: all works, only less well.
 */
#include "allocator.h"

#include "support/expect.h"
#include "support/pattern.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const unsigned refused[] = {
    SYS_madvise,           SYS_mremap, SYS_getrandom,        SYS_membarrier,
    SYS_sched_getaffinity, SYS_prctl,  SYS_process_vm_readv, SYS_getcpu,
    SYS_mincore,
};
enum { REFUSED = sizeof refused / sizeof refused[0] };

/* Load the number; one comparison a call, each jumping to the refusal behind the last. */
static bool refuse_calls(void)
{
    struct sock_filter code[REFUSED + 3];
    code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                           offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < REFUSED; i++)
        code[i + 1] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, refused[i], (unsigned char)(REFUSED - i), 0);
    code[REFUSED + 1] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[REFUSED + 2] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {REFUSED + 3, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void resize_large(void)
{
    size_t bytes = 1 << 20;
    char *mem = malloc(bytes);
    REQUIRE(mem != NULL);
    pattern_fill(mem, 0, bytes, 5);
    for (int i = 0; i < 6; i++) {
        mem = realloc(mem, bytes * 2);
        REQUIRE(mem != NULL);
        EXPECT(pattern_differs(mem, 0, bytes, 5) == bytes);
        bytes *= 2;
        pattern_fill(mem, 0, bytes, 5);
    }
    mem = realloc(mem, bytes / 5);
    EXPECT(pattern_differs(mem, 0, bytes / 5, 5) == bytes / 5);
    free(mem);
}

int main(int argc, char **argv)
{
    (void)argv;
    REQUIRE(allocator_is_preloaded());
    if (argc == 1) {
        if (!refuse_calls())
            SKIP("no seccomp filters here");
        allocator_again("inside");
    }
    EXPECT(madvise((void *)0, 0, MADV_NORMAL) == -1 && errno == EPERM);
    EXPECT(allocator_churn(3, 20000, 21) == 0);
    EXPECT(allocator_churn_threads(4, 0, 15000, 18) == 0);
    resize_large();
    for (int i = 0; i < 20; i++) {
        char *dirty = malloc(3000000);
        REQUIRE(dirty != NULL);
        memset(dirty, 0xcc, 3000000);
        free(dirty);
        char *clean = calloc(1500, 2000);
        REQUIRE(clean != NULL);
        EXPECT(pattern_not_zero(clean, 3000000) == 3000000);
        free(clean);
    }
    return expect_done();
}
