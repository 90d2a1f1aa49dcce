/* A look into the kernel's shared object; see os_vdso.h. No state. */
#include "os/os_vdso.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#if defined(__aarch64__)
static const char vdso_name[] = "__kernel_clock_gettime";
#else
static const char vdso_name[] = "__vdso_clock_gettime";
#endif

/* What its dynamic section tells. */
struct vdso_tables {
    const char *names;
    const ElfW(Sym) * symbols;
    size_t count;
};

/* How many symbols there are: the tables lie one behind the other, as linkers have laid them
 * since there are vdsos; a hash table would have to be one of two kinds. */
static size_t vdso_count(const struct vdso_tables *t)
{
    uintptr_t from = (uintptr_t)t->symbols, to = (uintptr_t)t->names;
    return to > from ? (to - from) / sizeof *t->symbols : 0;
}

static struct vdso_tables vdso_read(uintptr_t bias, const ElfW(Dyn) * entry)
{
    struct vdso_tables t = {NULL, NULL, 0};
    for (; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_STRTAB)
            t.names = (const char *)(bias + entry->d_un.d_ptr);
        else if (entry->d_tag == DT_SYMTAB)
            t.symbols = (const ElfW(Sym) *)(bias + entry->d_un.d_ptr);
    }
    if (t.names != NULL && t.symbols != NULL)
        t.count = vdso_count(&t);
    return t;
}

vdso_clock *vdso_find_clock(void)
{
    const ElfW(Ehdr) *head = (const ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);
    const ElfW(Dyn) *dynamic = NULL;
    uintptr_t bias = (uintptr_t)head;
    if (head == NULL)
        return NULL;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)((uintptr_t)head + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++, part++) {
        if (part->p_type == PT_LOAD)
            bias = (uintptr_t)head + part->p_offset - part->p_vaddr;
        else if (part->p_type == PT_DYNAMIC)
            dynamic = (const ElfW(Dyn) *)((uintptr_t)head + part->p_offset);
    }
    if (dynamic == NULL)
        return NULL;
    struct vdso_tables t = vdso_read(bias, dynamic);
    for (size_t i = 0; i < t.count; i++)
        if (t.symbols[i].st_shndx != SHN_UNDEF &&
            strcmp(t.names + t.symbols[i].st_name, vdso_name) == 0)
            return (vdso_clock *)(bias + t.symbols[i].st_value);
    return NULL;
}
