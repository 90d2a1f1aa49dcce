/*
 * Static probes on slow paths, for bpftrace, perf, SystemTap and gdb: one nop each, and a
 * note that tells its address and where its arguments are. Provider "chunky"; arguments
 * are unsigned 64-bit numbers. Empty where the note's format is not known to us.
 * Notes: docs/notes/probes.md
 */
#ifndef CHUNKY_BASE_PROBE_H
#define CHUNKY_BASE_PROBE_H

#include "base/compiler.h"

#include <stdint.h>

#ifdef PROBE_NOTE
#define PROBE1(name, a) PROBE_NOTE(name, "8@%0", (uint64_t)(a), 0)
#define PROBE2(name, a, b) PROBE_NOTE(name, "8@%0 8@%1", (uint64_t)(a), (uint64_t)(b))
#else
#define PROBE1(name, a) ((void)(a))
#define PROBE2(name, a, b) ((void)(a), (void)(b))
#endif

#endif
