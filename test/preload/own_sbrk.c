/*
 * The program moves the break itself, up and down, between allocations: its bytes stay its
 * own, and the heap carries on around them. With an argument: in a thread beside others
 * that allocate, for which sbrk of two threads at once must not happen (option sbrk=0).
 */
#include "allocator.h"

#include "support/expect.h"
#include "support/pattern.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

enum { ROUNDS = 60, PIECE = 48 * 1024 + 24, BLOCKS = 400 };

static void *blocks[ROUNDS][BLOCKS];

static size_t block_bytes(size_t round, size_t i)
{
    return (i * 37 + round * 101) % 5000;
}

static void take_blocks(size_t round)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t bytes = block_bytes(round, i);
        blocks[round][i] = malloc(bytes);
        REQUIRE(blocks[round][i] != NULL);
        pattern_fill(blocks[round][i], 0, bytes, round * BLOCKS + i);
    }
}

static void drop_blocks(size_t round, size_t first)
{
    for (size_t i = first; i < BLOCKS; i += 2) {
        size_t bytes = block_bytes(round, i);
        EXPECT(pattern_differs(blocks[round][i], 0, bytes, round * BLOCKS + i) ==
               bytes);
        free(blocks[round][i]);
    }
}

static atomic_bool churned;

static void *keep_moving(void *arg)
{
    for (uint64_t i = 0; !atomic_load(&churned); i++) {
        char *piece = sbrk(PIECE);
        REQUIRE(piece != (void *)-1);
        pattern_fill(piece, 0, PIECE, i);
        EXPECT(allocator_churn(i, 20, 10) == 0);
        EXPECT(pattern_differs(piece, 0, PIECE, i) == PIECE);
        EXPECT(sbrk(0) == piece + PIECE);
        EXPECT(sbrk(-PIECE) == piece + PIECE);
    }
    return arg;
}

static void move_beside_threads(void)
{
    pthread_t mover;
    REQUIRE(!pthread_create(&mover, NULL, keep_moving, NULL));
    EXPECT(allocator_churn_threads(4, 0, 20000, 17) == 0);
    atomic_store(&churned, true);
    pthread_join(mover, NULL);
}

int main(int argc, char **argv)
{
    char *pieces[ROUNDS];
    (void)argv;
    REQUIRE(allocator_is_preloaded());
    if (argc > 1) {
        move_beside_threads();
        return expect_done();
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        pieces[round] = sbrk(PIECE);
        REQUIRE(pieces[round] != (void *)-1);
        pattern_fill(pieces[round], 0, PIECE, round + 1000000);
        take_blocks(round);
        if (round % 3 == 0)
            drop_blocks(round, 0);
        if (round % 7 == 3 && sbrk(0) == pieces[round] + PIECE) {
            EXPECT(sbrk(-PIECE) != (void *)-1);
            pieces[round] = NULL;
        }
    }
    EXPECT(allocator_churn_threads(4, 0, 20000, 17) == 0);
    for (size_t round = 0; round < ROUNDS; round++) {
        if (round % 3)
            drop_blocks(round, 0);
        drop_blocks(round, 1);
        if (pieces[round])
            EXPECT(pattern_differs(pieces[round], 0, PIECE, round + 1000000) == PIECE);
    }
    /* Back below everything the program took for itself, if nobody took more since. */
    if (pieces[ROUNDS - 1] && sbrk(0) == pieces[ROUNDS - 1] + PIECE)
        EXPECT(sbrk(-PIECE) != (void *)-1);
    EXPECT(allocator_churn(9, 60000, 19) == 0);
    return expect_done();
}
