/*
 * Checks for programs that run on the allocator under test: nothing here allocates.
 * A failed EXPECT is counted and printed, and the test goes on; a failed REQUIRE ends
 * it; SKIP ends it with 77. main returns expect_done(). Safe from any thread.
 */
#ifndef TEST_SUPPORT_EXPECT_H
#define TEST_SUPPORT_EXPECT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPECT(condition) expect_that((condition), __FILE__, __LINE__, #condition)

/* With details, printf-like, that are printed when the check fails. */
#define EXPECT_F(condition, ...)                                                       \
    do {                                                                               \
        if (!EXPECT(condition))                                                        \
            EXPECT_SAY(__VA_ARGS__);                                                   \
    } while (0)

#define REQUIRE(condition)                                                             \
    do {                                                                               \
        if (!EXPECT(condition))                                                        \
            _exit(1);                                                                  \
    } while (0)

#define SKIP(...)                                                                      \
    do {                                                                               \
        fprintf(stderr, "skipped: ");                                                  \
        fprintf(stderr, __VA_ARGS__);                                                  \
        fprintf(stderr, "\n");                                                         \
        _exit(77);                                                                     \
    } while (0)

#define EXPECT_SAY(...)                                                                \
    do {                                                                               \
        if (expect_is_talking()) {                                                     \
            fprintf(stderr, "    ");                                                   \
            fprintf(stderr, __VA_ARGS__);                                              \
            fprintf(stderr, "\n");                                                     \
        }                                                                              \
    } while (0)

#ifdef __cplusplus
extern "C" {
#endif

/* Counts one check and prints `what` if it failed (the first 20 are printed). */
bool expect_that(bool ok, const char *file, int line, const char *what);
/* False once so much has failed that more text would not help. */
bool expect_is_talking(void);
/* Forgets what was counted, for the child of a fork. */
void expect_reset(void);
/* The exit status: 0 if there were checks and none failed. */
int expect_status(void);
/* Prints the sum and returns the exit status. */
int expect_done(void);

/* n at full size; less in builds that check everything (environment TEST_SCALE, in
 * percent), but never less than `least`. */
long scaled(long n, long least);

/* True if the build under test is one whose memory runs out on purpose (TEST_OOM=1). */
bool memory_may_run_out(void);
/* Checks that an allocation of a sane size succeeded. Where memory may run out, NULL
 * with ENOMEM is fine too. Returns whether there is a block; errno is kept. */
bool got_that(const void *mem, const char *file, int line, const char *what);
#define GOT(mem) got_that((mem), __FILE__, __LINE__, #mem)

#ifdef __cplusplus
}
#endif

#endif
