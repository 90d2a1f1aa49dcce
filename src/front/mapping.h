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
    uintptr_t base; /* start of the first mapping of the same file */
    bool is_code;   /* executable */
    char name[128]; /* file, "[stack]" and the like, or "" */
};

/* The mapping that holds `address`; false if there is none. */
bool mapping_find(uintptr_t address, struct mapping *m);

#endif
