/* A window of addresses; see order.h. */
#include "core/order.h"

size_t order_take(struct order *o, void **out, size_t most)
{
    size_t count = 0;
    for (; o->at < ORDER_GROUPS; o->at++) {
        for (uint64_t group; (group = o->words[o->at]) != 0;) {
            unsigned word = o->at * 64 + count_trailing_zeros(group);
            uintptr_t base = o->base + (uintptr_t)word * 64 * CHUNK_ALIGN;
            uint64_t bits = o->bits[word];
            for (; bits != 0 && count < most; bits &= bits - 1)
                out[count++] = (void *)(base + (uintptr_t)count_trailing_zeros(bits) *
                                                   CHUNK_ALIGN);
            o->bits[word] = bits;
            if (bits != 0)
                return count;
            o->words[o->at] = group & (group - 1);
        }
    }
    return count;
}
