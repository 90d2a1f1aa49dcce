/*
 * A snapshot of this process by itself, at the time of a finding: the tool opens it like
 * one of `chunky dump --bytes`. No allocation, no lock, no pointer that the program could
 * have overwritten is followed; other threads run on. One caller at a time (the report's
 * lock). Notes: docs/notes/checks.md#report
 */
#ifndef CHUNKY_FRONT_SNAPSHOT_H
#define CHUNKY_FRONT_SNAPSHOT_H

#include <stdbool.h>

/* Writes what is resident of the heaps and of Chunky's structures, and what else was
 * written in private mappings. False when that cannot be done; then there is no file. */
bool snapshot_write(const char *path);

#endif
