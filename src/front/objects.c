/* Loaded objects; see objects.h. State: that operators were seen. */
#include "front/objects.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static _Atomic bool objects_had_operators;

/* What an object's dynamic section tells; NULL: nothing. */
struct object {
    const ElfW(Sym) * symbols;
    const char *strings;
    const char *soname;
    const uint32_t *hash;     /* buckets, symbols */
    const uint32_t *gnu_hash; /* buckets, first symbol, bloom words, bloom shift */
};

/* Behind `part` if the text begins with it; else the text. */
static const char *objects_skip(const char *text, const char *part)
{
    size_t length = strlen(part);
    return strncmp(text, part, length) == 0 ? text + length : text;
}

/* One of the forms that a program may replace; placement new is none. */
static bool objects_is_operator(const char *name)
{
    if (strncmp(name, "_Znwm", 5) == 0 || strncmp(name, "_Znam", 5) == 0)
        name += 5;
    else if (strncmp(name, "_ZdlPv", 6) == 0 || strncmp(name, "_ZdaPv", 6) == 0)
        name = objects_skip(name + 6, "m");
    else
        return false;
    name = objects_skip(name, "St11align_val_t");
    name = objects_skip(name, "RKSt9nothrow_t");
    return *name == '\0';
}

static bool objects_defines_operator(const struct object *o, uint32_t index)
{
    const ElfW(Sym) *s = &o->symbols[index];
    return s->st_shndx != SHN_UNDEF && objects_is_operator(o->strings + s->st_name);
}

/* The newer table has all that is defined, and does not tell how many that are. */
static bool objects_search_gnu(const struct object *o)
{
    const uint32_t *table = o->gnu_hash, buckets = table[0], first = table[1];
    const uint32_t *bucket = table + 4 + table[2] * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chain = bucket + buckets;
    for (uint32_t i = 0; i < buckets; i++) {
        if (bucket[i] == 0 || bucket[i] < first)
            continue; /* empty */
        for (uint32_t index = bucket[i];; index++) {
            if (objects_defines_operator(o, index))
                return true;
            if ((chain[index - first] & 1) != 0)
                break;
        }
    }
    return false;
}

static bool objects_search(const struct object *o)
{
    if (o->symbols == NULL || o->strings == NULL)
        return false;
    if (o->gnu_hash != NULL)
        return objects_search_gnu(o);
    for (uint32_t i = 1; o->hash != NULL && i < o->hash[1]; i++)
        if (objects_defines_operator(o, i))
            return true;
    return false;
}

/* Of a linker that puts addresses in place, or not. */
static const void *objects_at(uintptr_t bias, const ElfW(Dyn) * entry)
{
    uintptr_t at = entry->d_un.d_ptr;
    return (const void *)(at < bias ? at + bias : at);
}

static struct object objects_read(uintptr_t bias, const ElfW(Dyn) * entry)
{
    struct object o = {NULL, NULL, NULL, NULL, NULL};
    size_t soname = 0;
    for (; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SYMTAB)
            o.symbols = objects_at(bias, entry);
        else if (entry->d_tag == DT_STRTAB)
            o.strings = objects_at(bias, entry);
        else if (entry->d_tag == DT_GNU_HASH)
            o.gnu_hash = objects_at(bias, entry);
        else if (entry->d_tag == DT_HASH)
            o.hash = objects_at(bias, entry);
        else if (entry->d_tag == DT_SONAME)
            soname = entry->d_un.d_val;
    }
    o.soname = soname == 0 || o.strings == NULL ? "" : o.strings + soname;
    return o;
}

static bool objects_is_library_of_cxx(const struct object *o)
{
    return strncmp(o->soname, "libstdc++", 9) == 0 ||
           strncmp(o->soname, "libc++", 6) == 0; /* and libc++abi */
}

/* For dl_iterate_phdr: not 0 ends it. */
static int objects_visit(struct dl_phdr_info *info, size_t bytes, void *unused)
{
    const ElfW(Dyn) *dynamic = NULL;
    (void)bytes;
    (void)unused;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_DYNAMIC)
            dynamic = (const ElfW(Dyn) *)start;
        else if (part->p_type == PT_LOAD &&
                 (uintptr_t)objects_have_operators - start < part->p_memsz)
            return 0; /* Chunky's own */
    }
    if (dynamic == NULL)
        return 0;
    struct object o = objects_read(info->dlpi_addr, dynamic);
    return !objects_is_library_of_cxx(&o) && objects_search(&o);
}

bool objects_have_operators(void)
{
    if (atomic_load_explicit(&objects_had_operators, memory_order_relaxed))
        return true;
    if (dl_iterate_phdr(objects_visit, NULL) == 0)
        return false;
    atomic_store_explicit(&objects_had_operators, true, memory_order_relaxed);
    return true;
}
