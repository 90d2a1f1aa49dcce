/* May every usable byte be written, up to the last, with neighbours untouched, and does
 * the answer stay the same while the block lives? */
#include "api/names.h"
#include "support/expect.h"
#include "support/pattern.h"

enum { BLOCKS = 600 };

int main(void)
{
    static unsigned char *mem[BLOCKS];
    static size_t usable[BLOCKS];
    EXPECT(malloc_usable_size(NULL) == 0);
    for (size_t base = 1; base < 200000; base = base * 5 + 3) {
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t bytes = base + i % 50;
            void *p = i % 7 ? malloc(bytes) : memalign((size_t)32 << (i % 5), bytes);
            mem[i] = p;
            usable[i] = malloc_usable_size(p);
            if (GOT(p)) {
                EXPECT_F(usable[i] >= bytes, "%zu < %zu", usable[i], bytes);
                pattern_fill(p, 0, usable[i], i);
            }
        }
        /* Holes between the blocks: their neighbours merge, split and write links. */
        for (size_t i = 0; i < BLOCKS; i += 3) {
            free(mem[i]);
            mem[i] = NULL;
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            if (!mem[i])
                continue;
            EXPECT(malloc_usable_size(mem[i]) == usable[i]);
            EXPECT(pattern_differs(mem[i], 0, usable[i], i) == usable[i]);
            unsigned char *same = realloc(mem[i], usable[i]);
            if (!GOT(same))
                continue;
            EXPECT(malloc_usable_size(same) >= usable[i]);
            EXPECT(pattern_differs(same, 0, usable[i], i) == usable[i]);
            mem[i] = same;
        }
        for (size_t i = 0; i < BLOCKS; i++)
            free(mem[i]);
    }
    return expect_done();
}
