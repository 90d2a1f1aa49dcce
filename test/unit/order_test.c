/* Windows of addresses: what goes in comes out once, the lowest first. */
#include "support/unit.h"

#include "core/order.h"
#include "support/random.h"

static struct order o;

static void *place(uintptr_t i)
{
    return (void *)(o.base + i * CHUNK_ALIGN);
}

static void order_sorts(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static bool in[ORDER_BYTES / CHUNK_ALIGN];
    struct random r = {5};
    order_begin(&o, 0x7f0000001230);
    unsigned count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        /* Some far apart, some beside each other, first and last places too. */
        size_t at = i < 2          ? i * (ORDER_BYTES / CHUNK_ALIGN - 1)
                    : i < MANY / 2 ? random_below(&r, ORDER_BYTES / CHUNK_ALIGN)
                                   : 77 + random_below(&r, 3 * MANY);
        assert_true(order_holds(&o, place(at)));
        assert_int_equal(order_add(&o, place(at)), !in[at]);
        count += !in[at];
        in[at] = true;
    }
    void *mem[7];
    size_t got, all = 0;
    uintptr_t last = 0;
    while ((got = order_take(&o, mem, 1 + all % 7)) != 0) {
        for (size_t i = 0; i < got; i++, last = (uintptr_t)mem[i - 1]) {
            assert_true((uintptr_t)mem[i] > last);
            assert_true(in[((uintptr_t)mem[i] - o.base) / CHUNK_ALIGN]);
        }
        all += got;
    }
    assert_int_equal(all, count);
    static const struct order empty;
    assert_memory_equal(o.words, empty.words, sizeof o.words);
    assert_memory_equal(o.bits, empty.bits, sizeof o.bits);
}

static void order_ends(void **state)
{
    (void)state;
    order_begin(&o, 1 * MIB);
    assert_false(order_holds(&o, (void *)(1 * MIB - CHUNK_ALIGN)));
    assert_true(order_holds(&o, (void *)(1 * MIB)));
    assert_true(order_holds(&o, (void *)(1 * MIB + ORDER_BYTES - CHUNK_ALIGN)));
    assert_false(order_holds(&o, (void *)(1 * MIB + ORDER_BYTES)));
    void *mem;
    assert_int_equal(order_take(&o, &mem, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_sorts),
        cmocka_unit_test(order_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
