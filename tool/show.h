/*
 * The parts of reports that several verbs print.
 */
#ifndef TOOL_SHOW_H
#define TOOL_SHOW_H

#include "draw.h"
#include "survey.h"

/* Stands behind what a source leaves out: a core, or a process we may not ask. */
#define RESIDENT_UNKNOWN "this source does not say what is resident"

void show_arenas(struct draw *d, const struct survey *v);
void show_waterfall(struct draw *d, const struct survey *v);
/* Our sum of resident bytes beside the kernel's. */
void show_identity(struct draw *d, const struct survey *v);
/* The same for programs. */
void stats_json(FILE *out, const struct survey *v);
void stats_xml(FILE *out, const struct survey *v);
void stats_openmetrics(FILE *out, const struct survey *v);
/* The thresholds in force. */
void stats_config(FILE *out, const struct survey *v);
/* What the reader must know: arenas that changed meanwhile, damage. */
void show_notes(struct draw *d, const struct survey *v);
/* Arenas that a stopped or dumped process was just changing. */
void show_busy(struct draw *d, const struct scan *s);
/* Bins, fast bins and caches, with at most `limit` lines of each. */
void show_bins(struct draw *d, struct scan *s, unsigned limit);

/* Audits and tells; the number of findings. */
size_t check_print(struct draw *d, struct scan *s, const struct options *o);

/* Rows of 16 bytes, hex and ASCII. */
void show_hex(struct draw *d, struct source *s, uint64_t address, uint64_t size);

/* The chunk that an address lies in, and its neighbours. */
struct around {
    uint64_t wanted;
    const struct scan_heap *heap; /* NULL: a mapping */
    struct block prev, at, next;
    uint64_t page,
        page_chunk; /* the address's page, and the first chunk that reaches it */
    bool has_prev, has_at, has_next;
};
/* False if no chunk holds the address. */
bool around_find(struct scan *s, uint64_t address, struct around *a);

/* The list that a free chunk is in. */
struct listed {
    char name[64];     /* "" if it is in none */
    uint64_t place;    /* from 1 */
    uint64_t length;   /* of the list */
    const char *wrong; /* what a list that is damaged leads to; or NULL */
};
void listed_find(struct scan *s, const struct block *b, struct listed *l);

/* What there is to say of an address among blocks between guard pages. */
struct session;
void what_guard(struct session *n, uint64_t address);

/* Bin of a size, and the least size of a bin: the geometry of this layout's major. */
unsigned bin_of_size(uint64_t size);
uint64_t bin_least(unsigned bin);

/* Damage that is not just a torn read. */
bool scan_is_damaged(const struct scan *s);

/* How a map is drawn. */
enum map_color { MAP_BY_STATE, MAP_BY_SIZE, MAP_BY_ARENA };
struct map_style {
    uint64_t cell;     /* bytes a cell */
    uint64_t from, to; /* addresses; to 0: all */
    enum map_color color_by;
    bool marks_resident; /* small cells that are not resident are '_' */
    bool no_resident;    /* the source does not say what is */
    unsigned most;       /* rows of text of each heap; 0: all */
};
struct map_twin;
/* The map of one heap, or of a part of it; `twin` has the second half, or is NULL. */
void map_heap(struct draw *d, struct scan *s, struct scan_heap *h,
              const struct map_style *style, struct map_twin *twin);
/* The map of a block in a mapping of its own, and such a mapping as a heap of one chunk. */
void map_mapped(struct draw *d, struct scan *s, const struct scan_mapped *m,
                const struct map_style *style);
struct scan_heap map_as_heap(const struct scan_mapped *m);
void map_legend(struct draw *d, const struct map_style *style);
/* Where offsets count from. */
uint64_t map_base(const struct scan_heap *h, uint64_t cell);
/* The cell size that suits an extent. */
uint64_t map_cell_for(uint64_t extent);
/* The area of guarded blocks, a page a cell; to 0: from its beginning, so far as fits. */
void map_guards(struct draw *d, struct scan *s, uint64_t from, uint64_t to);
/* 4096 numbered boxes: the page of a heap (or of a mapping as one), and any 4096 cells. */
void map_art(struct draw *d, struct scan *s, struct scan_heap *h, bool mapped,
             uint64_t page);
void art_page(struct draw *d, const struct cell *cells);

#endif
