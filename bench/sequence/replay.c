/* Replays a recording against the malloc of this process; every requested byte is
 * touched. Prints the peak of requested bytes and the peak of the heap that it took:
 * the growth of the resident memory from before the first call. */
#include "sequence.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct block {
    void *mem;
    uint64_t bytes;
};

/* One number in KiB from /proc/self/status, without the heap's help. */
static size_t status_kib(const char *name)
{
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *found = strstr(text, name);
    return found ? (size_t)strtoull(found + strlen(name), NULL, 10) : 0;
}

static void peak_reset(const char *path)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "5", 1) != 1)
        sequence_die(path, "the kernel does not let me reset the peak (clear_refs)");
    close(fd);
}

static void block_check(const struct block *b, uint32_t slot, const char *path)
{
    const unsigned char *p = b->mem;
    if (b->bytes &&
        (p[0] != (unsigned char)slot || p[b->bytes - 1] != (unsigned char)slot))
        sequence_die(path, "a block lost its bytes");
}

static void replay_step(struct block *blocks, const struct step *s, const char *path)
{
    struct block *b = &blocks[s->slot];
    size_t bytes = (size_t)s->bytes;

    switch (s->kind) {
    case STEP_FREE:
        block_check(b, s->slot, path);
        free(b->mem);
        *b = (struct block){NULL, 0};
        return;
    case STEP_NEW:
        if (s->log == 0)
            b->mem = malloc(bytes);
        else if (posix_memalign(&b->mem, s->log < 3 ? 8 : (size_t)1 << s->log, bytes) !=
                 0)
            b->mem = NULL;
        break;
    case STEP_ZEROED:
        b->mem = calloc(1, bytes);
        break;
    case STEP_RESIZE:
        block_check(&blocks[s->from], s->from, path);
        b->mem = realloc(blocks[s->from].mem, bytes);
        if (s->from != s->slot)
            blocks[s->from] = (struct block){NULL, 0};
        break;
    }
    if (!b->mem && bytes)
        sequence_die(path, "an allocation failed");
    b->bytes = bytes;
    memset(b->mem, (int)(s->slot & 0xff), bytes);
}

int main(int argc, char **argv)
{
    static struct sequence s;
    if (argc != 2)
        sequence_die("usage", "replay RECORDING");
    sequence_load(&s, argv[1]);
    size_t table = s.slots * sizeof(struct block);
    struct block *blocks = sequence_table(table);
    if (madvise(blocks, table, MADV_POPULATE_WRITE) != 0)
        memset(blocks, 0, table);

    size_t base = status_kib("VmRSS:");
    peak_reset(argv[1]);
    for (size_t i = 0; i < s.count; i++)
        replay_step(blocks, &s.steps[i], argv[1]);
    size_t peak = status_kib("VmHWM:");
    printf("ops=%zu peak_live=%llu peak_heap=%llu\n", s.count,
           (unsigned long long)s.peak_live, (unsigned long long)(peak - base) * 1024);
    return 0;
}
