/* A dynamic symbol of an ELF file as it lies in memory; see source.h. No state. */
#include "source.h"

#include <elf.h>

enum { PROGRAMS_MAX = 128, DYNAMIC_MAX = 512, CHAIN_MAX = 1 << 20 };

struct elf_tables {
    uint64_t bias; /* load address - addresses in the file */
    uint64_t symbols;
    uint64_t strings;
    uint64_t gnu_hash;
    uint64_t hash;
};

static uint32_t elf_gnu_hash(const char *name)
{
    uint32_t h = 5381;
    for (; *name != '\0'; name++)
        h = h * 33 + (unsigned char)*name;
    return h;
}

/* Tables hold addresses that the dynamic linker may have relocated in place, or not. */
static uint64_t elf_place(const struct elf_tables *t, uint64_t value)
{
    return value < t->bias ? value + t->bias : value;
}

static bool elf_dynamic(struct reader *r, uint64_t at, struct elf_tables *t)
{
    for (unsigned i = 0; i < DYNAMIC_MAX; i++, at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn d;
        if (!reader_get(r, at, &d, sizeof d) || d.d_tag == DT_NULL)
            break;
        if (d.d_tag == DT_SYMTAB)
            t->symbols = elf_place(t, d.d_un.d_ptr);
        else if (d.d_tag == DT_STRTAB)
            t->strings = elf_place(t, d.d_un.d_ptr);
        else if (d.d_tag == DT_GNU_HASH)
            t->gnu_hash = elf_place(t, d.d_un.d_ptr);
        else if (d.d_tag == DT_HASH)
            t->hash = elf_place(t, d.d_un.d_ptr);
    }
    return t->symbols != 0 && t->strings != 0;
}

static bool elf_open(struct reader *r, uint64_t base, struct elf_tables *t)
{
    Elf64_Ehdr e;
    uint64_t dynamic = 0, first = UINT64_MAX;
    if (!reader_get(r, base, &e, sizeof e) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
        e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_phentsize != sizeof(Elf64_Phdr) ||
        e.e_phnum > PROGRAMS_MAX)
        return false;
    for (unsigned i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        if (!reader_get(r, base + e.e_phoff + i * sizeof p, &p, sizeof p))
            return false;
        if (p.p_type == PT_LOAD && p.p_vaddr - p.p_offset < first)
            first = p.p_vaddr - p.p_offset;
        if (p.p_type == PT_DYNAMIC)
            dynamic = p.p_vaddr;
    }
    if (dynamic == 0 || first == UINT64_MAX)
        return false;
    t->bias = base - first;
    return elf_dynamic(r, dynamic + t->bias, t);
}

/* The value of symbol `index` if that is its name; 0 else. */
static uint64_t elf_match(struct reader *r, const struct elf_tables *t, uint32_t index,
                          const char *name)
{
    Elf64_Sym s;
    char text[64];
    size_t length = strlen(name) + 1;
    if (length > sizeof text ||
        !reader_get(r, t->symbols + (uint64_t)index * sizeof s, &s, sizeof s) ||
        s.st_shndx == SHN_UNDEF || s.st_value == 0 ||
        !reader_get(r, t->strings + s.st_name, text, length))
        return 0;
    return memcmp(text, name, length) == 0 ? t->bias + s.st_value : 0;
}

static uint64_t elf_find_gnu(struct reader *r, const struct elf_tables *t,
                             const char *name)
{
    uint32_t head[4]; /* buckets, first symbol, bloom words, bloom shift */
    uint32_t hash = elf_gnu_hash(name), index, entry;
    if (!reader_get(r, t->gnu_hash, head, sizeof head) || head[0] == 0)
        return 0;
    uint64_t buckets = t->gnu_hash + sizeof head + 8 * (uint64_t)head[2];
    uint64_t chains = buckets + 4 * (uint64_t)head[0];
    if (!reader_get(r, buckets + 4 * (uint64_t)(hash % head[0]), &index,
                    sizeof index) ||
        index < head[1])
        return 0;
    for (unsigned i = 0; i < CHAIN_MAX; i++, index++) {
        if (!reader_get(r, chains + 4 * (uint64_t)(index - head[1]), &entry,
                        sizeof entry))
            return 0;
        if ((entry | 1) == (hash | 1)) {
            uint64_t value = elf_match(r, t, index, name);
            if (value != 0)
                return value;
        }
        if ((entry & 1) != 0)
            return 0;
    }
    return 0;
}

static uint64_t elf_find_plain(struct reader *r, const struct elf_tables *t,
                               const char *name)
{
    uint32_t head[2]; /* buckets, symbols */
    if (!reader_get(r, t->hash, head, sizeof head) || head[1] > CHAIN_MAX)
        return 0;
    for (uint32_t i = 1; i < head[1]; i++) {
        uint64_t value = elf_match(r, t, i, name);
        if (value != 0)
            return value;
    }
    return 0;
}

uint64_t elf_symbol(struct reader *r, uint64_t base, const char *name)
{
    struct elf_tables t = {0, 0, 0, 0, 0};
    if (!elf_open(r, base, &t))
        return 0;
    if (t.gnu_hash != 0)
        return elf_find_gnu(r, &t, name);
    return t.hash != 0 ? elf_find_plain(r, &t, name) : 0;
}
