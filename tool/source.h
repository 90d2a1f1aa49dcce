/*
 * Where a heap is read from: a process, a core file or a snapshot. One reader, one list
 * of mappings, one answer to "is this page resident?". Notes: docs/notes/inspector.md
 */
#ifndef TOOL_SOURCE_H
#define TOOL_SOURCE_H

#include "audit/walk.h"

#include <stdio.h>
#include <sys/types.h>

/* Exit statuses of every verb but run. */
enum status {
    STATUS_OK = 0,
    STATUS_FINDING = 1,
    STATUS_USAGE = 2,
    STATUS_UNREADABLE = 3, /* no such process, no permission, truncated file; and an
                            * output that cannot be written */
    STATUS_FOREIGN = 4,    /* not our allocator, or a layout that is not known */
    STATUS_DAMAGED = 5     /* the heap is damaged; the output is partial */
};

enum source_kind { SOURCE_PID, SOURCE_CORE, SOURCE_SNAPSHOT };

enum { MAP_READ = 1, MAP_WRITE = 2, MAP_EXECUTE = 4, MAP_SHARED_BIT = 8 };

struct map {
    uint64_t start, end, offset;
    unsigned access;  /* MAP_ bits */
    const char *name; /* path or [heap]; "" if it has none; may hold any byte */
};

struct source {
    struct reader reader; /* first: readers are found from it */
    enum source_kind kind;
    pid_t pid;        /* 0 if it is not known */
    pid_t thread;     /* of a process: its memory is reached by one that lives */
    pid_t held;       /* a child of ours, stopped just before its end; or 0 */
    char *title;      /* for people: printable */
    struct map *maps; /* by address */
    size_t map_count;
    uint64_t root;  /* address of chunky_root */
    uint64_t taken; /* seconds since 1970, of a snapshot; 0: now */
    struct walk walk;
    /* Whether the page at `at` is resident, and where pages begin that may differ.
     * NULL: not known. */
    uint64_t (*run)(struct source *s, uint64_t at, bool *resident);
    /* Reads the list of mappings anew; NULL: they cannot have changed. */
    bool (*remap)(struct source *s);
    /* Makes another reader of the same memory, for a second thread. NULL: cannot. */
    bool (*twin)(struct source *s, struct source *out);
    void (*close)(struct source *s);
    size_t window_room;    /* bytes of the window */
    void *state;           /* of the kind of source */
    bool is_truncated;     /* the file is shorter than it says */
    bool is_skewed;        /* the file is not aligned as memory was */
    unsigned long retries; /* torn reads that were read again */
};

/* Opens what `name` is: a number, or a file sniffed by its magic. Prints one line and
 * returns another status than STATUS_OK on failure. `stop`: the process is stopped until
 * the source is closed. */
enum status source_open(struct source *s, const char *name, bool stop);
void source_close(struct source *s);
/* True if that SOURCE is a file, and the one at `path`: by another name, or a link. */
bool source_is_file(const char *name, const char *path);
/* True of a process that ended, or became another program: nothing that was read of it
 * counts. */
bool source_is_gone(struct source *s);
/* False of a process whose memory cannot be read, any more. */
bool source_has_memory(struct source *s);

/* The kinds. `s` is zeroed but for kind and name. */
enum status source_open_pid(struct source *s, pid_t pid, bool stop);
enum status source_open_core(struct source *s, int fd, const char *name);
enum status source_open_snapshot(struct source *s, int fd, const char *name);
/* Complains that this tool does not know the layout. */
enum status source_other_layout(const struct source *s);
/* Finds chunky_root and opens the walk over it. */
enum status source_find_root(struct source *s);

/* The mapping of an address, or NULL. */
const struct map *source_map_of(const struct source *s, uint64_t address);
/* Resident pages in [from, to), a multiple of pages; 0 if that is not known. */
uint64_t source_resident(struct source *s, uint64_t from, uint64_t to);
/* True if all of [from, to) is mapped. */
bool source_maps(struct source *s, uint64_t from, uint64_t to);
/* Adds a mapping behind the others; its name is copied. */
void source_add_map(struct source *s, const struct map *m);
void source_drop_maps(struct source *s);

/* The address of a symbol of the ELF file mapped at `base`, by its dynamic symbols; 0. */
uint64_t elf_symbol(struct reader *r, uint64_t base, const char *name);

/* Windows over a source's reader: `room` bytes are read at a time. */
bool window_open(struct reader *r, size_t room);
bool window_fill(struct reader *r, uint64_t address, size_t size);
void window_forget(struct reader *r);

/* One line on stderr, "chunky: ...". Returns `status`. */
enum status complain(enum status status, const char *format, ...);

/* malloc that ends the program when there is no memory. */
void *must(void *memory);
void *take(size_t bytes);

#endif
