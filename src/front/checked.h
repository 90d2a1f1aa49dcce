/*
 * The slow way of every call while checks, recorded requests or fill bytes are on: then
 * no thread has a hot cache. Notes: docs/notes/checks.md
 */
#ifndef CHUNKY_FRONT_CHECKED_H
#define CHUNKY_FRONT_CHECKED_H

#include "core/chunk.h"

/* A live block; bytes <= PTRDIFF_MAX. NULL and ENOMEM on failure. */
void *checked_malloc(size_t bytes);
/* Frees a verified live block. */
void checked_free(struct chunk *c);

/* Bytes that the user asked for, when they are recorded; else the usable bytes. */
size_t checked_request(const struct chunk *c);
/* Records that a live block now holds `bytes`. */
void checked_record(struct chunk *c, size_t bytes);
/* Makes a recorded block ordinary again, for those who change its size. */
void checked_forget(struct chunk *c);

/* A sized free: the bytes and the alignment (0: none given) that the caller believes
 * in are compared with the block; a mismatch is a finding. */
void checked_sized(const void *mem, size_t bytes, size_t align);

#endif
