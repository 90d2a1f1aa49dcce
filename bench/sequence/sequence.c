/* Loads a recording. Each address that was ever handed out is one slot; what the
 * recorder could not see (a block freed unseen, then handed out again) is mended. */
#include "sequence.h"

#include "record_format.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct loader {
    struct sequence *sequence;
    uint64_t *keys; /* open addressing: address -> slot + 1 */
    uint32_t *slots;
    uint64_t *live; /* by slot: requested bytes + 1, 0 when free */
    size_t mask;
    uint64_t sum;
};

void sequence_die(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(2);
}

void *sequence_table(size_t bytes)
{
    void *table = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table == MAP_FAILED)
        sequence_die("table", "no memory");
    return table;
}

static uint32_t loader_slot(struct loader *l, uint64_t mem)
{
    size_t at = (size_t)((mem >> 4) * 0x9e3779b97f4a7c15u >> 20) & l->mask;
    while (l->keys[at] && l->keys[at] != mem)
        at = (at + 1) & l->mask;
    if (!l->keys[at]) {
        l->keys[at] = mem;
        l->slots[at] = (uint32_t)l->sequence->slots++;
    }
    return l->slots[at];
}

static void loader_step(struct loader *l, struct step step)
{
    l->sequence->steps[l->sequence->count++] = step;
    if (step.kind == STEP_FREE || step.kind == STEP_RESIZE) {
        uint32_t gone = step.kind == STEP_FREE ? step.slot : step.from;
        l->sum -= l->live[gone] - 1;
        l->live[gone] = 0;
    }
    if (step.kind != STEP_FREE) {
        l->live[step.slot] = step.bytes + 1;
        l->sum += step.bytes;
    }
    if (l->sum > l->sequence->peak_live)
        l->sequence->peak_live = l->sum;
}

static void loader_free_unseen(struct loader *l, uint32_t slot)
{
    if (l->live[slot])
        loader_step(l, (struct step){.kind = STEP_FREE, .slot = slot});
}

static void loader_take(struct loader *l, const struct record *r, size_t *i)
{
    uint32_t slot = loader_slot(l, r->mem);
    enum record_call call = record_call(r);
    struct step step = {.bytes = record_bytes(r), .slot = slot};

    if (call == RECORD_FREE) {
        loader_free_unseen(l, slot); /* or it was taken before the recording began */
    } else if (call == RECORD_NEW || call == RECORD_ZEROED) {
        loader_free_unseen(l, slot);
        step.kind = call == RECORD_NEW ? STEP_NEW : STEP_ZEROED;
        step.log = record_log(r);
        loader_step(l, step);
    } else if (call == RECORD_FROM && record_call(r + 1) == RECORD_TO) {
        step = (struct step){.bytes = record_bytes(r + 1),
                             .kind = STEP_RESIZE,
                             .slot = loader_slot(l, r[1].mem),
                             .from = slot};
        *i += 1;
        if (step.slot != slot)
            loader_free_unseen(l, step.slot);
        if (!l->live[slot])
            step.kind = STEP_NEW;
        loader_step(l, step);
    }
}

void sequence_load(struct sequence *s, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || status.st_size == 0)
        sequence_die(path, "cannot be read");
    size_t bytes = (size_t)status.st_size, count = bytes / sizeof(struct record);
    const struct record *records = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (records == MAP_FAILED)
        sequence_die(path, "cannot be mapped");

    struct loader l = {.sequence = s, .mask = 1};
    while (l.mask < 2 * count)
        l.mask = 2 * l.mask;
    size_t table = l.mask-- * sizeof *l.keys;
    l.keys = sequence_table(table);
    l.slots = sequence_table(table / 2);
    l.live = sequence_table(count * sizeof *l.live);
    *s = (struct sequence){.steps = sequence_table(2 * count * sizeof *s->steps)};
    /* A pair of records never straddles the end: the last one may only be a single. */
    for (size_t i = 0; i < count && record_call(&records[i]) != RECORD_END; i++) {
        if (record_call(&records[i]) > RECORD_TO)
            sequence_die(path, "is not a recording");
        if (record_call(&records[i]) == RECORD_FROM && i + 1 == count)
            break;
        loader_take(&l, &records[i], &i);
    }
    munmap(l.keys, table);
    munmap(l.slots, table / 2);
    munmap(l.live, count * sizeof *l.live);
    munmap((void *)(uintptr_t)records, bytes);
    if (s->count == 0)
        sequence_die(path, "holds no calls");
}
