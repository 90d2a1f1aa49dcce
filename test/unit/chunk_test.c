/* The header: sizes, flags, the keyed check and its domains, neighbours. */
#include "support/unit.h"

#include "core/chunk.h"

#include <string.h>

static _Alignas(1 << 16) unsigned char area[1 << 16];
static struct chunk_keys keys;

/* The same in every run: an address counts only by its difference from the key, and where
 * the loader put the area makes none. One pair in some hundreds lets a certain bit change
 * in most headers, so that a pair drawn at random would fail a test now and then. */
static void chunk_keys_set(uint64_t address, uint64_t word)
{
    keys = (struct chunk_keys){address ^ (uintptr_t)area, word};
}

static int chunk_keys_usual(void **state)
{
    (void)state;
    chunk_keys_set(0x0123456789abcdefULL, 0xfedcba9876543210ULL);
    return 0;
}

static struct chunk *chunk_here(size_t size, uint32_t flags)
{
    struct chunk *c = (struct chunk *)(void *)area;
    memset(area, 0x5a, sizeof area);
    chunk_set_idle(&keys, c, size, flags);
    return c;
}

static void chunk_sizes(void **state)
{
    (void)state;
    assert_int_equal(chunk_size_for(0), 32);
    assert_int_equal(chunk_size_for(24), 32);
    assert_int_equal(chunk_size_for(25), 48);
    assert_int_equal(chunk_size_for(40), 48);
    assert_int_equal(chunk_size_for(41), 64);
    for (size_t bytes = 0; bytes < 3000; bytes++) {
        size_t size = chunk_size_for(bytes);
        assert_true(size % 16 == 0 && size >= bytes + CHUNK_OVERHEAD);
        assert_true(size < bytes + CHUNK_OVERHEAD + 16 || size == CHUNK_MIN);
    }
}

static void chunk_words(void **state)
{
    (void)state;
    const size_t sizes[] = {FENCE_SIZE,
                            CHUNK_MIN,
                            65520,
                            65536,
                            (size_t)1 << 31,
                            (size_t)1 << 32,
                            ((size_t)1 << 47) - 16};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (uint32_t flags = 0; flags < 16; flags++) {
            struct chunk *c = chunk_here(sizes[i], flags);
            assert_int_equal(chunk_size(c), sizes[i]);
            assert_int_equal(chunk_bits(c) & CHUNK_FLAGS, flags);
            assert_int_equal(chunk_prev_inuse(c), flags & PREV_INUSE);
            assert_true(chunk_is_idle(&keys, c) && !chunk_is_live(&keys, c));
            chunk_flip(c);
            assert_true(chunk_is_live(&keys, c) && !chunk_is_idle(&keys, c));
            assert_int_equal(chunk_size(c), sizes[i]);
        }
    }
}

static void chunk_usable_bytes(void **state)
{
    (void)state;
    assert_int_equal(chunk_usable(chunk_here(64, 0)), 56);
    assert_int_equal(chunk_usable(chunk_here(4096, IS_MMAPPED)), 4080);
}

static void chunk_p_is_not_hashed(void **state)
{
    (void)state;
    struct chunk *c = chunk_here(208, NON_MAIN_ARENA);
    uint32_t tag = load_word(&c->tag);
    chunk_set_prev_inuse(c, true);
    assert_true(chunk_prev_inuse(c) && chunk_is_idle(&keys, c));
    chunk_flip(c);
    chunk_set_prev_inuse(c, false);
    assert_true(!chunk_prev_inuse(c) && chunk_is_live(&keys, c));
    assert_int_equal(load_word(&c->tag), tag ^ CHECK_MASK);
    assert_int_equal(chunk_bits(c) & CHUNK_FLAGS, NON_MAIN_ARENA);
}

/* How many of the headers with one bit changed still pass as live: a check of 16 bits
 * lets 1 in 65,536 through, over all keys. */
static void chunk_one_bit_is_seen(void **state)
{
    (void)state;
    unsigned passed = 0, tried = 0;
    uint64_t address = 1, word = 2;
    for (unsigned pair = 0; pair < 5000; pair++) {
        address = multiply_fold(address + pair, 0x9e3779b97f4a7c15ULL);
        word = multiply_fold(word + address, 0xd6e8feb86659fd93ULL);
        chunk_keys_set(address, word);
        struct chunk *c = (struct chunk *)(void *)area;
        chunk_set_idle(&keys, c, 32 + pair * 16, 0);
        chunk_flip(c);
        for (unsigned bit = 1; bit < 64; bit++) {
            unsigned char *byte = area + 8 + bit / 8;
            *byte = (unsigned char)(*byte ^ 1U << (bit % 8));
            passed += chunk_is_live(&keys, c);
            *byte = (unsigned char)(*byte ^ 1U << (bit % 8));
            tried++;
        }
    }
    assert_int_equal(tried, 315000);
    print_message("%u passed\n", passed);
    assert_true(passed < 20);
}

static void chunk_check_depends_on_place_and_keys(void **state)
{
    (void)state;
    struct chunk_keys other = keys;
    unsigned moved = 0, rekeyed = 0;
    other.word++;
    for (size_t at = 16; at < 32768; at += 16) {
        struct chunk *c = chunk_here(32, 0);
        chunk_flip(c);
        memcpy(area + at, area, 16);
        moved += chunk_is_live(&keys, chunk_at(c, at));
        other.address += 2;
        rekeyed += chunk_is_live(&other, c);
    }
    assert_true(moved < 4);
    assert_true(rekeyed < 4);
}

/* Where an idle chunk lies is part of what is hashed: a header of one place does not
 * pass in another, nor as a mapped or recorded one. */
static void chunk_domains(void **state)
{
    (void)state;
    const uint32_t places[] = {IDLE_OUT, IDLE_BINNED, IDLE_UNSORTED, IDLE_FAST};
    for (unsigned i = 0; i < 4; i++) {
        unsigned passed = 0;
        for (size_t size = 32; size < 32000; size += 16) {
            struct chunk *c = chunk_here(size, places[i]);
            assert_int_equal(chunk_idle_state(c), places[i]);
            assert_int_equal(chunk_is_binned(&keys, c),
                             places[i] == IDLE_BINNED || places[i] == IDLE_UNSORTED);
            uint32_t bits = chunk_bits(c);
            atomic_store(&c->bits, bits ^ IDLE_STATE);
            passed += chunk_is_idle(&keys, c);
            atomic_store(&c->bits, bits ^ IDLE_BINNED);
            passed += chunk_is_idle(&keys, c);
        }
        assert_true(passed < 4);
    }
}

/* As the hot path of free sees it. */
static bool chunk_passes_plain(const struct chunk *c)
{
    uint32_t word = chunk_bits(c) & ~(uint32_t)PREV_INUSE;
    return chunk_hash_plain(keys.address, keys.word, mem_of(c), word) ==
           load_word(&c->tag);
}

/* No special word passes there, live or idle: a chunk that is mapped, recorded or too large;
 * with no keys and at no address, such as those where a product's low half tells little. */
static void chunk_special_words(void **state)
{
    (void)state;
    const uint64_t addresses[] = {0x0123456789abcdef, 0x0123456700001230,
                                  0x12345678ffff0010, 0};
    const uint32_t special[] = {IS_MMAPPED, HAS_REQUEST, IS_MMAPPED | HAS_REQUEST};
    for (unsigned key = 0; key < 4; key++) {
        chunk_keys_set(addresses[key], 0xfedcba9876543210ULL);
        for (size_t size = 32; size <= HOT_MAX; size += 16) {
            struct chunk *c = chunk_here(size, NON_MAIN_ARENA);
            assert_true(chunk_size_if_out(&keys, c) == size && !chunk_passes_plain(c));
            chunk_flip(c);
            assert_true(chunk_passes_plain(c));
            for (unsigned i = 0; i < 4; i++) {
                c = chunk_here(i < 3 ? size : size + HOT_MAX, i < 3 ? special[i] : 0);
                assert_true(chunk_is_idle(&keys, c) && !chunk_passes_plain(c));
                chunk_flip(c);
                assert_true(chunk_is_live(&keys, c) && !chunk_passes_plain(c));
            }
        }
    }
    assert_false(chunk_word_is_special(HOT_MAX));
    assert_true(chunk_word_is_special(HOT_MAX + CHUNK_ALIGN));
    assert_true(chunk_word_is_special(32 | IS_MMAPPED));
    assert_true(chunk_word_is_special(32 | HAS_REQUEST));
    assert_false(chunk_word_is_special(32 | NON_MAIN_ARENA));
}

static void chunk_neighbours(void **state)
{
    (void)state;
    struct chunk *c = chunk_here(96, PREV_INUSE);
    struct chunk *next = chunk_at(c, 96);
    chunk_set_idle(&keys, next, 64, 0);
    chunk_set_footer(c, 96);
    assert_ptr_equal(chunk_next(c), next);
    assert_ptr_equal(chunk_prev(next), c);
    assert_ptr_equal(chunk_of(mem_of(c)), c);
    assert_int_equal((uintptr_t)mem_of(c) - (uintptr_t)c, 16);
    assert_true(chunk_is_valid(&keys, next));
    memset(next, 0, CHUNK_HEADER);
    assert_false(chunk_is_valid(&keys, next));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(chunk_sizes, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_words, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_usable_bytes, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_p_is_not_hashed, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_one_bit_is_seen, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_check_depends_on_place_and_keys, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_domains, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_special_words, chunk_keys_usual),
        cmocka_unit_test_setup(chunk_neighbours, chunk_keys_usual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
