/* Is every power of two up to 64 MiB honoured by every aligned call, in among other
 * blocks, with contents that survive realloc? */
#include <unistd.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"

enum { CALLS = 3, LIVE = 8, WIDEST = 26 };

static const size_t sizes[] = {0,    1,    8,    24,   25,    100,
                               1000, 1032, 4096, 5000, 33000, 300000};

static void *ask(int call, size_t align, size_t bytes)
{
    void *out = NULL;
    if (call == 0)
        return memalign(align, bytes);
    if (call == 1)
        return aligned_alloc(align, bytes);
    int code =
        posix_memalign(&out, align < sizeof(void *) ? sizeof(void *) : align, bytes);
    if (code)
        errno = code;
    return out;
}

static void check_block(unsigned char *mem, size_t align, size_t bytes)
{
    size_t usable = malloc_usable_size(mem);
    EXPECT_F(is_aligned(mem, align), "align %#zx: %p", align, (void *)mem);
    EXPECT_F(is_aligned(mem, LEAST_ALIGN), "align %#zx: %p", align, (void *)mem);
    EXPECT_F(usable >= bytes, "align %#zx: %zu of %zu", align, usable, bytes);
    pattern_fill_sparse(mem, usable, bytes);
}

/* Shrinks or grows a block that came aligned, and frees what is left. */
static void finish_block(unsigned char *mem, size_t bytes, int i)
{
    if (!mem)
        return;
    EXPECT(pattern_holds_sparse(mem, malloc_usable_size(mem), bytes));
    pattern_fill(mem, 0, bytes, 9);
    if (i % 3 == 0 || bytes == 0) {
        free(mem);
        return;
    }
    size_t to = i % 3 == 1 ? bytes * 2 : bytes / 2 + 1;
    unsigned char *moved = realloc(mem, to);
    if (GOT(moved)) {
        size_t common = to < bytes ? to : bytes;
        EXPECT(pattern_differs(moved, 0, common, 9) == common);
        mem = moved;
    }
    free(mem);
}

static void check_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *mem = valloc(bytes);
    if (GOT(mem))
        check_block(mem, page, bytes);
    size_t pages = (bytes + page - 1) / page * page;
    unsigned char *whole = pvalloc(bytes);
    if (GOT(whole))
        check_block(whole, page, pages);
    finish_block(mem, bytes, 1);
    finish_block(whole, pages, 0);
}

int main(void)
{
    unsigned char *live[LIVE];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (unsigned bit = 0; bit <= WIDEST; bit++) {
            size_t align = (size_t)1 << bit;
            int count = bit < 20 ? LIVE : 2;
            for (int call = 0; call < CALLS; call++) {
                for (int i = 0; i < count; i++) {
                    live[i] = ask(call, align, sizes[s]);
                    if (GOT(live[i]))
                        check_block(live[i], align, sizes[s]);
                }
                for (int i = 0; i < count; i++) {
                    if (live[i])
                        EXPECT(malloc_usable_size(live[i]) >= sizes[s]);
                    finish_block(live[i], sizes[s], i);
                }
            }
        }
        check_pages(sizes[s]);
    }
    return expect_done();
}
