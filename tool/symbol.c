/* ELF symbols; see symbol.h. State: in struct symbols. */
#include "symbol.h"

#include "base/bits.h"
#include "text.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBUG_ROOT "/usr/lib/debug"

enum { MODULES_MOST = 4096 };

/* A mapped ELF file. */
struct elf_file {
    const unsigned char *data;
    uint64_t size;
    uint64_t base; /* address of what is mapped first */
    struct bytes symtab, symtab_names, dynsym, dynsym_names;
    struct line_sections lines;
    char build_id[80];
    char link[256]; /* .gnu_debuglink */
};

struct module {
    char *path;
    struct elf_file own, debug;
};

struct symbols {
    struct module *module;
    size_t count;
};

static bool elf_holds(const struct elf_file *e, uint64_t offset, uint64_t size)
{
    return offset <= e->size && size <= e->size - offset;
}

static bool elf_map(struct elf_file *e, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    *e = (struct elf_file){.size = 0};
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size > (off_t)sizeof(Elf64_Ehdr)) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            e->data = data;
            e->size = (uint64_t)st.st_size;
        }
    }
    close(fd);
    return e->data != NULL;
}

static void elf_unmap(struct elf_file *e)
{
    if (e->data != NULL)
        munmap((void *)(uintptr_t)e->data, e->size);
    e->data = NULL;
}

/* The string in the file's bytes, if it ends there; else "". */
static const char *elf_string(const struct bytes *b, uint64_t at)
{
    if (at >= b->size || memchr(b->at + at, 0, b->size - at) == NULL)
        return "";
    return (const char *)b->at + at;
}

static void elf_note(struct elf_file *e, struct bytes note)
{
    Elf64_Nhdr n;
    while (note.size >= sizeof n) {
        memcpy(&n, note.at, sizeof n);
        uint64_t name = sizeof n, desc = name + align_up(n.n_namesz, 4);
        uint64_t end = desc + align_up(n.n_descsz, 4);
        if (end > note.size)
            return;
        if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
            memcmp(note.at + name, "GNU", 4) == 0 &&
            n.n_descsz * 2 < sizeof e->build_id) {
            for (unsigned i = 0; i < n.n_descsz; i++)
                snprintf(e->build_id + (size_t)2 * i, 3, "%02x", note.at[desc + i]);
            return;
        }
        note.at += end;
        note.size -= end;
    }
}

static void elf_section(struct elf_file *e, const char *name, const Elf64_Shdr *h)
{
    struct bytes b = {e->data + h->sh_offset, h->sh_size};
    if (h->sh_type == SHT_NOBITS || (h->sh_flags & SHF_COMPRESSED) != 0 ||
        !elf_holds(e, h->sh_offset, h->sh_size))
        return;
    if (h->sh_type == SHT_NOTE)
        elf_note(e, b);
    else if (strcmp(name, ".debug_line") == 0)
        e->lines.line = b;
    else if (strcmp(name, ".debug_line_str") == 0)
        e->lines.line_str = b;
    else if (strcmp(name, ".debug_str") == 0)
        e->lines.str = b;
    else if (strcmp(name, ".gnu_debuglink") == 0)
        snprintf(e->link, sizeof e->link, "%s", elf_string(&b, 0));
}

/* A table of symbols and its names. */
static void elf_symbols(const struct elf_file *e, const Elf64_Shdr *h,
                        const Elf64_Shdr *names, struct bytes *table,
                        struct bytes *strings)
{
    if (!elf_holds(e, h->sh_offset, h->sh_size) ||
        !elf_holds(e, names->sh_offset, names->sh_size) || h->sh_type == SHT_NOBITS)
        return;
    *table = (struct bytes){e->data + h->sh_offset, h->sh_size};
    *strings = (struct bytes){e->data + names->sh_offset, names->sh_size};
}

static void elf_sections(struct elf_file *e, const Elf64_Ehdr *head)
{
    unsigned count = head->e_shnum;
    if (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shstrndx >= count ||
        !elf_holds(e, head->e_shoff, (uint64_t)count * sizeof(Elf64_Shdr)))
        return;
    Elf64_Shdr *h = take(count * sizeof *h);
    memcpy(h, e->data + head->e_shoff, count * sizeof *h);
    struct bytes names = {NULL, 0}, none;
    elf_symbols(e, &h[head->e_shstrndx], &h[head->e_shstrndx], &names, &none);
    for (unsigned i = 0; i < count; i++) {
        if (h[i].sh_type == SHT_SYMTAB && h[i].sh_link < count)
            elf_symbols(e, &h[i], &h[h[i].sh_link], &e->symtab, &e->symtab_names);
        else if (h[i].sh_type == SHT_DYNSYM && h[i].sh_link < count)
            elf_symbols(e, &h[i], &h[h[i].sh_link], &e->dynsym, &e->dynsym_names);
        else
            elf_section(e, elf_string(&names, h[i].sh_name), &h[i]);
    }
    free(h);
}

/* Where addresses count from, and the build id even without sections. */
static void elf_segments(struct elf_file *e, const Elf64_Ehdr *head)
{
    bool found = false;
    if (head->e_phentsize != sizeof(Elf64_Phdr) ||
        !elf_holds(e, head->e_phoff, (uint64_t)head->e_phnum * sizeof(Elf64_Phdr)))
        return;
    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, e->data + head->e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_LOAD && !found) {
            e->base = align_down(p.p_vaddr, p.p_align > 1 ? 4096 : 1);
            found = true;
        } else if (p.p_type == PT_NOTE && elf_holds(e, p.p_offset, p.p_filesz)) {
            elf_note(e, (struct bytes){e->data + p.p_offset, p.p_filesz});
        }
    }
}

static bool elf_open(struct elf_file *e, const char *path)
{
    Elf64_Ehdr head;
    if (!elf_map(e, path))
        return false;
    memcpy(&head, e->data, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB) {
        elf_unmap(e);
        return false;
    }
    elf_segments(e, &head);
    elf_sections(e, &head);
    return true;
}

/* --- debug files ------------------------------------------------------------ */

/* One that belongs to the file: its build id, if there is one, is the same. */
static bool module_try(struct module *m, const char *path)
{
    struct stat own, other;
    if (stat(m->path, &own) == 0 && stat(path, &other) == 0 &&
        own.st_ino == other.st_ino && own.st_dev == other.st_dev)
        return false;
    if (!elf_open(&m->debug, path))
        return false;
    if (strcmp(m->own.build_id, m->debug.build_id) == 0)
        return true;
    elf_unmap(&m->debug);
    return false;
}

static void module_open_debug(struct module *m)
{
    char path[PATH_MAX + 300];
    const char *id = m->own.build_id, *link = m->own.link;
    const char *slash = strrchr(m->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - m->path);
    if (strlen(id) > 2) {
        snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", DEBUG_ROOT, id,
                 id + 2);
        if (module_try(m, path))
            return;
    }
    if (link[0] == '\0' || strchr(link, '/') != NULL)
        return;
    static const char *const places[][2] = {
        {"", ""}, {"", "/.debug"}, {DEBUG_ROOT, ""}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s%.*s%s/%s", places[i][0], folder, m->path,
                 places[i][1], link);
        if (module_try(m, path))
            return;
    }
}

static struct module *module_find(struct symbols *s, const char *path)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->module[i].path, path) == 0)
            return &s->module[i];
    if (s->count == MODULES_MOST)
        return NULL;
    s->module = must(realloc(s->module, (s->count + 1) * sizeof *s->module));
    struct module *m = &s->module[s->count++];
    *m = (struct module){.path = must(strdup(path))};
    if (elf_open(&m->own, path) &&
        (m->own.symtab.size == 0 || m->own.lines.line.size == 0))
        module_open_debug(m);
    return m;
}

/* --- looking up ------------------------------------------------------------- */

/* The function that holds the address, or the last one before it that has no size. */
static bool table_find(const struct bytes *table, const struct bytes *names,
                       uint64_t address, struct symbol *out)
{
    uint64_t best = 0;
    bool found = false, sized = false;
    for (uint64_t at = 0; table->size - at >= sizeof(Elf64_Sym);
         at += sizeof(Elf64_Sym)) {
        Elf64_Sym y;
        memcpy(&y, table->at + at, sizeof y);
        unsigned type = ELF64_ST_TYPE(y.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) ||
            y.st_shndx == SHN_UNDEF || y.st_shndx >= SHN_LORESERVE ||
            y.st_value > address)
            continue;
        bool holds = address - y.st_value < y.st_size;
        const char *name = elf_string(names, y.st_name);
        if ((!holds && y.st_size != 0) || name[0] == '\0')
            continue;
        if (found && (holds == sized ? y.st_value <= best : sized))
            continue;
        snprintf(out->name, sizeof out->name, "%s", name);
        out->offset = address - y.st_value;
        best = y.st_value;
        found = true;
        sized = holds;
    }
    return found;
}

/* Whether rt_sigreturn is called there: C libraries keep no symbol of it. */
static bool elf_returns_from_signal(const struct elf_file *e, uint64_t offset)
{
    static const unsigned char code[2][9] = {
        {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05},        /* x86-64 */
        {0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0}}; /* aarch64, 8 bytes */
    return (elf_holds(e, offset, 9) && memcmp(e->data + offset, code[0], 9) == 0) ||
           (elf_holds(e, offset, 8) && memcmp(e->data + offset, code[1], 8) == 0);
}

bool symbols_find(struct symbols *s, const char *path, uint64_t offset,
                  struct symbol *out)
{
    *out = (struct symbol){.line = 0};
    struct module *m = module_find(s, path);
    if (m == NULL || m->own.data == NULL)
        return false;
    uint64_t address = m->own.base + offset - 1;
    const struct elf_file *e =
        m->own.symtab.size == 0 && m->debug.data != NULL ? &m->debug : &m->own;
    bool found = table_find(&e->symtab, &e->symtab_names, address, out) ||
                 table_find(&m->own.dynsym, &m->own.dynsym_names, address, out);
    out->offset += found;
    if (m->own.lines.line.size != 0)
        dwarf_line(&m->own.lines, address, out);
    else if (m->debug.data != NULL)
        dwarf_line(&m->debug.lines, address, out);
    out->is_signal = elf_returns_from_signal(&m->own, offset);
    if (!found && out->line == 0)
        snprintf(out->build_id, sizeof out->build_id, "%s", m->own.build_id);
    return found || out->line != 0 || out->build_id[0] != '\0';
}

char *symbols_say(struct symbols *s, const char *path, uint64_t offset,
                  char out[SYMBOL_TEXT])
{
    struct symbol y;
    out[0] = '\0';
    if (!symbols_find(s, path, offset, &y))
        return out;
    if (y.is_signal) {
        snprintf(out, SYMBOL_TEXT, "(a signal came here)");
        return out;
    }
    char *name = text_printable(y.name), *file = text_printable(y.file);
    int length = 0;
    if (name[0] != '\0')
        length = snprintf(out, SYMBOL_TEXT, "%.256s+0x%llx", name,
                          (unsigned long long)y.offset);
    if (y.line != 0)
        snprintf(out + length, SYMBOL_TEXT - (size_t)length, "%s%.256s:%u",
                 length == 0 ? "" : "  ", file, y.line);
    else if (length == 0)
        snprintf(out, SYMBOL_TEXT, "(no symbols, build id %s)", y.build_id);
    free(name);
    free(file);
    return out;
}

/* "    #2  0x5590  /path/of/file+0x1139": where path and offset are; else false. */
static bool line_parse(const char *line, const char **path, int *length,
                       uint64_t *offset)
{
    const char *at = line + strspn(line, " ");
    char *end;
    if (*at != '#')
        return false;
    at = strstr(at, "  /");
    const char *plus = NULL;
    for (const char *p = at; p != NULL && (p = strstr(p, "+0x")) != NULL; p++)
        plus = p;
    if (plus == NULL)
        return false;
    *path = at + 2;
    *length = (int)(plus - *path);
    *offset = strtoull(plus + 3, &end, 16);
    return end != plus + 3 && (*end == '\0' || *end == '\n') && *length < PATH_MAX;
}

void symbols_line(struct symbols *s, const char *line, FILE *out)
{
    const char *at;
    char path[PATH_MAX], said[SYMBOL_TEXT];
    int length;
    uint64_t offset;
    size_t bare = strcspn(line, "\n");
    fwrite(line, 1, bare, out);
    if (line_parse(line, &at, &length, &offset)) {
        memcpy(path, at, (size_t)length);
        path[length] = '\0';
        if (symbols_say(s, path, offset, said)[0] != '\0')
            fprintf(out, "  %s", said);
    }
    fputs(line + bare, out);
}

struct symbols *symbols_open(void)
{
    return take(sizeof(struct symbols));
}

void symbols_close(struct symbols *s)
{
    for (size_t i = 0; i < s->count; i++) {
        elf_unmap(&s->module[i].own);
        elf_unmap(&s->module[i].debug);
        free(s->module[i].path);
    }
    free(s->module);
    free(s);
}
