/* free_sized and free_aligned_sized with what was asked for are never findings, where
 * sizes are compared but not recorded (perturb; sampled guards): a block may come from a
 * larger class, and may have shrunk where it lies. */
#include "api/names.h"
#include "support/expect.h"
#include "support/random.h"

enum { HELD = 400, ROUNDS = 200000 };

struct held {
    char *mem;
    size_t bytes, align;
};

static size_t any_size(struct random *r)
{
    return 1 + random_size(r, 18);
}

static void held_take(struct held *h, struct random *r)
{
    h->bytes = any_size(r);
    h->align = random_below(r, 8) == 0 ? (size_t)32 << random_below(r, 8) : 0;
    h->mem = h->align == 0 ? malloc(h->bytes) : memalign(h->align, h->bytes);
    EXPECT(h->mem != NULL && malloc_usable_size(h->mem) >= h->bytes);
}

static void held_resize(struct held *h, struct random *r)
{
    size_t bytes = random_below(r, 2) ? 1 + random_below(r, h->bytes) : any_size(r);
    char *mem = realloc(h->mem, bytes);
    EXPECT(mem != NULL);
    *h = (struct held){mem, bytes, 0};
}

static void held_give(struct held *h)
{
    if (h->align == 0)
        free_sized(h->mem, h->bytes);
    else
        free_aligned_sized(h->mem, h->align, h->bytes);
    h->mem = NULL;
}

int main(void)
{
    static struct held held[HELD];
    struct random r = {11};
    mallopt(M_PERTURB, 0x5a);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct held *h = &held[random_below(&r, HELD)];
        if (h->mem == NULL)
            held_take(h, &r);
        else if (random_below(&r, 3) == 0)
            held_resize(h, &r);
        else
            held_give(h);
    }
    for (unsigned i = 0; i < HELD; i++)
        if (held[i].mem != NULL)
            held_give(&held[i]);
    return expect_done();
}
