/* The list of arenas: whose a chunk is, who gets which, how many there may be, fork. */
#include "support/arena_world.h"

#include "base/check.h"
#include "core/meta.h"

#include <errno.h>
#include <pthread.h>

static void arena_of_a_chunk(void **state)
{
    (void)state;
    struct arena *a = world_new(1);
    struct chunk *in_span = world_take(a, 4096),
                 *in_break = world_take(&arena_main, 4096);
    assert_ptr_equal(arena_of(mem_of(in_span)), a);
    assert_ptr_equal(arena_of(mem_of(in_break)), &arena_main);
    os_fake.refuse_break = true; /* the main arena has spanned heaps then, without A */
    struct chunk *main_span = world_take(&arena_main, 1 * MIB);
    assert_ptr_equal(arena_of(mem_of(main_span)), &arena_main);
    assert_int_equal(chunk_bits(main_span) & NON_MAIN_ARENA, 0);
}

static void arena_generation(void **state)
{
    (void)state;
    struct arena *a = world_new(0);
    assert_int_equal(a->generation % 2, 0);
    arena_lock(a);
    assert_int_equal(a->generation % 2, 1);
    assert_false(arena_try(a));
    assert_int_equal(a->generation, 1);
    arena_unlock(a);
    assert_int_equal(a->generation, 2);
    assert_true(arena_try(a));
    arena_unlock(a);
    assert_int_equal(a->generation, 4);
    assert_int_equal(a->counts.visits, 2);
}

static void *arena_choose_and_keep(void *busy)
{
    return arena_choose(busy);
}

/* The choice of a thread that found `busy` locked, and that keeps what it got. */
static struct arena *arena_chosen(struct arena *busy)
{
    pthread_t thread;
    void *got;
    assert_int_equal(pthread_create(&thread, NULL, arena_choose_and_keep, busy), 0);
    pthread_join(thread, &got);
    return got;
}

/* All arenas locked: each choice makes one more, up to the limit. */
static void arena_fill(struct arena **made, unsigned limit)
{
    for (unsigned i = 0; i < limit; i++) {
        made[i] = arena_chosen(&arena_main);
        assert_int_equal(made[i]->index, i);
        assert_int_equal(arena_count(), i + 1);
    }
}

static void arena_limit_is_an_option(void **state)
{
    (void)state;
    struct arena *made[32];
    world_new(0);
    world_tune.arena_max = 5;
    arena_fill(made, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(made[i]->generation % 2, 1);
        assert_int_equal(made[i]->flags, i == 0 ? 0 : NON_MAIN_ARENA);
        assert_ptr_equal(made[i]->tune, &world_tune);
    }
    arena_unlock(made[3]);
    assert_ptr_equal(arena_chosen(&arena_main), made[3]);
    for (unsigned i = 0; i < 5; i++)
        arena_unlock(made[i]);
    assert_ptr_equal(arena_chosen(made[2]), &arena_main);
    arena_unlock(&arena_main);
}

static void *arena_choose_elsewhere(void *busy)
{
    struct arena *a = arena_choose(busy);
    arena_unlock(a);
    return a;
}

/* At the limit a thread waits for the busy one. */
static void arena_limit_from_cpus(void **state)
{
    (void)state;
    struct arena *made[32];
    world_new(0);
    os_fake.cpus = 3;
    arena_fill(made, 6);
    /* Held by this thread: a new one may have the number of one that ended. */
    for (unsigned i = 0; i < 6; i++) {
        arena_unlock(made[i]);
        arena_lock(made[i]);
    }
    pthread_t thread;
    void *got;
    assert_int_equal(pthread_create(&thread, NULL, arena_choose_elsewhere, made[4]), 0);
    for (unsigned i = 0; i < 6; i++)
        arena_unlock(made[i]);
    pthread_join(thread, &got);
    assert_non_null(got);
    assert_int_equal(arena_count(), 6);
}

static void arena_without_memory(void **state)
{
    (void)state;
    world_new(0);
    memset(&meta, 0, sizeof meta);
    lock_init(&meta.lock, RANK_META);
    os_fake.fail_for_ever = true;
    os_fake.fail_after = 1;
    struct arena *other = meta_take(sizeof *other);
    assert_null(other);
    pthread_t thread;
    void *got;
    arena_lock(&arena_main);
    assert_int_equal(pthread_create(&thread, NULL, arena_choose_elsewhere, &arena_main),
                     0);
    arena_unlock(&arena_main);
    pthread_join(thread, &got);
    assert_ptr_equal(got, &arena_main);
    assert_int_equal(arena_count(), 1);
}

static void arena_least_threads(void **state)
{
    (void)state;
    struct arena *made[8];
    world_new(0);
    world_tune.arena_max = 3;
    arena_fill(made, 3);
    for (unsigned i = 0; i < 3; i++) {
        made[i]->threads = 5 - i % 2;
        arena_unlock(made[i]);
    }
    assert_ptr_equal(arena_least(), made[1]);
}

static void arena_fork_locks(void **state)
{
    (void)state;
    struct arena *made[8];
    world_new(0);
    world_tune.arena_max = 3;
    arena_fill(made, 3);
    for (unsigned i = 0; i < 3; i++)
        arena_unlock(made[i]);
    /* The code that the fork interrupted holds one; out of rank, as the debug build says. */
    bool held = !CHUNKY_DEBUG;
    if (held)
        arena_lock(made[1]);
    arena_lock_all();
    for (unsigned i = 0; i < 3; i++)
        assert_true(lock_is_mine(&made[i]->lock));
    arena_unlock_all();
    assert_false(lock_is_mine(&made[0]->lock));
    assert_int_equal(lock_is_mine(&made[1]->lock), held);
    if (held)
        arena_unlock(made[1]);
    assert_int_equal(made[1]->generation % 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_of_a_chunk),
        cmocka_unit_test(arena_generation),
        cmocka_unit_test(arena_limit_from_cpus),
        cmocka_unit_test(arena_limit_is_an_option),
        cmocka_unit_test(arena_without_memory),
        cmocka_unit_test(arena_least_threads),
        cmocka_unit_test(arena_fork_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
