/*
 * fuzz_heap [--seeds N] [--first S] [FILE|DIRECTORY]...: plays stored inputs, and N that
 * follow from the seeds S, S+1, ... An input that fails is named before it is played.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/names.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_step.h"
#include "support/expect.h"
#include "support/random.h"

enum { INPUT_MOST = 1 << 16, NAME_MOST = 512, MAIN_SEEDS = 500 };

static uint8_t input[INPUT_MOST];
static char playing[NAME_MOST];
static long played;

/* Whatever ends the program: says which input it was. */
static void name_input(int number)
{
    ssize_t written = write(STDERR_FILENO, playing, strlen(playing));
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void play(size_t size)
{
    LLVMFuzzerTestOneInput(input, size);
    played++;
}

static void play_file(const char *path)
{
    snprintf(playing, sizeof playing, "fuzz: while playing %s\n", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, input, sizeof input);
    if (fd >= 0)
        close(fd);
    EXPECT_F(n > 0, "cannot read %s", path);
    if (n > 0)
        play((size_t)n);
}

static void play_path(const char *path)
{
    struct dirent *entry;
    DIR *directory = opendir(path);
    if (!directory) {
        play_file(path);
        return;
    }
    while ((entry = readdir(directory))) {
        char name[NAME_MOST];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            play_file(name);
    }
    closedir(directory);
}

/* Random bytes, but leaning: to few kinds of step, few slots, and sizes that are near
 * each other, as programs do. */
static size_t make_input(uint64_t seed)
{
    struct random r = {seed};
    size_t steps = 16 + random_below(&r, 3000);
    uint8_t kinds = (uint8_t)random_next(&r);
    unsigned slots = 1U << random_below(&r, 7);
    uint16_t base = (uint16_t)random_next(&r);
    uint16_t spread = (uint16_t)((1U << random_below(&r, 17)) - 1);
    input[0] = (uint8_t)random_next(&r);
    input[1] = (uint8_t)((seed % 2 ? PLAY_NAMED : 0) | (seed % 3 ? 0 : PLAY_TURNS) |
                         (seed % 8 == 5 ? PLAY_TUNED : 0) |
                         (seed % 40 == 37 ? PLAY_FIXED : 0));
    for (size_t i = 0; i < steps; i++) {
        uint8_t *at = input + 2 + i * 4;
        uint64_t bits = random_next(&r);
        uint16_t size = (uint16_t)(base + ((uint16_t)(bits >> 32) & spread));
        bool leaning = bits % 4 != 0;
        at[0] = (uint8_t)(leaning ? (bits >> 8) & (kinds | 3) : bits >> 8);
        at[1] = (uint8_t)((bits >> 16) % slots);
        at[2] = (uint8_t)size;
        at[3] = (uint8_t)(size >> 8);
    }
    return 2 + steps * 4;
}

static void play_seeds(uint64_t first, long count)
{
    for (long i = 0; i < count; i++) {
        uint64_t seed = first + (uint64_t)i;
        snprintf(playing, sizeof playing,
                 "fuzz: while playing --first %llu --seeds 1\n",
                 (unsigned long long)seed);
        play(make_input(seed));
    }
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    long seeds = scaled(MAIN_SEEDS, 20);
    signal(SIGABRT, name_input);
    signal(SIGSEGV, name_input);
    signal(SIGBUS, name_input);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seeds") && i + 1 < argc)
            seeds = atol(argv[++i]);
        else if (!strcmp(argv[i], "--first") && i + 1 < argc)
            first = strtoull(argv[++i], NULL, 10);
        else
            play_path(argv[i]);
    }
    play_seeds(first, seeds);
    printf("%ld inputs played\n", played);
    EXPECT(played > 0);
    return expect_done();
}
