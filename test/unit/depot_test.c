/* Magazines: the depot's order and sums, the remote list under several threads. */
#include "support/unit.h"

#include "core/depot.h"
#include "core/heap.h"
#include "core/meta.h"
#include "support/random.h"

#include <pthread.h>

static struct magazine *magazine_new(struct magazine *m, unsigned class, unsigned count)
{
    m->class = (uint16_t) class;
    m->count = count;
    m->high = 0;
    return m;
}

static void depot_order_and_sum(void **state)
{
    (void)state;
    struct depot d = {0};
    struct magazine m[4];
    assert_null(depot_take(&d, 3));
    depot_give(&d, magazine_new(&m[0], 3, 10));
    depot_give(&d, magazine_new(&m[1], 3, 50));
    depot_give(&d, magazine_new(&m[2], 80, 1));
    assert_int_equal(d.bytes, 60 * class_sizes[3] + class_sizes[80]);
    assert_ptr_equal(depot_take(&d, 3), &m[1]);
    assert_ptr_equal(depot_take(&d, 3), &m[0]);
    assert_null(depot_take(&d, 3));
    assert_int_equal(d.bytes, class_sizes[80]);
    assert_ptr_equal(depot_take_many(&d, 0), &m[2]);
    assert_null(m[2].next);
    assert_int_equal(d.bytes, 0);
    assert_null(depot_take_many(&d, 0));
}

/* Loose pointers fill up the newest magazine, and come out newest first. */
static void depot_fills_magazines(void **state)
{
    (void)state;
    struct depot d = {0};
    struct magazine m[2], *empty = NULL;
    char *block = (char *)((uintptr_t)5 << MAGAZINE_SPAN);
    void *mem[80], *out[4];
    for (unsigned i = 0; i < 80; i++)
        mem[i] = block + i * CHUNK_ALIGN;
    assert_int_equal(depot_put(&d, 3, mem, 5), 5);
    depot_give(&d, magazine_new(&m[0], 3, 10));
    depot_give(&d, magazine_new(&m[1], 3, MAGAZINE_SLOTS - 40));
    assert_int_equal(depot_put(&d, 3, mem, 30), 30); /* too far from what is in it */
    m[1].high = 5;
    assert_int_equal(depot_put(&d, 3, mem, 30), 0);
    assert_int_equal(depot_put(&d, 3, mem + 30, 50), 40);
    assert_ptr_equal(mem[30], block + 40 * CHUNK_ALIGN);
    assert_int_equal(depot_put(&d, 3, mem + 30, 40), 40);
    assert_int_equal(m[0].count, 10);
    assert_int_equal(m[1].count, MAGAZINE_SLOTS);
    assert_int_equal(d.bytes, (10 + MAGAZINE_SLOTS) * (size_t)class_sizes[3]);
    assert_int_equal(depot_take_some(&d, 3, 4, out, &empty), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_ptr_equal(out[i], block + (36 + i) * CHUNK_ALIGN);
    assert_int_equal(d.bytes, (6 + MAGAZINE_SLOTS) * (size_t)class_sizes[3]);
}

/* Of several magazines as of one: what was given last lies last, to be used first. */
static void depot_takes_across_magazines(void **state)
{
    (void)state;
    enum { OLDER = 10, NEWER = 2, MANY = OLDER + NEWER };
    struct depot d = {0};
    struct magazine m[2], *empty = NULL;
    void *mem[MANY], *out[MANY];
    for (uintptr_t i = 0; i < MANY; i++)
        mem[i] = (void *)((i + 1) * CHUNK_ALIGN);
    assert_int_equal(magazine_fill(magazine_new(&m[0], 3, 0), mem, OLDER), 0);
    assert_int_equal(magazine_fill(magazine_new(&m[1], 3, 0), mem + OLDER, NEWER), 0);
    depot_give(&d, &m[0]);
    depot_give(&d, &m[1]);
    assert_int_equal(depot_take_some(&d, 3, 5, out, &empty), 5);
    assert_memory_equal(out, mem + MANY - 5, 5 * sizeof *out);
    assert_ptr_equal(empty, &m[1]);
    assert_int_equal(depot_take_some(&d, 3, MANY, out, &empty), MANY - 5);
    assert_memory_equal(out, mem, (MANY - 5) * sizeof *out);
    assert_int_equal(d.bytes, 0);
}

/* All bits of an address come back; what is too far away stays, and so does what there is no
 * room for, in its order. */
static void depot_packs_addresses(void **state)
{
    (void)state;
    enum { MANY = MAGAZINE_SLOTS + 20 };
    struct random r = {7};
    struct magazine m;
    uintptr_t span = (uintptr_t)1 << MAGAZINE_SPAN;
    for (unsigned round = 0; round < 1000; round++) {
        void *mem[MANY], *fits[MANY], *stays[MANY];
        uintptr_t base = random_below(&r, 1 << 12) * span;
        unsigned in = 0, out = 0, count = 1 + (unsigned)random_below(&r, MANY);
        bool mixed = random_below(&r, 2) == 0;
        for (unsigned i = 0; i < count; i++) {
            bool far = i != 0 && mixed && random_below(&r, 3) == 0;
            mem[i] = (void *)(base + far * span +
                              random_below(&r, span / CHUNK_ALIGN) * CHUNK_ALIGN);
            if (far || in == MAGAZINE_SLOTS)
                stays[out++] = mem[i];
            else
                fits[in++] = mem[i];
        }
        magazine_new(&m, 3, 0);
        assert_int_equal(magazine_fill(&m, mem, count), out);
        assert_int_equal(m.count, in);
        for (unsigned i = 0; i < in; i++)
            assert_ptr_equal(magazine_at(&m, i), fits[i]);
        for (unsigned i = 0; i < out; i++)
            assert_ptr_equal(mem[i], stays[i]);
    }
}

/* The newest pointer with the right address leaves; the last one of a magazine stays. */
static void depot_finds_aligned(void **state)
{
    (void)state;
    struct depot d = {0};
    struct magazine m;
    _Alignas(1024) char block[1024];
    void *mem[] = {block + 256, block + 768, block + 16, block + 64, block + 48};
    assert_null(depot_take_aligned(&d, 3, 64));
    depot_give(&d, magazine_new(&m, 3, 0));
    assert_int_equal(depot_put(&d, 3, mem, 5), 0);
    assert_null(depot_take_aligned(&d, 3, 512));
    assert_ptr_equal(depot_take_aligned(&d, 3, 256), block + 768);
    assert_ptr_equal(depot_take_aligned(&d, 3, 64), block + 64);
    assert_ptr_equal(depot_take_aligned(&d, 3, 64), block + 256);
    assert_null(depot_take_aligned(&d, 3, 64));
    assert_ptr_equal(depot_take_aligned(&d, 3, 16), block + 48);
    assert_null(depot_take_aligned(&d, 3, 16));
    assert_int_equal(m.count, 1);
    assert_ptr_equal(magazine_at(&m, 0), block + 16);
    assert_int_equal(d.bytes, class_sizes[3]);
}

/* What came in no order leaves in that of the addresses; what came in order stays. */
static void depot_sorts_what_is_scattered(void **state)
{
    (void)state;
    enum { CLASS = 1, MAGAZINES = DEPOT_SCATTERED / 32 / MAGAZINE_SLOTS + 1 };
    static struct magazine m[MAGAZINES];
    static struct order o;
    struct random r = {3};
    struct magazine *empty = NULL;
    struct depot d = {0};
    unsigned all = MAGAZINES * MAGAZINE_SLOTS;
    uintptr_t base = 0x10000000;
    for (unsigned i = 0; i < all; i++)
        m[i / MAGAZINE_SLOTS].slot[i % MAGAZINE_SLOTS] =
            magazine_low((void *)(base + i * (uintptr_t)class_sizes[CLASS]));
    for (unsigned i = 0; i < all; i++) {
        unsigned j = (unsigned)random_below(&r, all);
        uint32_t *x = &m[i / MAGAZINE_SLOTS].slot[i % MAGAZINE_SLOTS];
        uint32_t *y = &m[j / MAGAZINE_SLOTS].slot[j % MAGAZINE_SLOTS];
        uint32_t swapped = *x;
        *x = *y;
        *y = swapped;
    }
    for (unsigned i = 0; i < MAGAZINES; i++) {
        assert_false(depot_is_scattered(&d, CLASS));
        depot_give(&d, magazine_new(&m[i], CLASS, MAGAZINE_SLOTS));
    }
    assert_true(depot_is_scattered(&d, CLASS));
    depot_sort(&d, CLASS, &o);
    assert_false(depot_is_scattered(&d, CLASS));
    for (unsigned i = 0; i < all; i++) {
        void *mem;
        assert_int_equal(depot_take_some(&d, CLASS, 1, &mem, &empty), 1);
        assert_ptr_equal(mem, (void *)(base + i * (uintptr_t)class_sizes[CLASS]));
    }
    /* Every other one, and then those between: each line would be come to twice. */
    d = (struct depot){0};
    for (unsigned i = 0; i < all; i++)
        m[i / MAGAZINE_SLOTS].slot[i % MAGAZINE_SLOTS] =
            magazine_low((void *)(base + (2 * i + 2 * i / all) % all *
                                             (uintptr_t)class_sizes[CLASS]));
    for (unsigned i = 0; i < MAGAZINES; i++)
        depot_give(&d, magazine_new(&m[i], CLASS, MAGAZINE_SLOTS));
    depot_sort(&d, CLASS, &o);
    for (unsigned i = 0; i < all; i++) {
        void *mem;
        assert_int_equal(depot_take_some(&d, CLASS, 1, &mem, &empty), 1);
        assert_ptr_equal(mem, (void *)(base + i * (uintptr_t)class_sizes[CLASS]));
    }
    /* Backwards is an order too. */
    d = (struct depot){0};
    for (unsigned i = 0; i < all; i++)
        m[i / MAGAZINE_SLOTS].slot[i % MAGAZINE_SLOTS] =
            magazine_low((void *)(base + i * (uintptr_t)class_sizes[CLASS]));
    for (unsigned i = 0; i < MAGAZINES; i++)
        depot_give(&d, magazine_new(&m[i], CLASS, MAGAZINE_SLOTS));
    depot_sort(&d, CLASS, &o);
    void *newest;
    assert_int_equal(depot_take_some(&d, CLASS, 1, &newest, &empty), 1);
    assert_ptr_equal(newest,
                     (void *)(base + (all - 1) * (uintptr_t)class_sizes[CLASS]));
}

static unsigned chain_length(const struct magazine *m)
{
    unsigned n = 0;
    for (; m != NULL; m = m->next)
        n++;
    return n;
}

/* Over more addresses than a window of the order holds, from magazines that are not full. */
static void depot_sorts_in_windows(void **state)
{
    (void)state;
    enum { CLASS = 15, EACH = 20, MANY = 3 * ORDER_BYTES / 256 };
    static struct magazine older;
    static struct order o;
    static void *mem[MANY];
    struct random r = {5};
    struct magazine *empty = NULL;
    struct depot d = {0};
    uintptr_t base = 0x10000000, size = class_sizes[CLASS];
    assert_int_equal(size, 256);
    for (unsigned counted = 0; counted < 2; counted++) {
        for (unsigned i = 0; i < MANY; i++) {
            unsigned j = (unsigned)random_below(&r, i + 1);
            mem[i] = mem[j];
            mem[j] = (void *)(base + i * size);
        }
        depot_give(&d, magazine_new(&older, CLASS, 3));
        d.fresh[CLASS] = 0;
        for (unsigned i = 0; i < MANY;) {
            struct magazine *m = meta_take(sizeof *m);
            unsigned n = (unsigned)min_size(MANY - i, 1 + random_below(&r, EACH));
            assert_int_equal(magazine_fill(magazine_new(m, CLASS, 0), mem + i, n), 0);
            depot_give(&d, m);
            m->counted = (uint16_t)(counted ? n : 0);
            i += n;
        }
        size_t bytes = d.bytes;
        depot_sort(&d, CLASS, &o);
        assert_int_equal(d.bytes, bytes);
        for (unsigned i = 0; i < MANY; i++) {
            void *got;
            const struct magazine *m = d.full[CLASS];
            assert_int_equal(m->counted, counted ? m->count : 0);
            assert_int_equal(m->class, CLASS);
            assert_int_equal(depot_take_some(&d, CLASS, 1, &got, &empty), 1);
            assert_ptr_equal(got, (void *)(base + i * size));
        }
        assert_ptr_equal(d.full[CLASS], &older);
        assert_null(older.next);
        meta_give_list(empty, sizeof *empty);
        empty = NULL;
        depot_take(&d, CLASS);
    }
}

/* One class after the other is emptied, from where the last drain stopped. */
static void depot_drains_by_turns(void **state)
{
    (void)state;
    struct depot d = {0};
    struct magazine m[12];
    for (unsigned i = 0; i < 12; i++)
        depot_give(&d, magazine_new(&m[i], i % 2 == 0 ? 1 : CLASS_COUNT - 1, 5));
    size_t small = 5 * (size_t)class_sizes[1];
    struct magazine *chain = depot_take_many(&d, d.bytes - 2 * small);
    assert_int_equal(chain->class, 1);
    assert_int_equal(chain_length(chain), 2);
    assert_int_equal(chain_length(d.full[1]), 4);
    d.sweep = 2;
    chain = depot_take_many(&d, 4 * small);
    assert_int_equal(chain->class, CLASS_COUNT - 1);
    assert_int_equal(chain_length(chain), 6);
    chain = depot_take_many(&d, 0);
    assert_int_equal(chain->class, 1);
    assert_int_equal(chain_length(chain), 4);
    assert_int_equal(d.bytes, 0);
    assert_null(depot_take_many(&d, 0));
}

/* A part of what left too early may stay, as long as somebody takes it now and then. */
static void depot_spares_what_it_regrets(void **state)
{
    (void)state;
    enum { OTHER = 9, CLASS = 7 }; /* of 128 bytes */
    struct depot d = {.drained_at = 5000};
    assert_int_equal(class_sizes[CLASS], 128);
    d.drained[CLASS] = 512;
    assert_false(depot_regret(&d, OTHER, 512, MIB));
    assert_true(depot_regret(&d, CLASS, 256, MIB));
    assert_int_equal(d.spared, KIB);
    assert_false(depot_regret(&d, CLASS, 800, MIB));
    assert_int_equal(d.spared, 2 * KIB);
    assert_int_equal(d.drained[CLASS], 0);
    assert_false(depot_regret(&d, CLASS, 800, MIB));
    assert_int_equal(d.spared, 2 * KIB);
    d.drained[CLASS] = 8192;
    depot_note_drain(&d, 6000, 1000);
    assert_int_equal(d.drained[CLASS], 8192);
    assert_false(depot_regret(&d, CLASS, 8000, 6 * KIB));
    assert_int_equal(d.spared, 3 * KIB);
    depot_note_drain(&d, 7001, 1000);
    assert_int_equal(d.drained[CLASS], 0);

    d.bytes = 9 * KIB;
    assert_false(depot_forget(&d, 6000, 1000));
    assert_false(depot_forget(&d, 6001, 1000)); /* it was empty in that second */
    assert_int_equal(d.spared, 3 * KIB);
    d.least = KIB;
    assert_false(depot_forget(&d, 7001, 1000));
    assert_true(depot_forget(&d, 7002, 1000));
    assert_int_equal(d.spared, 2 * KIB);
    d.least = 0;
    d.most = KIB;
    assert_true(depot_forget(&d, 8003, 1000));
    assert_int_equal(d.spared, KIB);
    assert_true(depot_forget(&d, 9004, 1000));
    assert_int_equal(d.spared, 0);
}

/* What fell from use may stay as far as drained bytes were asked for again, and as far as
 * such a fall came back; but for a little, by which what is live always goes up and down. */
static void depot_keeps_what_returns(void **state)
{
    (void)state;
    enum { CLASS = 7 }; /* of 128 bytes */
    struct depot d = {.drained_at = 5000};
    d.drained[CLASS] = 512;
    depot_note_live(&d, 160 * KIB);
    depot_note_live(&d, 10 * KIB);
    assert_true(depot_regret(&d, CLASS, 256, MIB));
    assert_int_equal(d.returned, 32 * KIB);
    assert_int_equal(depot_fallen(&d, 10 * KIB), 0); /* to grow once is no return */
    depot_note_live(&d, 30 * KIB);
    assert_int_equal(depot_fallen(&d, 10 * KIB), 20 * KIB);
    depot_note_live(&d, 300 * KIB);
    assert_int_equal(d.swing, 150 * KIB);
    depot_note_live(&d, 320 * KIB);
    assert_int_equal(d.swing, 150 * KIB);
    assert_int_equal(depot_fallen(&d, 320 * KIB), 0);
    assert_int_equal(depot_fallen(&d, 300 * KIB), 0);
    assert_int_equal(depot_fallen(&d, 280 * KIB), 20 * KIB);
    assert_int_equal(depot_fallen(&d, 10 * KIB), 32 * KIB);
    assert_false(depot_regret(&d, CLASS, 256, 48 * KIB));
    assert_int_equal(d.returned, 48 * KIB);
    /* The peak and the return count for one more time of that length. */
    d.most = MIB;
    assert_false(depot_forget(&d, 6001, 1000));
    assert_int_equal(depot_fallen(&d, 10 * KIB), 48 * KIB);
    d.most = MIB;
    assert_true(depot_forget(&d, 7002, 1000));
    assert_int_equal(depot_fallen(&d, 10 * KIB), 0);
    d.live_before = 320 * KIB;
    d.swing = 160 * KIB;
    d.least = 40 * KIB;
    d.most = MIB;
    assert_true(depot_forget(&d, 8003, 1000));
    assert_int_equal(d.returned, 8 * KIB);
    /* And nothing is left where nobody came by meanwhile. */
    d.least = 0;
    d.most = MIB;
    assert_true(depot_forget(&d, 10004, 1000));
    assert_int_equal(d.returned + d.spared, 0);
}

static void depot_remote_list(void **state)
{
    (void)state;
    struct remote r = {.bytes = 0};
    struct magazine m[3];
    assert_null(remote_take(&r));
    assert_int_equal(remote_push(&r, magazine_new(&m[0], 1, 2)), 64);
    assert_int_equal(remote_push(&r, magazine_new(&m[1], 2, 1)), 112);
    struct magazine *list = remote_take(&r);
    assert_ptr_equal(list, &m[0]);
    assert_ptr_equal(list->next, &m[1]);
    assert_null(list->next->next);
    assert_int_equal(r.bytes, 0);
    assert_null(remote_take(&r));
}

/* A large chunk travels alone, and its header tells the bytes. */
static void depot_remote_large(void **state)
{
    (void)state;
    static _Alignas(16) unsigned char area[sizeof(struct chunk)];
    struct remote r = {.bytes = 0};
    struct magazine m;
    struct chunk *c = (struct chunk *)(void *)area;
    chunk_set_idle(&heap_keys, c, 1 << 20, 0);
    magazine_fill(magazine_new(&m, CLASS_NONE, 0), &(void *){mem_of(c)}, 1);
    assert_int_equal(remote_push(&r, &m), 1 << 20);
    assert_ptr_equal(remote_take(&r), &m);
    assert_int_equal(r.bytes, 0);
}

enum { PUSHERS = 3, PUSHES = 3000 };
static struct remote shared;
static struct magazine pushed[PUSHERS][PUSHES];
static _Atomic unsigned pushers_left;

static void *depot_pusher(void *argument)
{
    struct magazine *mine = argument;
    for (unsigned i = 0; i < PUSHES; i++)
        remote_push(&shared, magazine_new(&mine[i], 1, 1));
    atomic_fetch_sub(&pushers_left, 1);
    return NULL;
}

static void depot_remote_races(void **state)
{
    (void)state;
    pthread_t thread[PUSHERS];
    unsigned got = 0;
    pushers_left = PUSHERS;
    for (unsigned i = 0; i < PUSHERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, depot_pusher, pushed[i]), 0);
    for (bool last = false; !last;) {
        last = pushers_left == 0;
        for (struct magazine *m = remote_take(&shared); m != NULL; m = m->next)
            got++;
    }
    for (unsigned i = 0; i < PUSHERS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(got, PUSHERS * PUSHES);
    assert_null(remote_take(&shared));
    assert_int_equal(shared.bytes, 0);
}

static int depot_setup(void **state)
{
    (void)state;
    class_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depot_order_and_sum),
        cmocka_unit_test(depot_fills_magazines),
        cmocka_unit_test(depot_packs_addresses),
        cmocka_unit_test(depot_finds_aligned),
        cmocka_unit_test(depot_takes_across_magazines),
        cmocka_unit_test(depot_sorts_what_is_scattered),
        cmocka_unit_test(depot_sorts_in_windows),
        cmocka_unit_test(depot_drains_by_turns),
        cmocka_unit_test(depot_spares_what_it_regrets),
        cmocka_unit_test(depot_keeps_what_returns),
        cmocka_unit_test(depot_remote_list),
        cmocka_unit_test(depot_remote_large),
        cmocka_unit_test(depot_remote_races),
    };
    return cmocka_run_group_tests(tests, depot_setup, NULL);
}
