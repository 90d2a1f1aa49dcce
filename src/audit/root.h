/* The exported description of this build's heap; see layout.h. */
#ifndef CHUNKY_AUDIT_ROOT_H
#define CHUNKY_AUDIT_ROOT_H

#include "audit/layout.h"

/* Constant but for the page size. In .dynsym, so that it survives strip. */
extern PUBLIC struct root chunky_root;

/* Adds what only the front knows: a field of one of its structs. */
void root_describe(enum layout_id id, struct layout_field f);

/* Once, when the process starts. */
void root_init(size_t page);

#endif
