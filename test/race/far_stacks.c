/* Are two threads told apart whose stacks lie 2 TiB from each other? Both fork, and both
 * allocate meanwhile. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/child.h"
#include "support/crew.h"
#include "support/parcel.h"

enum { FORKS = 200, OWN = 50, STACK = 1 << 20 };

static void churn(struct parcel **own, struct random *r, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct parcel **p = &own[random_below(r, OWN)];
        parcel_drop(*p);
        *p = parcel_make(r, 14);
    }
}

static void *fork_often(void *number)
{
    static _Thread_local struct parcel *own[OWN];
    struct random r = {(uintptr_t)number};
    long forks = scaled(FORKS, 10);
    for (long i = 0; i < forks; i++) {
        churn(own, &r, 200);
        pid_t pid = fork();
        if (pid == 0) {
            alarm(120);
            expect_reset();
            churn(own, &r, 200);
            _exit(expect_status());
        }
        EXPECT_F(child_reaped(pid, "fork beside a far stack"), "fork %ld", i);
    }
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    return NULL;
}

int main(void)
{
    const uint64_t base = 1ULL << 44, apart = 1ULL << 41;
    pthread_t thread[2];
    for (uint64_t i = 0; i < 2; i++) {
        pthread_attr_t a;
        void *where = (void *)(uintptr_t)(base + i * apart);
        void *stack = mmap(where, STACK, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack != where)
            SKIP("that part of the address space is not free");
        pthread_attr_init(&a);
        pthread_attr_setstack(&a, stack, STACK);
        REQUIRE(pthread_create(&thread[i], &a, fork_often,
                               (void *)(uintptr_t)(i + 1)) == 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return expect_done();
}
