/* Acceptance case 4: do sizes near PTRDIFF_MAX and SIZE_MAX, and huge alignments, fail
 * with ENOMEM in every call, and leave blocks and out-parameters alone? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"

enum { KEPT_BYTES = 1000 };

#define TOO_MUCH(call)                                                                 \
    do {                                                                               \
        errno = 0;                                                                     \
        void *mem_ = (call);                                                           \
        EXPECT_F(!mem_ && errno == ENOMEM, "%s: n=%#zx align=%#zx -> %p, errno %d",    \
                 #call, n, align, mem_, errno);                                        \
        if (mem_)                                                                      \
            free(mem_);                                                                \
    } while (0)

static void refuse_plain(size_t n)
{
    size_t align = 0;
    TOO_MUCH(malloc(n));
    TOO_MUCH(calloc(1, n));
    TOO_MUCH(calloc(n, 1));
    TOO_MUCH(realloc(NULL, n));
    TOO_MUCH(reallocarray(NULL, n, 1));
    TOO_MUCH(reallocarray(NULL, 1, n));
    TOO_MUCH(valloc(n));
    TOO_MUCH(pvalloc(n));

    unsigned char *kept = malloc(KEPT_BYTES);
    if (!GOT(kept))
        return;
    pattern_fill(kept, 0, KEPT_BYTES, n);
    TOO_MUCH(realloc(unknown_mem(kept), n));
    TOO_MUCH(reallocarray(unknown_mem(kept), n, 1));
    EXPECT(pattern_differs(kept, 0, KEPT_BYTES, n) == KEPT_BYTES);
    free(kept);
}

static void refuse_aligned(size_t align, size_t n)
{
    TOO_MUCH(memalign(align, n));
    TOO_MUCH(aligned_alloc(align, n));
    char here;
    void *out = &here;
    errno = EPROTO;
    int code = align < sizeof(void *) ? ENOMEM : posix_memalign(&out, align, n);
    EXPECT_F(code == ENOMEM, "posix_memalign(%#zx, %#zx): %d", align, n, code);
    EXPECT_F(out == &here, "posix_memalign(%#zx, %#zx) wrote to *out", align, n);
    if (UNDER_CHUNKY)
        EXPECT_F(errno == EPROTO, "posix_memalign set errno to %d", errno);
}

int main(void)
{
    for (size_t less = 0; less < 70000; less = less < 300 ? less + 1 : less * 2) {
        refuse_plain(unknown(SIZE_MAX - less));
        refuse_plain(unknown((size_t)PTRDIFF_MAX + 1 + less));
        refuse_plain(unknown((size_t)PTRDIFF_MAX - less));
    }
    for (unsigned bit = 0; bit < 63; bit++) {
        size_t align = (size_t)1 << bit;
        for (size_t less = 0; less < 70000; less = less < 40 ? less + 1 : less * 3) {
            refuse_aligned(align, unknown(SIZE_MAX - less));
            refuse_aligned(align, unknown(SIZE_MAX - align - less));
            refuse_aligned(align, unknown(SIZE_MAX - 2 * align - less));
            refuse_aligned(align, unknown((size_t)PTRDIFF_MAX + 1 - less));
        }
    }
    /* An alignment that no address space holds, with sizes that are harmless alone. */
    for (unsigned bit = 48; bit < 64; bit++)
        for (size_t n = 0; n < 100000; n = n * 3 + 1)
            refuse_aligned(unknown((size_t)1 << bit), n);
    EXPECT(malloc_usable_size(NULL) == 0);
    return expect_done();
}
