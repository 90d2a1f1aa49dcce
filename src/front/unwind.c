/* Stacks by tables or frame pointers; see unwind.h. State: the object looked at last. */
#include "front/unwind.h"

#include "front/mapping.h"
#include "os/os.h"

#include <elf.h>
#include <link.h>

#if defined(__aarch64__)
enum { FRAME_POINTER = 29, STACK_POINTER = 31 };
#define ADDRESS_BITS ((UINT64_C(1) << 48) - 1) /* above may be a signature */
#else
enum { FRAME_POINTER = 6, STACK_POINTER = 7 };
#define ADDRESS_BITS UINTPTR_MAX
#endif

enum {
    HEADERS_MOST = 64,
    TABLE_WORDS =
        0x3b,         /* the table of an .eh_frame_hdr that we read: pairs of 4 bytes */
    COUNT_WORD = 0x03 /* relative to it, behind a count of 4 bytes */
};

static struct {
    uintptr_t from, to;    /* code that was looked up last */
    uintptr_t table;       /* .eh_frame_hdr; 0: none */
    struct mapping module; /* large */
} unwind;

static bool unwind_read(uintptr_t at, void *to, size_t bytes)
{
    return os_peek((const void *)at, to, bytes) == bytes;
}

/* Where an object that is mapped at `base` has its table, or 0. */
static uintptr_t unwind_table(uintptr_t base)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) part;
    uintptr_t table = 0, lowest = UINTPTR_MAX;
    if (!unwind_read(base, &head, sizeof head) || head.e_ident[EI_MAG0] != ELFMAG0 ||
        head.e_ident[EI_MAG1] != ELFMAG1 || head.e_phentsize != sizeof part)
        return 0;
    for (unsigned i = 0; i < head.e_phnum && i < HEADERS_MOST; i++) {
        if (!unwind_read(base + head.e_phoff + i * sizeof part, &part, sizeof part))
            return 0;
        if (part.p_type == PT_LOAD && part.p_vaddr < lowest)
            lowest = part.p_vaddr;
        if (part.p_type == PT_GNU_EH_FRAME)
            table = part.p_vaddr;
    }
    lowest &= ~(uintptr_t)(os_page_size() - 1);
    return table == 0 ? 0 : base + table - lowest;
}

/* Knows the object that holds pc. */
static bool unwind_look_up(uintptr_t pc)
{
    if (pc - unwind.from < unwind.to - unwind.from)
        return unwind.table != 0;
    unwind.from = unwind.to = 0;
    if (!mapping_find(pc, &unwind.module))
        return false;
    unwind.from = unwind.module.start;
    unwind.to = unwind.module.end;
    unwind.table = unwind_table(unwind.module.base);
    return unwind.table != 0;
}

/* The entry (FDE) of the function that holds pc, or 0: the last that starts before. */
static uintptr_t unwind_entry(uintptr_t pc)
{
    struct cursor c = cursor_over(unwind.table, unwind.table + 32);
    unsigned version = (unsigned)cursor_word(&c, 1);
    unsigned frames = (unsigned)cursor_word(&c, 1);
    bool is_known = cursor_word(&c, 1) == COUNT_WORD;
    is_known &= cursor_word(&c, 1) == TABLE_WORDS;
    cursor_pointer(&c, frames);
    uint64_t low = 0, high = cursor_word(&c, 4);
    int32_t pair[2] = {0, 0};
    if (version != 1 || !is_known || c.failed)
        return 0;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (!unwind_read(c.at + middle * sizeof pair, pair, sizeof pair))
            return 0;
        if (unwind.table + (uintptr_t)(intptr_t)pair[0] <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || !unwind_read(c.at + (low - 1) * sizeof pair, pair, sizeof pair))
        return 0;
    return unwind.table + (uintptr_t)(intptr_t)pair[1];
}

/* A caller's register by its rule; `frame`: the frame's address. */
static bool unwind_register(const struct unwind *u, struct cfi_rule rule,
                            uintptr_t frame, uintptr_t *value)
{
    uintptr_t at = frame + (uintptr_t)rule.value;
    switch (rule.place) {
    case CFI_SAME:
        return true;
    case CFI_UNDEFINED:
        *value = 0;
        return true;
    case CFI_AT:
        return unwind_read(at, value, sizeof *value);
    case CFI_IS:
        *value = at;
        return true;
    case CFI_IN:
        *value = (uint64_t)rule.value < CFI_REGISTERS ? u->reg[rule.value] : 0;
        return true;
    case CFI_IS_RESULT:
        return cfi_evaluate((uintptr_t)rule.value, u->reg, &frame, value);
    case CFI_AT_RESULT:
        return cfi_evaluate((uintptr_t)rule.value, u->reg, &frame, &at) &&
               unwind_read(at, value, sizeof *value);
    }
    return false;
}

static bool unwind_apply(struct unwind *u, const struct cfi_row *row)
{
    struct unwind next = *u;
    uintptr_t frame = 0;
    if (row->return_register >= CFI_REGISTERS)
        return false;
    if (row->frame_expression != 0) {
        if (!cfi_evaluate(row->frame_expression, u->reg, NULL, &frame))
            return false;
    } else if (row->frame_register < CFI_REGISTERS) {
        frame = u->reg[row->frame_register] + (uintptr_t)row->frame_offset;
    }
    next.reg[STACK_POINTER] = frame;
    for (unsigned i = 0; i < CFI_REGISTERS; i++)
        if (!unwind_register(u, row->rule[i], frame, &next.reg[i]))
            return false;
    if (row->rule[row->return_register].place == CFI_UNDEFINED)
        return false;
    next.pc = next.reg[row->return_register] & ADDRESS_BITS;
    next.is_exact = row->is_signal;
    bool moved = next.reg[STACK_POINTER] != u->reg[STACK_POINTER] || next.pc != u->pc;
    *u = next;
    return moved;
}

static bool unwind_by_frame_pointer(struct unwind *u)
{
    uintptr_t here = u->reg[FRAME_POINTER], stack = u->reg[STACK_POINTER], pair[2];
    if ((here & (sizeof here - 1)) != 0 || here - stack > FRAME_LARGEST ||
        !unwind_read(here, pair, sizeof pair))
        return false;
    u->reg[FRAME_POINTER] = pair[0];
    u->reg[STACK_POINTER] = here + sizeof pair;
    u->pc = pair[1] & ADDRESS_BITS;
    u->is_exact = false;
    return true;
}

bool unwind_step(struct unwind *u)
{
    static struct cfi_row row;
    uintptr_t pc = u->is_exact ? u->pc : u->pc - 1;
    uintptr_t entry = unwind_look_up(pc) ? unwind_entry(pc) : 0;
    bool found = entry != 0 && cfi_find(entry, pc, &row) ? unwind_apply(u, &row)
                                                         : unwind_by_frame_pointer(u);
    return found && u->pc >= os_page_size();
}
