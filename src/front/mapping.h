/*
 * What the kernel has mapped at an address, from /proc/self/maps. No allocation, safe in
 * a signal handler; one caller at a time (the report's lock).
 */
#ifndef CHUNKY_FRONT_MAPPING_H
#define CHUNKY_FRONT_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

struct mapping {
    uintptr_t start;
    uintptr_t end;
    uintptr_t base;  /* start of the first mapping of the same file */
    uint64_t offset; /* in the file */
    unsigned access; /* MAPPING_ bits */
    char name[512];  /* file, "[stack]" and the like, or "" */
};

/* As in snapshots. */
enum { MAPPING_READ = 1, MAPPING_WRITE = 2, MAPPING_CODE = 4, MAPPING_SHARED = 8 };

/* The mapping that holds `address`; false if there is none. */
bool mapping_find(uintptr_t address, struct mapping *m);

/* One after the other; the other calls here may not come between. False: no list. */
bool mapping_open(void);
bool mapping_next(struct mapping *m);
void mapping_close(void);

#endif
