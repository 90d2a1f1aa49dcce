/* Source lines of addresses, from .debug_line of DWARF 2 to 5; see symbol.h. No state. */
#include "symbol.h"

#include <string.h>

enum { FORMATS_MOST = 16 };

/* What is left to read; after a read beyond the end all is 0 and `bad`. */
struct cursor_bytes {
    const unsigned char *at, *end;
    bool bad;
};

struct line_program {
    const struct line_sections *sections;
    struct cursor_bytes code;  /* the program */
    struct cursor_bytes table; /* directories and files, to be read again */
    unsigned version;
    bool wide; /* offsets of 8 bytes */
    unsigned least, line_range, opcode_base;
    int line_base;
    unsigned char lengths[256];
};

struct line_row {
    uint64_t address;
    unsigned file, line;
};

static uint64_t bytes_get(struct cursor_bytes *c, unsigned size)
{
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < size) {
        c->bad = true;
        c->at = c->end;
        return 0;
    }
    for (unsigned i = 0; i < size && i < 8; i++)
        value |= (uint64_t)c->at[i] << (8 * i);
    c->at += size;
    return value;
}

static uint64_t bytes_uleb(struct cursor_bytes *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = bytes_get(c, 1);
        if (shift < 64)
            value |= (byte & 127) << shift;
        if ((byte & 128) == 0)
            return value;
    }
}

static int64_t bytes_sleb(struct cursor_bytes *c)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = bytes_get(c, 1);
        if (shift < 64)
            value |= (byte & 127) << shift;
        shift += 7;
    } while ((byte & 128) != 0);
    if ((byte & 64) != 0 && shift < 64)
        value |= ~(uint64_t)0 << shift;
    return (int64_t)value;
}

static const char *bytes_text(struct cursor_bytes *c)
{
    const unsigned char *nul =
        c->at == c->end ? NULL : memchr(c->at, 0, (size_t)(c->end - c->at));
    const char *text = (const char *)c->at;
    if (nul == NULL) {
        c->bad = true;
        c->at = c->end;
        return "";
    }
    c->at = nul + 1;
    return text;
}

static const char *bytes_at(const struct bytes *b, uint64_t offset)
{
    struct cursor_bytes c = {b->at + offset, b->at + b->size, false};
    return offset < b->size ? bytes_text(&c) : "";
}

/* --- tables of names ----------------------------------------------------------- */

/* A value of a DWARF 5 table: its number, or its text. */
static uint64_t form_get(const struct line_program *p, struct cursor_bytes *c,
                         uint64_t form, const char **text)
{
    static const unsigned char sizes[] = {
        [0x0b] = 1, [0x05] = 2, [0x06] = 4, [0x07] = 8, [0x1e] = 16};
    unsigned offset = p->wide ? 8 : 4;
    switch (form) {
    case 0x08: /* string */
        *text = bytes_text(c);
        return 0;
    case 0x1f: /* line_strp */
        *text = bytes_at(&p->sections->line_str, bytes_get(c, offset));
        return 0;
    case 0x0e: /* strp */
        *text = bytes_at(&p->sections->str, bytes_get(c, offset));
        return 0;
    case 0x0f: /* udata */
        return bytes_uleb(c);
    case 0x09: /* block */
        bytes_get(c, (unsigned)(bytes_uleb(c) & 0xffffff));
        return 0;
    default:
        if (form >= sizeof sizes || sizes[form] == 0)
            c->bad = true;
        return c->bad ? 0 : bytes_get(c, sizes[form]);
    }
}

/* Reads one table of DWARF 5; entry `wanted` gives text and directory. */
static void table_read(const struct line_program *p, struct cursor_bytes *c,
                       uint64_t wanted, const char **text, uint64_t *folder)
{
    uint64_t kind[FORMATS_MOST], form[FORMATS_MOST];
    unsigned formats = (unsigned)bytes_get(c, 1);
    if (formats > FORMATS_MOST) {
        c->bad = true;
        return;
    }
    for (unsigned i = 0; i < formats; i++) {
        kind[i] = bytes_uleb(c);
        form[i] = bytes_uleb(c);
    }
    uint64_t count = bytes_uleb(c);
    for (uint64_t n = 0; n < count && !c->bad; n++) {
        for (unsigned i = 0; i < formats; i++) {
            const char *said = NULL;
            uint64_t value = form_get(p, c, form[i], &said);
            if (n == wanted && kind[i] == 1 && said != NULL)
                *text = said;
            if (n == wanted && kind[i] == 2)
                *folder = value;
        }
    }
}

/* The same for older versions, whose entries count from 1. */
static void table_read_old(struct cursor_bytes *c, uint64_t wanted, bool is_files,
                           const char **text, uint64_t *folder)
{
    for (uint64_t n = 1; !c->bad; n++) {
        const char *said = bytes_text(c);
        if (said[0] == '\0')
            return;
        uint64_t in = is_files ? bytes_uleb(c) : 0;
        if (is_files) {
            bytes_uleb(c);
            bytes_uleb(c);
        }
        if (n == wanted) {
            *text = said;
            *folder = in;
        }
    }
}

static void line_name(const struct line_program *p, uint64_t file, struct symbol *out)
{
    struct cursor_bytes c = p->table;
    const char *name = NULL, *path = NULL;
    uint64_t folder = UINT64_MAX, none = 0;
    if (p->version >= 5) {
        table_read(p, &c, UINT64_MAX, &path, &none);
        table_read(p, &c, file, &name, &folder);
        c = p->table;
        table_read(p, &c, folder, &path, &none);
    } else {
        table_read_old(&c, UINT64_MAX, false, &path, &none);
        table_read_old(&c, file, true, &name, &folder);
        c = p->table;
        table_read_old(&c, folder, false, &path, &none);
    }
    if (name == NULL)
        return;
    const char *last = path == NULL ? NULL : strrchr(path, '/');
    /* The folder's last part tells enough, and fits. */
    if (name[0] == '/' || path == NULL || path[0] == '\0')
        snprintf(out->file, sizeof out->file, "%.255s", name);
    else
        snprintf(out->file, sizeof out->file, "%.100s/%.150s",
                 last == NULL || last[1] == '\0' ? path : last + 1, name);
}

/* --- the program ---------------------------------------------------------------- */

static bool program_open(struct line_program *p, const struct line_sections *d,
                         struct cursor_bytes *all)
{
    *p = (struct line_program){.sections = d};
    uint64_t length = bytes_get(all, 4);
    p->wide = length == 0xffffffff;
    if (p->wide)
        length = bytes_get(all, 8);
    if (all->bad || length > (uint64_t)(all->end - all->at)) {
        all->bad = true;
        return false;
    }
    struct cursor_bytes c = {all->at, all->at + length, false};
    all->at += length;
    p->version = (unsigned)bytes_get(&c, 2);
    if (p->version >= 5)
        bytes_get(&c, 2);
    uint64_t header = bytes_get(&c, p->wide ? 8 : 4);
    if (p->version < 2 || p->version > 5 || header > (uint64_t)(c.end - c.at))
        return false;
    p->code = (struct cursor_bytes){c.at + header, c.end, false};
    c.end = c.at + header;
    p->least = (unsigned)bytes_get(&c, 1);
    if (p->version >= 4)
        bytes_get(&c, 1);
    bytes_get(&c, 1);
    p->line_base = (int)(bytes_get(&c, 1) ^ 128) - 128; /* of 8 bits, signed */
    p->line_range = (unsigned)bytes_get(&c, 1);
    p->opcode_base = (unsigned)bytes_get(&c, 1);
    for (unsigned i = 1; i < p->opcode_base; i++)
        p->lengths[i] = (unsigned char)bytes_get(&c, 1);
    p->table = c;
    return !c.bad && p->line_range != 0 && p->opcode_base != 0;
}

/* A row is complete: true if the one before it holds the address. */
static bool row_holds(struct line_row *before, const struct line_row *now,
                      uint64_t address)
{
    bool holds =
        before->line != 0 && address >= before->address && address < now->address;
    if (!holds)
        *before = *now;
    return holds;
}

static void program_extended(struct line_program *p, struct line_row *r, bool *ends)
{
    uint64_t length = bytes_uleb(&p->code);
    if (length == 0 || length > (uint64_t)(p->code.end - p->code.at)) {
        p->code.bad = true;
        return;
    }
    struct cursor_bytes c = {p->code.at, p->code.at + length, false};
    p->code.at += length;
    uint64_t code = bytes_get(&c, 1);
    *ends = code == 1;
    if (code == 2)
        r->address = bytes_get(&c, (unsigned)(length - 1 < 8 ? length - 1 : 8));
}

/* One standard operation; true if it made a row. */
static bool program_standard(struct line_program *p, unsigned code, struct line_row *r)
{
    switch (code) {
    case 1:
        return true;
    case 2:
        r->address += p->least * bytes_uleb(&p->code);
        break;
    case 3:
        r->line = (unsigned)((int64_t)r->line + bytes_sleb(&p->code));
        break;
    case 4:
        r->file = (unsigned)bytes_uleb(&p->code);
        break;
    case 8:
        r->address += (uint64_t)p->least * ((255 - p->opcode_base) / p->line_range);
        break;
    case 9:
        r->address += bytes_get(&p->code, 2);
        break;
    default:
        for (unsigned i = 0; i < p->lengths[code]; i++)
            bytes_uleb(&p->code);
    }
    return false;
}

static bool program_run(struct line_program *p, uint64_t address, struct line_row *at)
{
    const struct line_row start = {0, 1, 1};
    struct line_row r = start, before = {0, 0, 0};
    while (!p->code.bad && p->code.at < p->code.end) {
        unsigned code = (unsigned)bytes_get(&p->code, 1);
        bool row = false, ends = false;
        if (code >= p->opcode_base) {
            code -= p->opcode_base;
            r.address += (uint64_t)p->least * (code / p->line_range);
            r.line =
                (unsigned)((int)r.line + p->line_base + (int)(code % p->line_range));
            row = true;
        } else if (code == 0) {
            program_extended(p, &r, &ends);
            row = ends;
        } else {
            row = program_standard(p, code, &r);
        }
        if (row && row_holds(&before, &r, address)) {
            *at = before;
            return true;
        }
        if (ends) {
            r = start;
            before.line = 0;
        }
    }
    return false;
}

bool dwarf_line(const struct line_sections *d, uint64_t address, struct symbol *out)
{
    struct cursor_bytes all = {d->line.at, d->line.at + d->line.size, false};
    struct line_program p;
    struct line_row at;
    if (d->line.size == 0)
        return false;
    while (!all.bad && all.at < all.end) {
        if (!program_open(&p, d, &all) || !program_run(&p, address, &at))
            continue;
        line_name(&p, at.file, out);
        out->line = out->file[0] == '\0' ? 0 : at.line;
        return out->line != 0;
    }
    return false;
}
