/*
 * Any bytes as a SOURCE: every verb reads them and must end, whatever it makes of them.
 * The checksums of a snapshot are made right first, or the reader would refuse all that
 * a fuzzer changes. Ordinary test: the files and folders named on the command line, each
 * as it is and in some changed forms. With -DCHUNKY_FUZZ=ON and clang: libFuzzer.
 */
#include "audit/snapshot.h"
#include "verb.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_call {
    enum status (*run)(struct options *o);
    struct options o;
};

static char fuzz_name[64], fuzz_out[64];
static char *fuzz_again[] = {fuzz_name, NULL};
static char *fuzz_places[] = {"heap+0x40",    "heap+0x0", "a1+0x10",
                              "mapped1+0x10", "0x10",     NULL};

static const struct fuzz_call fuzz_calls[] = {
    {cmd_stats, {.all = true}},
    {cmd_stats, {.format = "json"}},
    {cmd_stats, {.format = "xml"}},
    {cmd_stats, {.format = "openmetrics"}},
    {cmd_map, {.operands = 0}},
    {cmd_map, {.cell = 1, .limit = 200}},
    {cmd_map, {.art = true}},
    {cmd_map, {.format = "json", .resident = true}},
    {cmd_map, {.format = "svg", .color_by = "size"}},
    {cmd_map, {.operand = fuzz_places + 3, .operands = 1}},
    {cmd_map, {.operand = fuzz_places + 3, .operands = 1, .format = "json"}},
    {cmd_map, {.range = "0x0-0xffffffffffffffff", .cell = 4096, .limit = 200}},
    {cmd_layout, {.operands = 0}},
    {cmd_layout, {.format = "json"}},
    {cmd_chunks, {.format = "jsonl"}},
    {cmd_chunks, {.wants_hex = true, .rel = true, .limit = 50}},
    {cmd_chunks, {.summary = true}},
    {cmd_what, {.operand = fuzz_places, .operands = 5, .wants_hex = true}},
    {cmd_bins, {.all = true}},
    {cmd_bins, {.all = true, .format = "json"}},
    {cmd_frag, {.operands = 0}},
    {cmd_frag, {.format = "json"}},
    {cmd_check, {.max_errors = 20}},
    {cmd_check, {.format = "json"}},
    {cmd_diff, {.operand = fuzz_again, .operands = 1}},
    {cmd_diff, {.operand = fuzz_again, .operands = 1, .format = "json"}},
    {cmd_ctl, {.operands = 0}},
    {cmd_ctl, {.format = "json"}},
    {cmd_dump, {.output = fuzz_out}},
    {cmd_dump, {.output = fuzz_out, .bytes = true}},
    {cmd_view, {.output = fuzz_out}},
    {cmd_view, {.output = fuzz_out, .bytes = true}},
};

/* Makes the checksums of a snapshot right, as far as its parts lie in the file. */
static void fuzz_mend(unsigned char *data, size_t size)
{
    struct snapshot_header h;
    struct snapshot_page e;
    if (size < sizeof h || memcmp(data, SNAPSHOT_MAGIC, sizeof h.magic) != 0)
        return;
    memcpy(&h, data, sizeof h);
    h.version = SNAPSHOT_VERSION;
    if (h.index <= size && h.index_count <= (size - h.index) / sizeof e) {
        for (uint64_t i = 0; i < h.index_count; i++) {
            unsigned char *at = data + h.index + i * sizeof e;
            memcpy(&e, at, sizeof e);
            if (e.offset <= size && e.size <= size - e.offset)
                e.check = (uint32_t)snapshot_check(e.address, data + e.offset, e.size);
            memcpy(at, &e, sizeof e);
        }
    }
    uint64_t part[3][2] = {{h.text, h.text_size},
                           {h.resident, h.resident_count * 16},
                           {h.index, h.index_count * sizeof e}};
    h.check = 0;
    for (unsigned i = 0; i < 3; i++)
        if (part[i][0] <= size && part[i][1] <= size - part[i][0])
            h.check = snapshot_check(h.check, data + part[i][0], (size_t)part[i][1]);
    h.header_check =
        snapshot_check(0, &h, offsetof(struct snapshot_header, header_check));
    memcpy(data, &h, sizeof h);
}

/* A file without a name, and the name that opens it. */
static int fuzz_file(char name[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    snprintf(name, 64, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy = malloc(size + 1);
    int fd = fuzz_file(fuzz_name), out = fuzz_file(fuzz_out);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    fuzz_mend(copy, size);
    if (write(fd, copy, size) != (ssize_t)size)
        abort();
    for (size_t i = 0; i < sizeof fuzz_calls / sizeof fuzz_calls[0]; i++) {
        struct options o = fuzz_calls[i].o;
        o.source = fuzz_name;
        o.arena = -1;
        o.color_by = o.color_by == NULL ? "state" : o.color_by;
        enum status status = fuzz_calls[i].run(&o);
        bool names =
            fuzz_calls[i].run == cmd_what ||
            (fuzz_calls[i].run == cmd_map && (o.operands != 0 || o.range != NULL));
        if (status == STATUS_USAGE && !names) {
            /* Bytes of a file are never the user's mistake; an address that is not there
             * may be. */
            dprintf(STDERR_FILENO, "call %zu says that it was used wrongly\n", i);
            abort();
        }
        fflush(stdout);
    }
    free(copy);
    close(fd);
    close(out);
    return 0;
}

/* The reports of sanitizers go to descriptor 2, what the tool complains of nowhere. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    FILE *nowhere = fopen("/dev/null", "w");
    (void)argc;
    (void)argv;
    if (nowhere == NULL || freopen("/dev/null", "w", stdout) == NULL)
        abort();
    stderr = nowhere;
    return 0;
}

#ifdef FUZZ_MAIN
enum { FUZZ_PATIENCE = 100 /* seconds an input; a hang is told */ };

static unsigned long fuzz_inputs, fuzz_round;
static const char *fuzz_file_now = "";

void __sanitizer_set_death_callback(void (*callback)(void));

static void fuzz_tell(void)
{
    dprintf(STDERR_FILENO, "input: %s, change %lu\n", fuzz_file_now, fuzz_round);
}

static void fuzz_hangs(int signal)
{
    (void)signal;
    fuzz_tell();
    abort();
}

static uint64_t fuzz_next(uint64_t *dice)
{
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return *dice >> 33;
}

/* Where a change is likely to matter: a bit, a byte, a word, a swap, the end. */
static size_t fuzz_change(unsigned char *copy, size_t size, uint64_t *dice)
{
    static const uint64_t words[] = {0,
                                     1,
                                     8,
                                     0x10,
                                     0x1000,
                                     0x7fffffff,
                                     0xffffffff,
                                     (uint64_t)1 << 47,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     UINT64_MAX - 15};
    uint64_t changes = 1 + fuzz_next(dice) % 4;
    for (uint64_t i = 0; i < changes && size > 16; i++) {
        size_t at = (size_t)fuzz_next(dice) % (size - 8) / 8 * 8;
        uint64_t word = words[fuzz_next(dice) % (sizeof words / sizeof words[0])];
        switch (fuzz_next(dice) % 5) {
        case 0:
            copy[at + fuzz_next(dice) % 8] ^= (unsigned char)(1 << fuzz_next(dice) % 8);
            break;
        case 1:
            copy[at + fuzz_next(dice) % 8] = (unsigned char)fuzz_next(dice);
            break;
        case 2:
            memcpy(copy + at, copy + fuzz_next(dice) % (size - 8) / 8 * 8, 8);
            break;
        case 3:
            memcpy(copy + at, &word, 8);
            break;
        default:
            if (fuzz_next(dice) % 8 == 0)
                size = at;
        }
    }
    return size;
}

static void fuzz_path(const char *path, unsigned long first, unsigned long rounds)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        abort();
    size_t size = (size_t)st.st_size;
    unsigned char *data = malloc(size + 1), *copy = malloc(size + 1);
    if (data == NULL || copy == NULL || read(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    fuzz_file_now = path;
    fuzz_round = 0;
    LLVMFuzzerTestOneInput(data, size);
    for (unsigned long i = first; i <= rounds; i++) {
        uint64_t dice = fuzz_round = i;
        alarm(FUZZ_PATIENCE);
        memcpy(copy, data, size);
        LLVMFuzzerTestOneInput(copy, fuzz_change(copy, size, &dice));
    }
    fuzz_inputs += 1 + rounds;
    free(data);
    free(copy);
}

/* fuzz_source [--changes N | --change N] PATH... */
int main(int argc, char **argv)
{
    int told = dup(STDOUT_FILENO), first = 1;
    unsigned long from = 1, rounds = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    signal(SIGALRM, fuzz_hangs);
    __sanitizer_set_death_callback(fuzz_tell);
    if (argc > 2 && strncmp(argv[1], "--change", 8) == 0) {
        rounds = strtoul(argv[2], NULL, 10);
        from = strcmp(argv[1], "--change") == 0 ? rounds : 1;
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (d == NULL) {
            fuzz_path(argv[i], from, rounds);
            continue;
        }
        char path[4096];
        for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            fuzz_path(path, from, rounds);
        }
        closedir(d);
    }
    dprintf(told, "%lu inputs\n", fuzz_inputs);
    return fuzz_inputs == 0;
}
#endif
