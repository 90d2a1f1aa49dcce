/* Rules of .eh_frame; see cfi.h. No state. */
#include "front/cfi.h"

#include "base/bits.h"
#include "os/os.h"

enum {
    DEPTH = 8,           /* words on an expression's stack */
    LONGEST = 64 * 1024, /* bytes of an entry */
    ENCODED_SIZE = 0x0f, /* of an encoded pointer: its size and sign, */
    ENCODED_RELATIVE = 0x10,
    ENCODED_KIND = 0x70 /* and what it is relative to */
};

struct cursor cursor_over(uintptr_t from, uintptr_t to, bool is_direct)
{
    struct cursor c; /* its window is as it is */
    c.at = from;
    c.end = to;
    c.is_direct = is_direct;
    c.failed = false;
    c.window_at = 0;
    c.window_bytes = 0;
    return c;
}

static ALWAYS_INLINE uint8_t cursor_byte(struct cursor *c)
{
    if (c->at >= c->end || c->failed) {
        c->failed = true;
        return 0;
    }
    if (c->is_direct)
        return *(const unsigned char *)c->at++;
    if (c->at - c->window_at >= c->window_bytes) {
        c->window_at = c->at;
        c->window_bytes = os_peek((const void *)c->at, c->window,
                                  min_size(sizeof c->window, c->end - c->at));
        c->failed = c->window_bytes == 0;
    }
    return c->failed ? 0 : c->window[c->at++ - c->window_at];
}

uint64_t cursor_word(struct cursor *c, unsigned bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < bytes; i++)
        word |= (uint64_t)cursor_byte(c) << (8 * i);
    return word;
}

static int64_t cursor_signed(struct cursor *c, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;
    return (int64_t)(cursor_word(c, bytes) << unused) >> unused;
}

uint64_t cursor_uleb(struct cursor *c)
{
    uint64_t value = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && shift < 64; shift += 7) {
        byte = cursor_byte(c);
        value |= (uint64_t)(byte & 0x7f) << shift;
    }
    return value;
}

int64_t cursor_sleb(struct cursor *c)
{
    uint64_t value = 0;
    uint8_t byte = 0x80;
    unsigned shift = 0;
    for (; (byte & 0x80) != 0 && shift < 64; shift += 7) {
        byte = cursor_byte(c);
        value |= (uint64_t)(byte & 0x7f) << shift;
    }
    if ((byte & 0x40) != 0 && shift < 64)
        value |= ~0ULL << shift;
    return (int64_t)value;
}

uintptr_t cursor_pointer(struct cursor *c, unsigned encoding)
{
    uintptr_t here = c->at, value = 0;
    switch (encoding & ENCODED_SIZE) {
    case 0x00:
    case 0x04:
    case 0x0c:
        value = cursor_word(c, 8);
        break;
    case 0x01:
        value = cursor_uleb(c);
        break;
    case 0x02:
        value = cursor_word(c, 2);
        break;
    case 0x03:
        value = cursor_word(c, 4);
        break;
    case 0x09:
        value = (uintptr_t)cursor_sleb(c);
        break;
    case 0x0a:
        value = (uintptr_t)cursor_signed(c, 2);
        break;
    case 0x0b:
        value = (uintptr_t)cursor_signed(c, 4);
        break;
    default:
        c->failed = true;
    }
    if ((encoding & ENCODED_KIND) == ENCODED_RELATIVE)
        return here + value;
    c->failed |= (encoding & ENCODED_KIND) != 0;
    return value;
}

/* What an entry's instructions are read with. */
struct cfi_code {
    struct cfi *cfi;
    struct cursor cursor;
    uint64_t code_step; /* units of addresses, of offsets */
    int64_t data_step;
    unsigned encoding; /* of pointers */
    uintptr_t location;
};

/* An entry's length; the cursor ends where it does. */
static struct cursor cfi_entry(uintptr_t at, bool is_direct)
{
    struct cursor c = cursor_over(at, at + 4, is_direct);
    uint64_t length = cursor_word(&c, 4);
    c.end = at + 4 + length;
    c.failed |= length == 0 || length > LONGEST;
    return c;
}

/* The common part (CIE) of entries; leaves the cursor at its instructions. True if its
 * entries carry bytes of their own that have a length. */
static bool cfi_common(struct cfi_code *code, uintptr_t at)
{
    struct cfi_row *row = &code->cfi->row;
    struct cursor *c = &code->cursor;
    char letters[8];
    unsigned count = 0;
    *c = cfi_entry(at, code->cfi->is_direct);
    c->failed |= cursor_word(c, 4) != 0;
    unsigned version = cursor_byte(c);
    while ((letters[count] = (char)cursor_byte(c)) != '\0' &&
           count + 1 < sizeof letters)
        count++;
    code->code_step = cursor_uleb(c);
    code->data_step = cursor_sleb(c);
    row->return_register = version == 1 ? cursor_byte(c) : cursor_uleb(c);
    code->encoding = 0;
    if (letters[0] != 'z') {
        c->failed |= count != 0;
        return false;
    }
    uint64_t bytes = cursor_uleb(c);
    uintptr_t instructions = c->at + bytes;
    for (unsigned i = 1; i < count; i++) {
        if (letters[i] == 'R')
            code->encoding = cursor_byte(c);
        else if (letters[i] == 'P')
            cursor_pointer(c, cursor_byte(c) & ENCODED_SIZE);
        else if (letters[i] == 'L')
            cursor_byte(c);
        else
            row->is_signal |= letters[i] == 'S';
    }
    c->failed |= instructions > c->end;
    c->at = instructions;
    return true;
}

static struct cfi_rule *cfi_rule_of(struct cfi *cfi, uint64_t reg)
{
    return reg < CFI_REGISTERS ? &cfi->row.rule[reg] : &cfi->other;
}

static void cfi_set(struct cfi *cfi, uint64_t reg, enum cfi_place place, int64_t value)
{
    *cfi_rule_of(cfi, reg) = (struct cfi_rule){place, value};
}

/* As it was after the common instructions. */
static void cfi_restore(struct cfi *cfi, uint64_t reg)
{
    if (reg < CFI_REGISTERS)
        cfi->row.rule[reg] = cfi->first.rule[reg];
}

/* Where an expression starts; the cursor goes behind it. */
static uintptr_t cfi_expression(struct cursor *c)
{
    uintptr_t at = c->at;
    uint64_t bytes = cursor_uleb(c);
    c->failed |= bytes > c->end - c->at;
    c->at += bytes;
    return at;
}

/* An offset in its units. */
static int64_t cfi_scaled(const struct cfi_code *code, uint64_t units)
{
    return (int64_t)(units * (uint64_t)code->data_step);
}

/* Instructions that change where the frame's address comes from; false: none of them. */
static bool cfi_frame(struct cfi_code *code, unsigned op)
{
    struct cfi_row *row = &code->cfi->row;
    struct cursor *c = &code->cursor;
    if (op == 0x0f) {
        row->frame_expression = cfi_expression(c);
        return true;
    }
    if (op == 0x0c || op == 0x0d || op == 0x12) {
        row->frame_register = cursor_uleb(c);
        row->frame_expression = 0;
    }
    if (op == 0x0c || op == 0x0e)
        row->frame_offset = (int64_t)cursor_uleb(c);
    else if (op == 0x12 || op == 0x13)
        row->frame_offset = cfi_scaled(code, (uint64_t)cursor_sleb(c));
    return (op >= 0x0c && op <= 0x0e) || op == 0x12 || op == 0x13;
}

/* Those that name a register first. */
static void cfi_place_register(struct cfi_code *code, unsigned op)
{
    struct cursor *c = &code->cursor;
    struct cfi *cfi = code->cfi;
    uint64_t reg = cursor_uleb(c);
    if (op == 0x05)
        cfi_set(cfi, reg, CFI_AT, cfi_scaled(code, cursor_uleb(c)));
    else if (op == 0x06)
        cfi_restore(cfi, reg);
    else if (op == 0x07)
        cfi_set(cfi, reg, CFI_UNDEFINED, 0);
    else if (op == 0x08)
        cfi_set(cfi, reg, CFI_SAME, 0);
    else if (op == 0x09)
        cfi_set(cfi, reg, CFI_IN, (int64_t)cursor_uleb(c));
    else if (op == 0x10)
        cfi_set(cfi, reg, CFI_AT_RESULT, (int64_t)cfi_expression(c));
    else if (op == 0x11)
        cfi_set(cfi, reg, CFI_AT, cfi_scaled(code, (uint64_t)cursor_sleb(c)));
    else if (op == 0x14)
        cfi_set(cfi, reg, CFI_IS, cfi_scaled(code, cursor_uleb(c)));
    else if (op == 0x15)
        cfi_set(cfi, reg, CFI_IS, cfi_scaled(code, (uint64_t)cursor_sleb(c)));
    else if (op == 0x16)
        cfi_set(cfi, reg, CFI_IS_RESULT, (int64_t)cfi_expression(c));
    else
        c->failed = true;
}

/* An instruction without an operand in its first byte. */
static void cfi_plain(struct cfi_code *code, unsigned op)
{
    struct cursor *c = &code->cursor;
    struct cfi *cfi = code->cfi;
    switch (op) {
    case 0x00: /* nothing */
    case 0x2d: /* return addresses are signed from here on, or not: see unwind.c */
        break;
    case 0x01:
        code->location = cursor_pointer(c, code->encoding);
        break;
    case 0x02:
    case 0x03:
    case 0x04:
        code->location += cursor_word(c, 1U << (op - 2)) * code->code_step;
        break;
    case 0x0a:
        if (cfi->count < CFI_DEPTH)
            cfi->kept[cfi->count++] = cfi->row;
        else
            c->failed = true;
        break;
    case 0x0b:
        if (cfi->count != 0)
            cfi->row = cfi->kept[--cfi->count];
        else
            c->failed = true;
        break;
    case 0x2e: /* how much the arguments take */
        cursor_uleb(c);
        break;
    default:
        if (!cfi_frame(code, op))
            cfi_place_register(code, op);
    }
}

/* Goes through instructions as far as they are about `pc`. */
static void cfi_run(struct cfi_code *code, uintptr_t pc)
{
    struct cursor *c = &code->cursor;
    while (c->at < c->end && !c->failed && code->location <= pc) {
        unsigned op = cursor_byte(c), low = op & 0x3f;
        if (op >> 6 == 1)
            code->location += low * code->code_step;
        else if (op >> 6 == 2)
            cfi_set(code->cfi, low, CFI_AT, cfi_scaled(code, cursor_uleb(c)));
        else if (op >> 6 == 3)
            cfi_restore(code->cfi, low);
        else
            cfi_plain(code, low);
    }
}

bool cfi_find(struct cfi *cfi, uintptr_t entry, uintptr_t pc)
{
    struct cfi_code code = {.cfi = cfi, .location = 0};
    struct cursor c = cfi_entry(entry, cfi->is_direct);
    uintptr_t here = c.at;
    uintptr_t common = here - cursor_word(&c, 4);
    cfi->row = (struct cfi_row){.frame_offset = 0};
    bool has_bytes = cfi_common(&code, common);
    uintptr_t from = cursor_pointer(&c, code.encoding);
    uintptr_t length = cursor_pointer(&c, code.encoding & ENCODED_SIZE);
    if (has_bytes) {
        uint64_t bytes = cursor_uleb(&c);
        c.at += bytes;
    }
    if (c.failed || code.cursor.failed || pc - from >= length)
        return false;
    cfi->count = 0;
    cfi_run(&code, UINTPTR_MAX);
    cfi->first = cfi->row;
    if (code.cursor.failed)
        return false;
    code.cursor = c;
    code.location = from;
    cfi_run(&code, pc);
    return !code.cursor.failed;
}

/* An expression's stack: the words on top of it. */
struct cfi_stack {
    uintptr_t word[DEPTH];
    unsigned count;
};

static void cfi_push(struct cfi_stack *s, struct cursor *c, uintptr_t word)
{
    if (s->count < DEPTH)
        s->word[s->count++] = word;
    else
        c->failed = true;
}

static uintptr_t cfi_pop(struct cfi_stack *s, struct cursor *c)
{
    if (s->count != 0)
        return s->word[--s->count];
    c->failed = true;
    return 0;
}

/* Of two words. */
static void cfi_combine(struct cfi_stack *s, struct cursor *c, unsigned op)
{
    uintptr_t second = cfi_pop(s, c), first = cfi_pop(s, c), result = 0;
    if (op == 0x1a)
        result = first & second;
    else if (op == 0x1c)
        result = first - second;
    else if (op == 0x22)
        result = first + second;
    else if (op == 0x24)
        result = second < 64 ? first << second : 0;
    else if (op == 0x2a)
        result = (intptr_t)first >= (intptr_t)second;
    else
        c->failed = true;
    cfi_push(s, c, result);
}

/* The operations that frames of signals and of procedure linkage tables are made of. */
static void cfi_operate(struct cfi_stack *s, struct cursor *c, unsigned op,
                        const uintptr_t reg[CFI_REGISTERS])
{
    uintptr_t word = 0;
    if (op == 0x06) {
        uintptr_t at = cfi_pop(s, c);
        size_t got = c->is_direct ? os_peek_own((const void *)at, &word, sizeof word)
                                  : os_peek((const void *)at, &word, sizeof word);
        c->failed |= got != sizeof word;
    } else if (op == 0x08) {
        word = cursor_word(c, 1);
    } else if (op == 0x23) {
        word = cfi_pop(s, c) + cursor_uleb(c);
    } else if (op >= 0x30 && op < 0x50) {
        word = op - 0x30;
    } else if (op >= 0x70 && op < 0x90 && op - 0x70 < CFI_REGISTERS) {
        word = reg[op - 0x70] + (uintptr_t)cursor_sleb(c);
    } else {
        cfi_combine(s, c, op);
        return;
    }
    cfi_push(s, c, word);
}

bool cfi_evaluate(const struct cfi *cfi, uintptr_t at,
                  const uintptr_t reg[CFI_REGISTERS], const uintptr_t *start,
                  uintptr_t *result)
{
    struct cfi_stack s = {.count = 0};
    struct cursor c = cursor_over(at, at + 10, cfi->is_direct);
    uint64_t bytes = cursor_uleb(&c);
    c.end = c.at + bytes;
    c.failed |= bytes > LONGEST;
    if (start != NULL)
        cfi_push(&s, &c, *start);
    while (c.at < c.end && !c.failed)
        cfi_operate(&s, &c, cursor_byte(&c), reg);
    *result = cfi_pop(&s, &c);
    return !c.failed;
}
