/* Which alignments are refused with EINVAL, and which are rounded up, as POSIX and
 * glibc (2.38 and later for aligned_alloc) say? */
#include <gnu/libc-version.h>

#include "api/names.h"
#include "support/expect.h"

static const size_t odd[] = {3,  5,   6,    7,    12,    24,
                             48, 100, 4095, 4097, 65537, 1 << 20 | 16};

static void refused_by_posix(size_t align)
{
    char here;
    void *out = &here;
    errno = EPROTO;
    int code = posix_memalign(&out, unknown(align), 100);
    EXPECT_F(code == EINVAL, "posix_memalign(%#zx) = %d", align, code);
    EXPECT(out == &here);
    EXPECT(errno == EPROTO);
}

static void refused_by_aligned_alloc(size_t align)
{
    errno = 0;
    void *mem = aligned_alloc(unknown(align), 100);
    EXPECT_F(!mem && errno == EINVAL, "aligned_alloc(%#zx) = %p, errno %d", align, mem,
             errno);
    free(mem);
}

static void rounded_by_memalign(size_t align)
{
    size_t power = 1;
    while (power < align)
        power *= 2;
    void *mem = memalign(unknown(align), 100);
    if (GOT(mem))
        EXPECT_F(is_aligned(mem, power), "memalign(%#zx) = %p", align, mem);
    free(mem);
}

int main(void)
{
    size_t half = (size_t)1 << 63;
    bool strict = UNDER_CHUNKY || strcmp(gnu_get_libc_version(), "2.38") >= 0;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        refused_by_posix(odd[i]);
        rounded_by_memalign(odd[i]);
        if (strict)
            refused_by_aligned_alloc(odd[i]);
    }
    for (size_t align = 0; align < sizeof(void *); align++)
        refused_by_posix(align);
    for (size_t align = 0; align < 16; align++)
        rounded_by_memalign(align);
    const size_t wide[] = {half + 1, half + 16, SIZE_MAX - 1, SIZE_MAX,
                           half | half >> 1};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        refused_by_posix(wide[i]);
        if (strict)
            refused_by_aligned_alloc(wide[i]);
        errno = 0;
        void *mem = memalign(unknown(wide[i]), 100);
        EXPECT_F(!mem && errno == EINVAL, "memalign(%#zx): errno %d", wide[i], errno);
    }
    if (strict)
        refused_by_aligned_alloc(0);

    /* C11 asked for a size that is a multiple; C17 and glibc take any. */
    void *mem = aligned_alloc(64, 100);
    if (GOT(mem))
        EXPECT(is_aligned(mem, 64));
    free(mem);
    return expect_done();
}
