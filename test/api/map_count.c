/* When the kernel allows no more mappings (vm.max_map_count): do calls say NULL and ENOMEM
 * or find room in what there is, does freeing work where no hole can be cut, and is all
 * well again afterwards? Beside the mappings of others, and among named heaps: a few
 * thousand, or with the argument `heaps` as many as there can be. */
#include <pthread.h>
#include <sys/mman.h>

#include "chunky.h"

#include "api/names.h"
#include "support/crew.h"
#include "support/expect.h"
#include "support/pattern.h"
#include "support/random.h"

enum { MIB = 1 << 20, PAGE = 4096, MOST = 200000, KEPT = 400, THREADS = 3 };
enum { HEAPS = 100000, FEW_HEAPS = 4000, AMONG_HEAPS = 79 };

/* Every second page of a large mapping another protection: each is a mapping then. */
static char *pages;
static size_t page_count;

static void take_all_mappings(void)
{
    size_t bytes = 2 * (size_t)MOST * PAGE;
    pages = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    REQUIRE(pages != MAP_FAILED);
    while (page_count < MOST &&
           !mprotect(pages + 2 * page_count * PAGE, PAGE, PROT_READ | PROT_WRITE))
        page_count++;
    if (page_count == MOST)
        SKIP("more than %d mappings are allowed here", MOST);
}

/* Gives back two for each. */
static void leave_room_for(size_t count)
{
    for (; count > 0 && page_count > 0; count--)
        mprotect(pages + 2 * --page_count * PAGE, PAGE, PROT_NONE);
}

struct kept {
    char *mem;
    size_t bytes;
};

static void check_and_free(struct kept *k)
{
    if (k->mem)
        EXPECT(pattern_holds_sparse(k->mem, k->bytes, k->bytes));
    free(k->mem);
    k->mem = NULL;
}

/* One step of a life among blocks of all sizes. Returns whether there was memory. */
static bool step(struct kept *k, struct random *r)
{
    size_t bytes = 1 + random_size(r, random_below(r, 8) ? 14 : 23);
    void *out = NULL;
    errno = 0;
    if (k->mem && random_below(r, 3) == 0) {
        EXPECT(pattern_holds_sparse(k->mem, k->bytes, k->bytes));
        out = realloc(k->mem, bytes);
        if (out)
            k->mem = NULL;
    } else {
        check_and_free(k);
        out = random_below(r, 4) ? malloc(bytes) : memalign(65536, bytes);
    }
    EXPECT(out || errno == ENOMEM);
    if (!out)
        return false;
    pattern_fill_sparse(out, bytes, bytes);
    *k = (struct kept){out, bytes};
    return true;
}

static void *live(void *number)
{
    struct kept kept[KEPT] = {0};
    struct random r = {(uintptr_t)number};
    /* A call that finds no memory asks every heap for some: fewer where there are many. */
    long steps = (uintptr_t)number == AMONG_HEAPS ? 300 : scaled(20000, 1000);
    for (long i = steps; i > 0; i--)
        step(&kept[random_below(&r, KEPT)], &r);
    for (int i = 0; i < KEPT; i++)
        check_and_free(&kept[i]);
    return NULL;
}

static void everything_works(void)
{
    for (size_t bytes = 1; bytes < 64 * MIB; bytes = bytes * 3 + 1) {
        char *mem = malloc(bytes);
        if (GOT(mem))
            memset(mem, 1, bytes < PAGE ? bytes : PAGE);
        free(mem);
    }
}

static void beside_others(void)
{
    struct crew crew;
    take_all_mappings();
    leave_room_for(20);
    crew_start(&crew, THREADS, live);
    crew_join(&crew);
    live((void *)77);
    leave_room_for(3);
    live((void *)78);
    munmap(pages, 2 * (size_t)MOST * PAGE);
    malloc_trim(0);
    everything_works();
}

static void many_heaps(long most)
{
    static struct chunky_heap *heaps[HEAPS];
    long made = 0;
    while (made < most) {
        errno = 0;
        struct chunky_heap *heap = chunky_heap_create("one of many", 0);
        char *mem = heap ? chunky_heap_malloc(heap, 100) : NULL;
        if (!mem) {
            EXPECT_F(errno == ENOMEM, "heap %ld: errno %d", made, errno);
            chunky_heap_destroy(heap);
            break;
        }
        memset(mem, 1, 100);
        heaps[made++] = heap;
    }
    printf("%ld named heaps at once\n", made);
    EXPECT(made >= 500 || memory_may_run_out());
    live((void *)AMONG_HEAPS);
    for (long i = 0; i < made; i++)
        chunky_heap_destroy(heaps[(i * 7919) % made]);
    everything_works();
}

int main(int argc, char **argv)
{
    if (UNDER_SANITIZER)
        SKIP("a sanitizer needs mappings itself");
    if (argc > 1 && !strcmp(argv[1], "heaps")) {
        many_heaps(HEAPS);
        return expect_done();
    }
    beside_others();
    many_heaps(scaled(FEW_HEAPS, 600));
    return expect_done();
}
