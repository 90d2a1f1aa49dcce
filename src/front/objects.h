/*
 * The program and its libraries, as the dynamic linker has them. Takes the linker's lock,
 * does not allocate. Source: the System V ABI, dynamic linking; dl_iterate_phdr(3).
 * Notes: docs/notes/checks.md#operators
 */
#ifndef CHUNKY_FRONT_OBJECTS_H
#define CHUNKY_FRONT_OBJECTS_H

#include <stdbool.h>

/* Whether one of them has an operator new or delete of its own, and is neither Chunky nor
 * the C++ library, whose calls end in Chunky's. Once true it stays: its blocks do. */
bool objects_have_operators(void);

#endif
