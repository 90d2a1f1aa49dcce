/*
 * Bytes -> operations on the heap, in up to four threads, against a shadow of what a
 * correct heap holds: contents, overlap, alignment, usable size. Two bytes of header
 * (threads; flags), then four a step (fuzz_step.h). Steps go to the threads in turn, and
 * are played at once or (PLAY_TURNS, which can be repeated) one after the other.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "fuzz/fuzz_slot.h"
#include "fuzz/fuzz_step.h"
#include "support/child.h"

enum {
    THREADS = 4,
    HEADER = 2,
    COMMON_LIMIT = 1 << 20, /* of the second one */
    FORKS_MOST = 2,         /* an input */
    CHILD_STEPS = 30,
    CHILD_SECONDS = 100
};

static struct worker workers[THREADS];
static size_t threads, steps;
static unsigned flags;
static atomic_uint forks;

/* Turns are numbered as steps are; behind these each worker has one for its end. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t passed[THREADS]; /* to this worker */
    size_t now;
} turn = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .passed = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER,
                     PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER}};

static size_t turn_owner(size_t number)
{
    return number < steps ? number % threads : number - steps;
}

static void turn_wait(size_t number)
{
    if (!(flags & PLAY_TURNS))
        return;
    pthread_mutex_lock(&turn.lock);
    while (turn.now != number)
        pthread_cond_wait(&turn.passed[turn_owner(number)], &turn.lock);
    pthread_mutex_unlock(&turn.lock);
}

static void turn_pass(void)
{
    if (!(flags & PLAY_TURNS))
        return;
    pthread_mutex_lock(&turn.lock);
    turn.now++;
    if (turn.now < steps + threads)
        pthread_cond_signal(&turn.passed[turn_owner(turn.now)]);
    pthread_mutex_unlock(&turn.lock);
}

/* Frees all; some it leaves to whoever comes. */
static void worker_end(struct worker *w)
{
    step_destroy_own(w);
    for (unsigned i = 0; i < SLOTS; i++)
        if (w->count % 3 || i % 4)
            slot_free(w, &w->slot[i], i);
        else
            slot_swap(w, &w->slot[i], i % SHARED);
    for (unsigned i = 0; i < SLOTS; i++)
        slot_free(w, &w->slot[i], 0);
}

/* Goes on alone with the worker's steps. What the other threads had is nobody's now; it
 * is known if they stood still between two steps. */
static _Noreturn void child_play(struct worker *w)
{
    bool all_known = flags & PLAY_TURNS;
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS);
    flags = (flags & ~(unsigned)PLAY_TURNS) | PLAY_CHILD;
    for (size_t i = w->next + 1; i < w->count && i < w->next + CHILD_STEPS; i++)
        step_play(w, w->steps + i * w->stride, flags);
    for (size_t i = 0; i < threads; i++)
        if (all_known || &workers[i] == w)
            worker_end(&workers[i]);
    slots_free_shared(w);
    if (all_known)
        demand(slots_live() == 0, "left in the child", &w->slot[0]);
    _exit(0);
}

static void play_fork(struct worker *w)
{
    if (atomic_fetch_add(&forks, 1) >= FORKS_MOST)
        return;
    slots_hold();
    pid_t pid = fork();
    slots_release();
    if (pid == 0)
        child_play(w);
    if (pid > 0)
        demand(child_reaped(pid, "a fork"), "child", &w->slot[0]);
}

static void play_visit(struct worker *w, size_t count);

/* The last turn is passed by whoever waits for a thread that came for a while. */
static void worker_steps(struct worker *w, size_t until)
{
    while (w->next < until) {
        const uint8_t *at = w->steps + w->next * w->stride;
        turn_wait(w->next * threads + w->index);
        bool looks = at[0] % 8 == STEP_LOOK;
        if (looks && at[2] % 64 == LOOK_FORK)
            play_fork(w);
        step_play(w, at, flags);
        w->next++;
        if (looks && at[2] % 64 == LOOK_VISIT && !w->visited)
            play_visit(w, at[1]);
        if (w->next < until || !w->visited)
            turn_pass();
    }
}

struct visit {
    struct worker *w;
    size_t until;
};

static void *visit_run(void *data)
{
    struct visit *v = data;
    worker_steps(v->w, v->until);
    return NULL;
}

/* A thread comes, plays the next steps, and goes, while the worker's own waits. */
static void play_visit(struct worker *w, size_t count)
{
    struct visit v = {w, w->next + count < w->count ? w->next + count : w->count};
    pthread_t thread;
    if (w->next == v.until)
        return;
    w->visited = true;
    if (pthread_create(&thread, NULL, visit_run, &v) == 0) {
        turn_pass();
        pthread_join(thread, NULL);
    }
    w->visited = false;
}

static void *worker_run(void *data)
{
    struct worker *w = data;
    worker_steps(w, w->count);
    turn_wait(steps + w->index);
    worker_end(w);
    turn_pass();
    return NULL;
}

/* Both or none. */
static void make_common(void)
{
    common[0] = chunky_heap_create("common", 0);
    common[1] = common[0] ? chunky_heap_create("limited", COMMON_LIMIT) : NULL;
    if (!common[1]) {
        chunky_heap_destroy(common[0]);
        common[0] = NULL;
    }
}

static void destroy_common(void)
{
    for (unsigned i = 0; i < COMMON; i++) {
        demand(!common[i] || chunky_heap_stats(common[i]).used == 0,
               "something is left", &workers[0].slot[0]);
        chunky_heap_destroy(common[i]);
        common[i] = NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pthread_t thread[THREADS];
    if (size < HEADER + STEP)
        return 0;
    steps = (size - HEADER) / STEP;
    threads = 1 + data[0] % THREADS;
    flags = data[1];
    turn.now = 0;
    forks = 0;
    if (flags & PLAY_NAMED)
        make_common();
    for (size_t i = 0; i < threads; i++)
        workers[i] = (struct worker){.steps = data + HEADER + i * STEP,
                                     .count = (steps + threads - 1 - i) / threads,
                                     .stride = threads * STEP,
                                     .index = i,
                                     .seed = (uint64_t)(i + 1) << 32};
    for (size_t i = 1; i < threads; i++)
        if (pthread_create(&thread[i], NULL, worker_run, &workers[i]))
            abort();
    worker_run(&workers[0]);
    for (size_t i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    slots_free_shared(&workers[0]);
    destroy_common();
    if (flags & PLAY_TUNED)
        step_untune(flags);
    demand(slots_live() == 0, "left in the shadow", &workers[0].slot[0]);
    return 0;
}
