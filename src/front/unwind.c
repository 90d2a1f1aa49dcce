/* Stacks by tables or frame pointers; see unwind.h. State: a mapping, for reports;
 * what libc finds objects with. */
#include "front/unwind.h"

#include "front/mapping.h"
#include "os/os.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

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

#ifdef DLFO_STRUCT_HAS_EH_DBASE
/* glibc's since 2.35: takes no lock. Asked for by name, else the library would not load on
 * older ones; static programs do without. */
/* NOLINTNEXTLINE(readability-redundant-declaration) */
WEAK extern void *dlsym(void *library, const char *name);
static int (*unwind_find_object)(void *address, struct dl_find_object *object);
#endif

static size_t unwind_peek(const struct unwind *u, uintptr_t at, void *to, size_t bytes)
{
    return u->is_direct ? os_peek_own((const void *)at, to, bytes)
                        : os_peek((const void *)at, to, bytes);
}

static bool unwind_read(const struct unwind *u, uintptr_t at, void *to, size_t bytes)
{
    return unwind_peek(u, at, to, bytes) == bytes;
}

/* Of the stack: registers that a function keeps lie side by side. */
static bool unwind_read_stack(struct unwind *u, uintptr_t at, uintptr_t *word)
{
    enum { BEFORE = 64 };
    size_t offset = at - u->window_at;
    if (offset >= u->window_bytes || u->window_bytes - offset < sizeof *word) {
        u->window_at = at - BEFORE;
        u->window_bytes = unwind_peek(u, u->window_at, u->window, sizeof u->window);
        offset = BEFORE;
    }
    if (u->window_bytes < offset + sizeof *word)
        return unwind_read(u, at, word, sizeof *word);
    memcpy(word, u->window + offset, sizeof *word);
    return true;
}

/* Where an object that is mapped at `base` has its table, or 0. */
static uintptr_t unwind_table(const struct unwind *u, uintptr_t base)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) part;
    uintptr_t table = 0, lowest = UINTPTR_MAX;
    if (!unwind_read(u, base, &head, sizeof head) || head.e_ident[EI_MAG0] != ELFMAG0 ||
        head.e_ident[EI_MAG1] != ELFMAG1 || head.e_phentsize != sizeof part)
        return 0;
    for (unsigned i = 0; i < head.e_phnum && i < HEADERS_MOST; i++) {
        if (!unwind_read(u, base + head.e_phoff + i * sizeof part, &part, sizeof part))
            return 0;
        if (part.p_type == PT_LOAD && part.p_vaddr < lowest)
            lowest = part.p_vaddr;
        if (part.p_type == PT_GNU_EH_FRAME)
            table = part.p_vaddr;
    }
    lowest &= ~(uintptr_t)(os_page_size() - 1);
    return table == 0 ? 0 : base + table - lowest;
}

#ifdef DLFO_STRUCT_HAS_EH_DBASE
bool unwind_is_cheap(void)
{
    struct dl_find_object o;
    void *found = dlsym == NULL ? NULL : dlsym(RTLD_DEFAULT, "_dl_find_object");
    memcpy(&unwind_find_object, &found, sizeof found); /* C has no such conversion */
    return found != NULL &&
           unwind_find_object((void *)(uintptr_t)unwind_is_cheap, &o) == 0 &&
           o.dlfo_eh_frame != NULL;
}

static void unwind_ask_libc(struct unwind *u, uintptr_t pc)
{
    struct dl_find_object o;
    if (unwind_find_object((void *)pc, &o) != 0)
        return;
    u->from = (uintptr_t)o.dlfo_map_start;
    u->to = (uintptr_t)o.dlfo_map_end;
    u->table = (uintptr_t)o.dlfo_eh_frame;
}
#else
bool unwind_is_cheap(void)
{
    return false;
}

static void unwind_ask_libc(struct unwind *u, uintptr_t pc)
{
    (void)u;
    (void)pc;
}
#endif

/* Knows the object that holds pc. */
static bool unwind_look_up(struct unwind *u, uintptr_t pc)
{
    static struct mapping module; /* large */
    if (pc - u->from < u->to - u->from)
        return u->table != 0;
    u->from = u->to = u->table = 0;
    if (u->is_direct) {
        unwind_ask_libc(u, pc);
    } else if (mapping_find(pc, &module)) {
        u->from = module.start;
        u->to = module.end;
        u->table = unwind_table(u, module.base);
    }
    return u->table != 0;
}

static bool unwind_read_pair(const struct unwind *u, uintptr_t at, int32_t pair[2])
{
    if (!u->is_direct)
        return unwind_read(u, at, pair, 2 * sizeof pair[0]);
    memcpy(pair, (const void *)at, 2 * sizeof pair[0]);
    return true;
}

/* The entry (FDE) of the function that holds pc, or 0: the last that starts before. */
static uintptr_t unwind_entry(const struct unwind *u, uintptr_t pc)
{
    struct cursor c = cursor_over(u->table, u->table + 32, u->is_direct);
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
        if (!unwind_read_pair(u, c.at + middle * sizeof pair, pair))
            return 0;
        if (u->table + (uintptr_t)(intptr_t)pair[0] <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || !unwind_read_pair(u, c.at + (low - 1) * sizeof pair, pair))
        return 0;
    return u->table + (uintptr_t)(intptr_t)pair[1];
}

/* A caller's register by its rule; `frame`: the frame's address. */
static bool unwind_register(struct unwind *u, struct cfi_rule rule, uintptr_t frame,
                            uintptr_t *value)
{
    const uintptr_t *reg = u->frame.reg;
    uintptr_t at = frame + (uintptr_t)rule.value;
    switch (rule.place) {
    case CFI_SAME:
        return true;
    case CFI_UNDEFINED:
        *value = 0;
        return true;
    case CFI_AT:
        return unwind_read_stack(u, at, value);
    case CFI_IS:
        *value = at;
        return true;
    case CFI_IN:
        *value = (uint64_t)rule.value < CFI_REGISTERS ? reg[rule.value] : 0;
        return true;
    case CFI_IS_RESULT:
        return cfi_evaluate(&u->cfi, (uintptr_t)rule.value, reg, &frame, value);
    case CFI_AT_RESULT:
        return cfi_evaluate(&u->cfi, (uintptr_t)rule.value, reg, &frame, &at) &&
               unwind_read_stack(u, at, value);
    }
    return false;
}

static bool unwind_apply(struct unwind *u)
{
    const struct cfi_row *row = &u->cfi.row;
    struct unwind_frame next = u->frame;
    uintptr_t frame = 0;
    if (row->return_register >= CFI_REGISTERS)
        return false;
    if (row->frame_expression != 0) {
        if (!cfi_evaluate(&u->cfi, row->frame_expression, u->frame.reg, NULL, &frame))
            return false;
    } else if (row->frame_register < CFI_REGISTERS) {
        frame = u->frame.reg[row->frame_register] + (uintptr_t)row->frame_offset;
    }
    next.reg[STACK_POINTER] = frame;
    for (unsigned i = 0; i < CFI_REGISTERS; i++)
        if (!unwind_register(u, row->rule[i], frame, &next.reg[i]))
            return false;
    if (row->rule[row->return_register].place == CFI_UNDEFINED)
        return false;
    next.pc = next.reg[row->return_register] & ADDRESS_BITS;
    next.is_exact = row->is_signal;
    bool moved = next.reg[STACK_POINTER] != u->frame.reg[STACK_POINTER] ||
                 next.pc != u->frame.pc;
    u->frame = next;
    return moved;
}

static bool unwind_by_frame_pointer(struct unwind *u)
{
    struct unwind_frame *f = &u->frame;
    uintptr_t here = f->reg[FRAME_POINTER], stack = f->reg[STACK_POINTER], pair[2];
    if ((here & (sizeof here - 1)) != 0 || here - stack > FRAME_LARGEST ||
        !unwind_read(u, here, pair, sizeof pair))
        return false;
    f->reg[FRAME_POINTER] = pair[0];
    f->reg[STACK_POINTER] = here + sizeof pair;
    f->pc = pair[1] & ADDRESS_BITS;
    f->is_exact = false;
    return true;
}

/* Where the kernel puts a signal's ucontext_t, from the stack pointer of the code that the
 * handler returns to, which has no tables everywhere: it is known by its instructions. And
 * the registers in it, in the order of `reg`. */
#if defined(__aarch64__)
static const uint32_t unwind_return[] = {0xd2801168, 0xd4000001}; /* mov x8, 139; svc */
enum { CONTEXT_AT = sizeof(siginfo_t) };
enum { KEPT_AT = offsetof(ucontext_t, uc_mcontext.regs), KEPT_PC = 32 };
static unsigned unwind_kept(unsigned reg)
{
    return reg;
}
#elif defined(__x86_64__) && !defined(__ILP32__)
static const uint8_t unwind_return[] = {/* mov $15, %rax; syscall */
                                        0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};
enum { CONTEXT_AT = 0 };
enum { KEPT_AT = offsetof(ucontext_t, uc_mcontext.gregs), KEPT_PC = REG_RIP };
static unsigned unwind_kept(unsigned reg)
{
    static const uint8_t kept[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                   REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                   REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    return kept[reg];
}
#else
static const uint8_t unwind_return[1];
enum { CONTEXT_AT = 0, KEPT_AT = 0, KEPT_PC = 0 }; /* not known */
static unsigned unwind_kept(unsigned reg)
{
    return reg;
}
#endif

/* Out of a signal's handler, on to the instruction that it interrupted. */
static bool unwind_by_context(struct unwind *u)
{
    struct unwind_frame *f = &u->frame;
    unsigned char code[sizeof unwind_return];
    uintptr_t kept[CFI_REGISTERS], at = f->reg[STACK_POINTER] + CONTEXT_AT + KEPT_AT;
    if (KEPT_PC == 0 || !unwind_read(u, f->pc, code, sizeof code) ||
        memcmp(code, unwind_return, sizeof code) != 0 ||
        !unwind_read(u, at, kept, sizeof kept))
        return false;
    for (unsigned i = 0; i < CFI_REGISTERS; i++)
        f->reg[i] = kept[unwind_kept(i)];
    f->pc = kept[KEPT_PC] & ADDRESS_BITS;
    f->is_exact = true;
    return true;
}

bool unwind_step(struct unwind *u)
{
    struct unwind_frame *f = &u->frame;
    uintptr_t pc = f->is_exact ? f->pc : f->pc - 1;
    uintptr_t entry = unwind_look_up(u, pc) ? unwind_entry(u, pc) : 0;
    bool found = entry != 0 && cfi_find(&u->cfi, entry, pc)
                     ? unwind_apply(u)
                     : unwind_by_context(u) || unwind_by_frame_pointer(u);
    return found && f->pc >= os_page_size();
}
