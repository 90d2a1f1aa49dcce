/*
 * The entry that libFuzzer calls, and the plain driver too.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Plays one input; aborts if the heap did something wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
