/* The scripted operating system; see os_fake.h. One thread writes the script. */
#include "support/os_fake.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define BREAK_ROOM ((size_t)256 * MIB)

#define FAKE_START                                                                     \
    {                                                                                  \
        .page = 4096, .clock = 1000000, .cpus = 4                                      \
    }

struct os_fake os_fake = FAKE_START;

/* Where the next mapping goes: the same place in every run, if the kernel has it free. A
 * header's check of 16 bits depends on its address, so that among random ones each damage
 * that a test makes would pass once in 65,536 runs. It is one that ThreadSanitizer allows. */
static uintptr_t fake_place = (uintptr_t)0x7e9000000000;

static char *break_base, *break_now;
static size_t break_ragged;

static void *fake_place_take(size_t size, size_t align, int protection)
{
    fake_place = align_up(fake_place, align);
    void *start = mmap((void *)fake_place, size + align, protection,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    fake_place += align_up(size, 4096);
    return start;
}

static void fake_break_init(void)
{
    if (break_base != NULL)
        return;
    break_base = fake_place_take(BREAK_ROOM, 65536, PROT_READ | PROT_WRITE);
    fake_place += 65536;
    break_base = (char *)align_up((uintptr_t)break_base, 65536);
    break_now = break_base + break_ragged;
}

void os_fake_reset(void)
{
    os_fake = (struct os_fake)FAKE_START;
    break_ragged = 0;
    if (break_base != NULL)
        madvise(break_base, BREAK_ROOM - 65536, MADV_DONTNEED);
    break_now = break_base;
}

void os_fake_ragged_break(size_t bytes)
{
    fake_break_init();
    break_ragged = bytes;
    break_now = break_base + bytes;
}

void os_fake_foreign_break(intptr_t delta)
{
    fake_break_init();
    break_now += delta;
}

void *os_fake_break(void)
{
    fake_break_init();
    return break_now;
}

/* True when the script wants this request to fail. */
static bool fake_fails(size_t size)
{
    os_fake.requests++;
    bool fails = os_fake.refuse_above != 0 && size > os_fake.refuse_above;
    if (os_fake.fail_after != 0 && --os_fake.fail_after == 0) {
        fails = true;
        if (os_fake.fail_for_ever)
            os_fake.fail_after = 1;
    }
    if (fails)
        errno = ENOMEM;
    return fails;
}

void os_init(void)
{
}

size_t os_page_size(void)
{
    return os_fake.page;
}

static void *fake_map(size_t size, size_t align, int protection)
{
    char *start = fake_place_take(size, align, protection);
    if (start == MAP_FAILED)
        return NULL;
    char *aligned = (char *)align_up((uintptr_t)start, align);
    if (aligned != start)
        munmap(start, (size_t)(aligned - start));
    munmap(aligned + size, (size_t)(start + align - aligned));
    os_fake.mapped += size;
    return aligned;
}

void *os_map(size_t size)
{
    os_fake.maps++;
    return fake_fails(size) ? NULL
                            : fake_map(size, os_fake.page, PROT_READ | PROT_WRITE);
}

void *os_reserve_aligned(size_t size, size_t align)
{
    os_fake.reserves++;
    return fake_fails(0) ? NULL : fake_map(size, align, PROT_NONE);
}

bool os_commit(void *start, size_t size)
{
    os_fake.commits++;
    if (os_fake.refuse_commit || fake_fails(size)) {
        errno = ENOMEM;
        return false;
    }
    return mprotect(start, size, PROT_READ | PROT_WRITE) == 0;
}

void os_decommit(void *start, size_t size)
{
    os_fake.decommits++;
    mmap(start, size, PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void os_unmap(void *start, size_t size)
{
    os_fake.unmaps++;
    os_fake.mapped -= size;
    munmap(start, size);
}

void *os_remap(void *start, size_t old_size, size_t new_size, bool may_move)
{
    os_fake.remaps++;
    if (new_size > old_size && fake_fails(new_size))
        return NULL;
    void *moved;
    if (new_size > old_size && may_move) {
        void *place = fake_map(new_size, os_fake.page, PROT_NONE);
        if (place == NULL)
            return NULL;
        os_fake.mapped -= new_size;
        moved = mremap(start, old_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    } else {
        moved = mremap(start, old_size, new_size, 0);
    }
    if (moved == MAP_FAILED)
        return NULL;
    os_fake.mapped += new_size - old_size;
    return moved;
}

bool os_hold(void *start, size_t size)
{
    (void)start;
    (void)size;
    return false;
}

void *os_break(intptr_t delta)
{
    fake_break_init();
    char *old = break_now;
    os_fake.breaks += delta != 0;
    if (delta > 0) {
        if (os_fake.refuse_break || fake_fails((size_t)delta) ||
            (size_t)(old - break_base) + (size_t)delta > BREAK_ROOM - 65536) {
            errno = ENOMEM;
            return NULL;
        }
    }
    break_now += delta;
    /* The kernel drops the pages that are wholly above the break. */
    if (delta < 0) {
        char *from = (char *)align_up((uintptr_t)break_now, 4096);
        char *to = (char *)align_up((uintptr_t)old, 4096);
        if (from < to)
            madvise(from, (size_t)(to - from), MADV_DONTNEED);
    }
    return old;
}

static bool fake_purge(void *start, size_t size)
{
    os_fake.purges++;
    os_fake.purged += size;
    os_fake.purge_start = start;
    os_fake.purge_size = size;
    if (os_fake.on_give != NULL)
        os_fake.on_give(start, size);
    return !os_fake.refuse_purge && madvise(start, size, MADV_DONTNEED) == 0;
}

void os_purge(struct os_range *ranges, unsigned count, bool at_once)
{
    (void)at_once;
    for (unsigned i = 0; i < count; i++)
        if (!fake_purge(ranges[i].start, ranges[i].size))
            ranges[i].size = 0;
}

size_t os_resident(const void *start, size_t size)
{
    size_t page = os_page_size(), sum = 0;
    unsigned char there[65536 / 4096]; /* a byte for each real page */
    for (size_t at = 0; at < size; at += page)
        if (mincore((char *)(uintptr_t)start + at, page, there) == 0 &&
            (there[0] & 1) != 0)
            sum += page;
    return sum;
}

void os_dump(void *start, size_t size, bool wanted)
{
    (void)start;
    (void)size;
    (void)wanted;
}

void os_name(void *start, size_t size, const char *name)
{
    (void)start;
    (void)size;
    (void)name;
}

void os_random(void *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)out)[i] = (unsigned char)(i * 37 + 11);
}

int os_bar_cancel(void)
{
    return 0;
}

void os_allow_cancel(int before)
{
    (void)before;
}

void os_streams_lock(void)
{
}

void os_streams_unlock(bool child)
{
    (void)child;
}

void os_bar_signals(sigset_t *before)
{
    sigemptyset(before);
}

void os_allow_signals(const sigset_t *before)
{
    (void)before;
}

unsigned os_cpus(void)
{
    return os_fake.cpus;
}

uint64_t os_clock_ms(void)
{
    return os_fake.clock;
}

unsigned os_thread_id(void)
{
    return 7;
}

/* Broken links lead anywhere. */
size_t os_peek(const void *from, void *to, size_t bytes)
{
    struct iovec there = {(void *)(uintptr_t)from, bytes}, here = {to, bytes};
    ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    return got > 0 ? (size_t)got : 0;
}

size_t os_peek_own(const void *from, void *to, size_t bytes)
{
    return os_peek(from, to, bytes);
}

size_t os_address_limit(void)
{
    return SIZE_MAX;
}

void os_program(char *out, size_t capacity)
{
    if (capacity != 0)
        out[0] = '\0';
}

unsigned os_process_id(void)
{
    return 7;
}

int os_create(const char *path)
{
    (void)path;
    return -1;
}

bool os_publish(int fd, const char *from, const char *to)
{
    (void)fd;
    (void)from;
    (void)to;
    return false;
}

const char *os_environment(const char *name)
{
    return strcmp(name, "CHUNKY_CONF") == 0 ? os_fake.conf : NULL;
}

/* A sleeper may always wake for nothing; this one always does. */
void os_wait(_Atomic uint32_t *word, uint32_t expected)
{
    (void)word;
    (void)expected;
    sched_yield();
}

void os_wake(_Atomic uint32_t *word)
{
    (void)word;
}
