/*
 * A scripted operating system: src/os/os.h over real memory, but with a break of its own,
 * a clock that stands still, and failures on demand. Everything it is asked for is
 * counted. Tests write the script, read the counts, and call os_fake_reset() between.
 */
#ifndef TEST_SUPPORT_OS_FAKE_H
#define TEST_SUPPORT_OS_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_fake {
    /* the script */
    size_t page;         /* page size, 4096 at least */
    uint64_t clock;      /* milliseconds; stands still */
    unsigned cpus;       /* usable ones */
    const char *conf;    /* value of CHUNKY_CONF, or NULL */
    unsigned fail_after; /* so many requests for memory succeed, the next one fails;
                                0: never. Counts down. */
    bool fail_for_ever;  /* and every later one too */
    bool refuse_break;   /* the break never moves up */
    bool refuse_commit;  /* os_commit fails */
    bool refuse_purge;   /* os_purge is refused, as for locked memory */
    size_t refuse_above; /* requests for more than this fail; 0: none */
    void (*on_give)(void *start, size_t size); /* called for every range of os_purge */

    /* what happened */
    unsigned requests; /* calls that may fail: map, reserve, commit, remap, break up */
    unsigned maps, reserves, commits, decommits, unmaps, remaps, breaks;
    unsigned purges;   /* ranges of them */
    size_t mapped;     /* bytes mapped or reserved, and not unmapped yet */
    size_t purged;     /* bytes of all purges */
    void *purge_start; /* the last range */
    size_t purge_size;
};

extern struct os_fake os_fake;

/* Script and counts as at the start; the break goes back to its base. Mappings stay, but
 * are not counted any more. */
void os_fake_reset(void);
/* Somebody else moves the break. */
void os_fake_foreign_break(intptr_t delta);
/* Where the break stands. */
void *os_fake_break(void);
/* Makes the next break region start `bytes` off a page. Call with nothing in it. */
void os_fake_ragged_break(size_t bytes);

#endif
