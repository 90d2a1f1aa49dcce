/* Findings; see report.h and base/check.h. */
#include "front/report.h"

#include "base/probe.h"
#include "base/check.h"
#include "front/canary.h"
#include "front/checked.h"
#include "front/fault.h"
#include "front/frames.h"
#include "front/guard.h"
#include "front/locate.h"
#include "front/mapping.h"
#include "front/options.h"
#include "front/snapshot.h"
#include "os/os.h"

#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REPORT_ROOM = 8000, ROW = 16, ROWS_BEFORE = 1, ROWS_MOST = 4 };

enum { REPORT_WAIT_NS = 1000000, REPORT_NAME = REPORT_PATH + 32 };

#define SNAPSHOT_SUFFIX ".snap"

static bool report_has_snapshot; /* or it was tried */

static _Atomic uint32_t report_thread; /* who reports; given back by go_on only */
static _Atomic unsigned report_survived;
static char report_buffer[REPORT_ROOM];
static struct text report = {report_buffer, sizeof report_buffer, 0};
static struct located report_located;

char report_path[REPORT_PATH];
char report_relay[REPORT_RELAY];
_Atomic unsigned report_go_on;

void report_is_last(void)
{
    report_go_on = 0;
}

/* True: it is to be told. The first finding gets through. Later ones of other threads wait
 * for the abort, or their turn; one inside the report itself leaves a line and ends the
 * process. */
static bool report_enter(const char *rule)
{
    uint32_t none = 0, self = os_thread_id();
    struct timespec wait = {0, REPORT_WAIT_NS};
    PROBE1(finding, (uintptr_t)rule);
    while (!atomic_compare_exchange_strong(&report_thread, &none, self)) {
        if (none == self) {
            say_bytes(2, report.data, report.length);
            say(2, "chunky: %s (while the report was made)\n", rule);
            abort();
        }
        none = 0;
        nanosleep(&wait, NULL);
    }
    unsigned most = report_go_on;
    if (most == 0 || report_survived++ < most)
        return true;
    report_thread = 0;
    return false;
}

static const char *report_state(const struct view *v)
{
    switch (v->kind) {
    case VIEW_LIVE:
        return "in use";
    case VIEW_IDLE:
        return "free";
    case VIEW_TOP:
        return "top, free";
    case VIEW_FENCE:
        return "end of the heap";
    default:
        return "HEADER OVERWRITTEN";
    }
}

static void report_view(const char *label, const struct view *v)
{
    if (v->chunk == 0)
        return;
    text_add(&report, "  %-7s chunk %p  size 0x%zx  %c%c%c%c  %s", label,
             (void *)v->chunk, v->size, (v->bits & NON_MAIN_ARENA) != 0 ? 'A' : '-',
             (v->bits & IS_MMAPPED) != 0 ? 'M' : '-',
             (v->bits & PREV_INUSE) != 0 ? 'P' : '-',
             (v->bits & HAS_REQUEST) != 0 ? 'R' : '-', report_state(v));
    if (v->kind == VIEW_LIVE)
        text_add(&report, ", %zu bytes %s", v->bytes, v->recorded ? "asked" : "usable");
    text_add(&report, "\n");
}

/* One row of memory, and below it marks under what is not as it should be. */
static void report_row(uintptr_t row, const struct finding *f)
{
    unsigned char bytes[ROW];
    char marks[3 * ROW + 1];
    unsigned marked = 0;
    size_t got = os_peek((const void *)row, bytes, ROW);
    text_add(&report, "    %p ", (void *)row);
    for (unsigned i = 0; i < ROW; i++) {
        size_t at = row + i - f->boundary;
        bool wrong = i < got && at < f->length && bytes[i] != f->expected[at];
        marks[3 * i] = ' ';
        marks[3 * i + 1] = marks[3 * i + 2] = wrong ? '^' : ' ';
        if (wrong)
            marked = 3 * i + 3;
        if (i < got)
            text_add(&report, " %02x", bytes[i]);
        else
            text_add(&report, " ??");
    }
    text_add(&report, "  |");
    for (unsigned i = 0; i < got; i++)
        text_add(&report, "%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
    text_add(&report, "|\n");
    if (marked != 0) {
        marks[marked] = '\0';
        text_add(&report, "    %18s%s\n", "", marks);
    }
}

static void report_memory(const struct finding *f, uintptr_t around, size_t length)
{
    uintptr_t row = align_down(around, ROW) - ROWS_BEFORE * ROW;
    text_add(&report, "  memory around %p%s\n", (void *)around,
             f->length != 0 ? "  (^^: not as Chunky left it)" : "");
    for (unsigned i = 0; i < ROWS_MOST && row < around + max_size(length, ROW); i++) {
        report_row(row, f);
        row += ROW;
    }
}

static void report_frames(const char *title, const struct frames *f)
{
    if (f->thread == 0 || f->count == 0)
        return;
    unsigned number = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        struct mapping m;
        /* Where there are no frame pointers, anything may have been taken for one. */
        if (!mapping_find(f->pc[i], &m) || (m.access & MAPPING_CODE) == 0)
            continue;
        if (number == 0)
            text_add(&report, "  %s, thread %u\n", title, f->thread);
        text_add(&report, "    #%-2u %p  %s+0x%zx\n", number++, (void *)f->pc[i],
                 m.name[0] == '\0' ? "?" : m.name, f->pc[i] - m.base);
    }
}

/* The address in terms of a block. */
static void report_offset(uintptr_t address, uintptr_t mem, size_t bytes,
                          const char *what)
{
    if (address < mem)
        text_add(&report, "%zu bytes before a %s of %zu bytes", mem - address, what,
                 bytes);
    else if (address - mem >= bytes && address != mem)
        text_add(&report, "%zu bytes behind the end of a %s of %zu bytes",
                 address - mem - bytes, what, bytes);
    else if (address == mem)
        text_add(&report, "start of a %s of %zu bytes", what, bytes);
    else
        text_add(&report, "byte %zu of a %s of %zu bytes", address - mem, what, bytes);
    text_add(&report, " at %p\n", (void *)mem);
}

static void report_address(uintptr_t address, const struct located *l)
{
    const struct view *v = &l->at;
    struct mapping m;
    uintptr_t gone, here = (uintptr_t)FRAME_ADDRESS();
    size_t bytes;
    text_add(&report, "  %p is ", (void *)address);
    if (v->kind == VIEW_LIVE || v->kind == VIEW_IDLE) {
        report_offset(address, v->chunk + CHUNK_HEADER,
                      v->kind == VIEW_LIVE ? v->bytes : v->size - CHUNK_OVERHEAD,
                      v->kind == VIEW_LIVE ? "block" : "free chunk");
    } else if (v->kind != VIEW_NONE) {
        text_add(&report, "in chunk %p: %s\n", (void *)v->chunk, report_state(v));
    } else if (l->kind == LOCATED_META) {
        text_add(&report,
                 "in a heap but in none of its chunks, %zu bytes from its start\n",
                 address - (uintptr_t)l->heap.start);
    } else if (fault_was_unmapped(address, &gone, &bytes)) {
        report_offset(address, gone, bytes, "freed block, once a mapping,");
    } else if (!mapping_find(address, &m)) {
        text_add(&report, "not mapped\n");
    } else if (here - m.start < m.end - m.start || m.name[0] == '[') {
        text_add(&report, "in the %s, not in the heap\n",
                 m.name[0] == '[' ? m.name : "stack of this thread");
    } else {
        text_add(&report, "in %s, offset 0x%zx, not in the heap\n",
                 m.name[0] == '\0' ? "memory that Chunky did not map" : m.name,
                 address - m.base);
    }
}

/* Which of the bytes that are known are wrong, in terms of the block: `bytes` were its
 * user's. */
static void report_damage(const struct finding *f, size_t bytes)
{
    unsigned char now[REPORT_EXPECTED];
    size_t got = os_peek((const void *)f->boundary, now, f->length), first = got,
           last = 0;
    for (size_t i = 0; i < got; i++) {
        if (now[i] == f->expected[i])
            continue;
        first = min_size(first, i);
        last = i;
    }
    if (first == got || f->boundary < (uintptr_t)f->mem)
        return;
    size_t from = f->boundary - (uintptr_t)f->mem;
    text_add(&report,
             first == last ? "  wrong   byte %zu" : "  wrong   bytes %zu to %zu",
             from + first, from + last);
    if (from + first >= bytes)
        text_add(&report, ": reaches %zu past its end%s", from + last + 1 - bytes,
                 last + 1 == f->length ? ", or more" : "");
    text_add(&report, "\n");
}

/* What a wrong header should say cannot be known: all of it is marked. */
static void report_header(uintptr_t word)
{
    struct finding f = {.boundary = word, .length = sizeof(uint64_t)};
    size_t got = os_peek((const void *)word, f.expected, f.length);
    for (size_t i = 0; i < got; i++)
        f.expected[i] = (unsigned char)~f.expected[i];
    report_memory(&f, f.boundary, f.length);
}

static void report_place(const struct finding *f, uintptr_t address)
{
    struct located *l = &report_located;
    report_address(address, l);
    if (l->kind == LOCATED_NOWHERE)
        return;
    report_view("before", &l->before);
    report_view("this", &l->at);
    report_view("behind", &l->after);
    text_add(&report, "  place   ");
    locate_say(&report, l);
    text_add(&report, "\n");
    if (l->walked_to != 0 && l->walked_to < l->at.chunk)
        text_add(&report, "  first overwritten header of this heap: chunk %p\n",
                 (void *)l->walked_to);
    if (f->boundary != 0)
        report_damage(f, l->at.kind == VIEW_LIVE ? l->at.bytes : SIZE_MAX);
    if (f->boundary != 0)
        report_memory(f, f->boundary, f->length);
    else if (l->walked_to != 0)
        report_header(l->walked_to + CHUNK_HEADER - sizeof(uint64_t));
    else
        report_memory(f, address, ROW);
}

static void report_guarded(const struct finding *f)
{
    const struct guard *g = f->guard;
    uintptr_t address = (uintptr_t)f->mem + (uintptr_t)f->offset;
    text_add(&report, "  %p is ", (void *)address);
    report_offset(address, g->mem, g->bytes,
                  g->state == GUARD_LIVE ? "guarded block" : "freed guarded block");
    if (f->boundary != 0) {
        report_damage(f, g->bytes);
        report_memory(f, f->boundary, f->length);
    }
}

/* To whoever holds the other end of the pipe; false, and nothing went there, if nobody
 * does or it is full. Whole reports, also of several processes at once. */
static bool report_to_relay(void)
{
    struct stat st;
    int fd = report_relay[0] == '\0'
                 ? -1
                 : open(report_relay, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool done = false;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) {
        flock(fd, LOCK_EX);
        done = write(fd, report.data, report.length) == (ssize_t)report.length;
    }
    close(fd);
    return done;
}

/* The option's file, and behind it `suffix`; its length. */
static size_t report_name(char name[REPORT_NAME], const char *suffix)
{
    struct text path = {name, REPORT_NAME, 0};
    name[0] = '\0';
    for (const char *s = report_path; *s != '\0'; s++) {
        if (s[0] == '%' && s[1] == 'p') {
            text_add(&path, "%d", (int)getpid());
            s++;
        } else {
            text_add(&path, "%c", *s);
        }
    }
    if (path.length != 0)
        text_add(&path, "%s", suffix);
    return path.length;
}

/* Appends what is printed to the option's file. True if that is a file indeed. */
static bool report_to_file(void)
{
    char name[REPORT_NAME];
    struct stat st;
    if (report_name(name, "") == 0)
        return false;
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    say_bytes(fd, report.data, report.length);
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    close(fd);
    return is_file;
}

static void report_look(const void *mem)
{
    char name[REPORT_NAME];
    if (report_name(name, SNAPSHOT_SUFFIX) == 0 || report_has_snapshot)
        text_add(&report, "  look: chunky what CORE %p; chunky check CORE%s\n", mem,
                 checked_level >= 2 && tune.guard_rate == 1
                     ? ""
                     : "; or run again with CHUNKY_CONF=check=3,guard_rate=1");
    else
        text_add(&report, "  look: chunky what %s %p; chunky map %s; chunky check %s\n",
                 name, mem, name, name);
}

/* Of the first finding: a process that goes on changes. */
static void report_snapshot(void)
{
    char name[REPORT_NAME];
    if (report_has_snapshot || report_name(name, SNAPSHOT_SUFFIX) == 0)
        return;
    report_has_snapshot = true;
    if (!snapshot_write(name))
        say(2, "  the snapshot %s could not be written\n", name);
}

static void report_end(const struct finding *f)
{
    struct frames now;
    const void *mem = f->mem;
    frames_find_own();
    frames_take(&now);
    if (f->pc != 0)
        frames_start_at(&now, f->pc);
    report_frames("found here", &now);
    if (f->guard != NULL) {
        report_frames("freed here", &f->guard->given);
        report_frames("allocated here", &f->guard->taken);
    }
    report_look(mem);
    unsigned most = report_go_on;
    if (most != 0)
        text_add(&report, "  going on (go_on=%u): %s; this was finding %u\n", most,
                 f->is_access ? "the access is let through"
                              : "the call is refused, the block stays out of use",
                 report_survived);
    if (!report_to_relay())
        say_bytes(2, report.data, report.length);
    if (report_to_file())
        report_snapshot();
    locate_done(&report_located);
    if (most == 0)
        abort();
    report.length = 0;
    report_located = (struct located){.kind = LOCATED_NOWHERE};
    report_thread = 0;
}

void report_sum(void)
{
    unsigned found = report_survived, most = report_go_on;
    if (found > most && most != 0)
        say(2, "chunky: %u findings, of which %u were told (go_on=%u)\n", found, most,
            most);
}

static void report_title(const struct finding *f)
{
    char program[32];
    os_program(program, sizeof program);
    text_add(&report, "chunky: %s%s%s\n  %s, process %d, thread %u\n",
             f->verb == NULL ? "" : f->verb, f->verb == NULL ? "" : ": ", f->rule,
             program, (int)getpid(), os_thread_id());
}

/* The lock is ours, and the pointer was located. */
static void report_located_finding(const struct finding *f)
{
    report_title(f);
    if (f->guard != NULL)
        report_guarded(f);
    else if (f->mem != NULL)
        report_place(f, (uintptr_t)f->mem + (uintptr_t)f->offset);
    report_end(f);
}

void report_finding(const struct finding *found)
{
    struct finding f = *found;
    int saved = errno;
    if (!report_enter(f.rule))
        return;
    if (f.guard == NULL)
        f.guard = guard_find((uintptr_t)f.mem);
    if (f.mem != NULL && f.guard == NULL)
        locate((uintptr_t)f.mem, &report_located);
    report_located_finding(&f);
    errno = saved;
}

_Noreturn void fail(const char *rule, const void *mem)
{
    struct finding f = {.rule = rule, .mem = mem};
    report_is_last();
    report_finding(&f);
    abort();
}

/* In a heap: the header that stands before mem, and the chunk that really is there. */
static const char *report_heap_mistake(uintptr_t mem, const struct located *l)
{
    struct view own;
    const struct view *at = &l->at;
    bool starts = at->chunk + CHUNK_HEADER == mem;
    bool stale =
        !starts && locate_view(mem - CHUNK_HEADER, &own) && own.kind == VIEW_IDLE;
    if (l->kind == LOCATED_META || at->kind == VIEW_FENCE)
        return "invalid pointer: into the heap, but behind all its blocks";
    if (starts && (at->kind == VIEW_IDLE || at->kind == VIEW_TOP))
        return "double free: the block is free already";
    if (starts && at->kind == VIEW_LIVE)
        return "double free, or a race: another thread changed the block just now";
    if (stale && at->kind == VIEW_LIVE)
        return "double free: the block was freed, and its memory is part of another "
               "one";
    if (stale)
        return "double free: the block was freed and merged with a free neighbour";
    if (at->kind == VIEW_LIVE)
        return "invalid pointer: into the middle of a block";
    if (at->kind == VIEW_IDLE || at->kind == VIEW_TOP)
        return "invalid pointer: into free memory, no block starts here";
    return starts
               ? "overwritten header: heap overflow of the block before, or underflow"
               : "invalid pointer: behind an overwritten header";
}

static const char *report_other_mistake(uintptr_t mem, uintptr_t *gone)
{
    struct mapping m;
    size_t bytes;
    uintptr_t here = (uintptr_t)FRAME_ADDRESS();
    if (fault_was_unmapped(mem, gone, &bytes))
        return "double free: the block was a mapping, and is gone";
    if (!mapping_find(mem, &m))
        return "invalid pointer: no memory is mapped there";
    if (here - m.start < m.end - m.start || m.name[0] == '[')
        return m.name[0] == '[' && m.name[1] != 's' ? "invalid pointer: not of the heap"
                                                    : "invalid pointer: to the stack";
    if (m.name[0] == '/')
        return "invalid pointer: to a global or constant";
    return "invalid pointer: to memory that is none of Chunky's";
}

static const char *report_mistake(uintptr_t mem, const struct located *l)
{
    uintptr_t gone = 0;
    switch (l->kind) {
    case LOCATED_HEAP:
    case LOCATED_META:
        return report_heap_mistake(mem, l);
    case LOCATED_KEPT:
        return "double free: the block is free already";
    case LOCATED_MAPPED:
        return l->at.chunk + CHUNK_HEADER != mem
                   ? "invalid pointer: into the middle of a block"
               : l->at.kind == VIEW_LIVE
                   ? "double free, or a race: another thread changed the block just now"
                   : "overwritten header: heap overflow of the block before, or "
                     "underflow";
    default:
        return report_other_mistake(mem, &gone);
    }
}

/* The lock is ours. */
static void report_not_live_mem(const void *mem, const char *verb)
{
    struct finding f = {.verb = verb, .mem = mem};
    const struct guard *g;
    g = f.guard = guard_find((uintptr_t)mem);
    if (g != NULL) {
        f.rule =
            g->state != GUARD_LIVE ? "double free: the block is free already"
            : g->mem == (uintptr_t)mem
                ? "overwritten header: heap overflow of the block before, or underflow"
                : "invalid pointer: into the middle of a block";
        report_located_finding(&f);
        return;
    }
    locate((uintptr_t)mem, &report_located);
    f.rule = report_mistake((uintptr_t)mem, &report_located);
    if (((uintptr_t)mem & (CHUNK_ALIGN - 1)) != 0 &&
        report_located.kind == LOCATED_NOWHERE)
        f.rule = "invalid pointer: not aligned, so no block starts here";
    report_located_finding(&f);
}

void report_not_live(const void *mem, const char *verb)
{
    int saved = errno;
    if (report_enter(verb))
        report_not_live_mem(mem, verb);
    errno = saved;
}

void report_guard(const struct guard *g, uintptr_t address, uintptr_t pc, bool is_write)
{
    struct finding f = {.mem = (void *)g->mem,
                        .offset = (ptrdiff_t)(address - g->mem),
                        .guard = g,
                        .is_access = true,
                        .pc = pc};
    if (g->state != GUARD_LIVE)
        f.rule = is_write ? "use after free: write" : "use after free: read";
    else if (address >= g->mem)
        f.rule = is_write ? "heap overflow: write behind the block"
                          : "heap overflow: read behind the block";
    else
        f.rule = is_write ? "heap underflow: write before the block"
                          : "heap underflow: read before the block";
    if (report_enter(f.rule))
        report_located_finding(&f);
}
