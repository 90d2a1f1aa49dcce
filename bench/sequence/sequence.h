/* A recorded sequence made ready to be replayed: addresses become slot numbers. */
#ifndef BENCH_SEQUENCE_H
#define BENCH_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

enum step_kind { STEP_NEW, STEP_ZEROED, STEP_FREE, STEP_RESIZE };

struct step {
    uint64_t bytes;
    uint32_t slot;
    uint32_t from; /* STEP_RESIZE: the slot that it leaves */
    enum step_kind kind;
    unsigned log; /* of the alignment, 0: malloc's own */
};

struct sequence {
    struct step *steps;
    size_t count;
    size_t slots;
    uint64_t peak_live; /* most requested bytes alive at once */
};

/* Reads a recording; dies with a message when it is none. */
void sequence_load(struct sequence *s, const char *path);
/* Zeroed memory outside the heap. */
void *sequence_table(size_t bytes);
_Noreturn void sequence_die(const char *path, const char *what);

#endif
