/* Do glibc's M_ parameters mean the same, and are the others refused with 0? Each is
 * set in a process of its own. */
#include <pthread.h>
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"

enum { MIB = 1 << 20, BLOCKS = 8000, THREADS = 8 };

static void *mem[BLOCKS];

static size_t hblks_of(size_t bytes)
{
    size_t before = mallinfo2().hblks;
    void *p = malloc(bytes);
    size_t more = mallinfo2().hblks - before;
    GOT(p);
    if (p)
        memset(p, 1, bytes);
    free(p);
    return more;
}

static void fill_and_free(void)
{
    for (int i = 0; i < BLOCKS; i++)
        mem[i] = malloc(1000);
    for (int i = 0; i < BLOCKS; i++)
        free(mem[i]);
}

static void unknown_parameters(void)
{
    static const int none[] = {12345, -12345, 0, 2, 3, 4, 5, -9, -10, 1 << 30};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (UNDER_CHUNKY)
            EXPECT_F(mallopt(none[i], 1) == 0, "mallopt(%d)", none[i]);
}

static void mxfast(void)
{
    EXPECT(mallopt(M_MXFAST, 161) == 0);
    EXPECT(mallopt(M_MXFAST, -1) == 0);
    EXPECT(mallopt(M_MXFAST, 160) == 1);
    EXPECT(mallopt(M_MXFAST, 0) == 1);
    fill_and_free();
    EXPECT(mallinfo2().fsmblks == 0);
}

static void mmap_threshold_lowered(void)
{
    EXPECT(mallopt(M_MMAP_THRESHOLD, 65536) == 1);
    EXPECT(hblks_of(100000) == 1);
    EXPECT(hblks_of(60000) == 0);
    EXPECT(hblks_of(10 * MIB) == 1);
    EXPECT(hblks_of(200000) == 1); /* once set, it no longer rises by itself */
}

static void mmap_threshold_raised(void)
{
    EXPECT(hblks_of(10 * MIB) == 1);
    EXPECT(mallopt(M_MMAP_THRESHOLD, 16 * MIB) == 1);
    EXPECT(hblks_of(10 * MIB) == 0);
    EXPECT(hblks_of(17 * MIB) == 1);
    EXPECT(mallopt(M_MMAP_THRESHOLD, 1024 * MIB) == 1); /* as in glibc since 2.35 */
    EXPECT(hblks_of(40 * MIB) == 0);
}

static void mmap_threshold_dynamic(void)
{
    EXPECT(hblks_of(10 * MIB) == 1); /* freeing it raises the threshold */
    EXPECT(hblks_of(9 * MIB) == 0);
    EXPECT(hblks_of(11 * MIB) == 1);
    EXPECT(hblks_of(64 * MIB) == 1);
    EXPECT(hblks_of(63 * MIB) == 1); /* but not beyond 32 MiB */
}

static void mmap_max(void)
{
    EXPECT(hblks_of(40 * MIB) == 1);
    EXPECT(mallopt(M_MMAP_MAX, 0) == 1);
    EXPECT(hblks_of(40 * MIB) == 0);
    hblks_of(100 * MIB); /* wherever it comes from, it comes */
    EXPECT(mallopt(M_MMAP_MAX, 1) == 1);
    void *first = malloc(40 * MIB);
    EXPECT(hblks_of(40 * MIB) == 0);
    free(first);
    EXPECT(hblks_of(40 * MIB) == 1);
}

static void trim_threshold(void)
{
#ifndef CHUNKY_HARD_TRIM
    EXPECT(mallopt(M_TRIM_THRESHOLD, 512 * MIB) == 1);
    fill_and_free();
    EXPECT_F(mallinfo2().arena >= 1000 * BLOCKS, "arena %zu", mallinfo2().arena);
#endif
    EXPECT(mallopt(M_TRIM_THRESHOLD, 65536) == 1);
    EXPECT(mallopt(M_TOP_PAD, 0) == 1);
    fill_and_free();
    EXPECT_F(mallinfo2().arena < MIB, "arena %zu", mallinfo2().arena);
}

static void top_pad(void)
{
    size_t before = mallinfo2().arena;
    EXPECT(mallopt(M_TRIM_THRESHOLD, 512 * MIB) == 1);
    EXPECT(mallopt(M_TOP_PAD, 16 * MIB) == 1);
    for (int i = 0; i < BLOCKS; i++)
        mem[i] = malloc(1000);
#ifndef CHUNKY_HARD_GROW /* which grows by as little as it can */
    EXPECT_F(mallinfo2().arena >= before + 16 * MIB, "%zu, then %zu", before,
             mallinfo2().arena);
#else
    EXPECT(mallinfo2().arena > before);
#endif
    for (int i = 0; i < BLOCKS; i++)
        free(mem[i]);
}

static void is_filled(const unsigned char *p, size_t from, size_t bytes)
{
    size_t filled = from;
    while (filled < bytes && p[filled] == (0x5a ^ 0xff))
        filled++;
    EXPECT_F(filled >= bytes, "byte %zu of %zu is %#x", filled, bytes, p[filled]);
}

static void perturb(void)
{
    EXPECT(mallopt(M_PERTURB, 0x5a) == 1);
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 + 1) {
        unsigned char *p = malloc(bytes);
        if (!GOT(p))
            continue;
        is_filled(p, 0, bytes);
        memset(p, 0, bytes);
        size_t usable = malloc_usable_size(p);
        unsigned char *grown = realloc(p, 2 * bytes + 40);
        if (GOT(grown)) {
            p = grown;
            if (bytes < 30000) /* the kernel's new pages are zero */
                is_filled(p, usable, 2 * bytes + 40);
        }
        free(p);
        for (size_t align = 16; align <= 4096; align *= 4) {
            void *aligned = NULL;
            EXPECT(posix_memalign(&aligned, align, bytes) == 0);
            is_filled(aligned, 0, bytes);
            free(aligned);
        }
        p = calloc(1, bytes);
        EXPECT(!p || (p[0] == 0 && p[bytes - 1] == 0 && p[bytes / 2] == 0));
        free(p);
    }
    EXPECT(mallopt(M_PERTURB, 0) == 1);
}

static void *allocate_a_while(void *unused)
{
    for (long i = scaled(20000, 500); i > 0; i--)
        free(malloc((size_t)(i % 5000) * 4));
    return unused;
}

static int arenas_told(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    REQUIRE(stream);
    EXPECT(malloc_info(0, stream) == 0);
    fclose(stream);
    int arenas = 0;
    for (char *at = text; (at = strstr(at, "<heap nr=")); at++)
        arenas++;
#ifndef TEST_PREFIX
    free(text);
#endif
    return arenas;
}

static void arena_max(void)
{
    pthread_t threads[THREADS];
    EXPECT(mallopt(M_ARENA_TEST, 1) == 1);
    EXPECT(mallopt(M_ARENA_MAX, 1) == 1);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, allocate_a_while, NULL));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int arenas = arenas_told();
    EXPECT_F(arenas == 1, "%d arenas", arenas);
}

static void in_its_own_process(const char *name, void (*test)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(240);
        expect_reset();
        test();
        _exit(expect_status());
    }
    EXPECT(child_reaped(pid, name));
}

/* With an argument only M_PERTURB: for levels at which blocks lie elsewhere. */
int main(int argc, char **argv)
{
    (void)argv;
    in_its_own_process("M_PERTURB", perturb);
    if (argc > 1)
        return expect_done();
    in_its_own_process("unknown", unknown_parameters);
    in_its_own_process("M_MXFAST", mxfast);
    in_its_own_process("M_MMAP_THRESHOLD, lower", mmap_threshold_lowered);
    in_its_own_process("M_MMAP_THRESHOLD, higher", mmap_threshold_raised);
    in_its_own_process("the threshold by itself", mmap_threshold_dynamic);
    in_its_own_process("M_MMAP_MAX", mmap_max);
    in_its_own_process("M_TRIM_THRESHOLD", trim_threshold);
    in_its_own_process("M_TOP_PAD", top_pad);
    in_its_own_process("M_ARENA_MAX", arena_max);
    return expect_done();
}
