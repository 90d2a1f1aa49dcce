/* Do mallinfo2, malloc_info, malloc_trim, mallopt and malloc_usable_size give sane
 * answers while threads are busy, and disturb nobody? */
#include <stdatomic.h>

#include "support/crew.h"
#include "support/parcel.h"

enum { THREADS = 4, OWN = 400, LOOKS = 3000 };

static atomic_bool stop;

static void *stay_busy(void *number)
{
    static _Thread_local struct parcel *own[OWN];
    struct random r = {(uintptr_t)number};
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        struct parcel **p = &own[random_below(&r, OWN)];
        if (random_below(&r, 4) == 0) {
            *p = parcel_resize(*p, &r, 15);
        } else {
            parcel_drop(*p);
            *p = parcel_make(&r, random_below(&r, 100) ? 11 : 19);
        }
        EXPECT(!*p || malloc_usable_size(*p) >= (*p)->bytes);
    }
    for (int i = 0; i < OWN; i++)
        parcel_drop(own[i]);
    return NULL;
}

static void look(long i, FILE *sink)
{
    struct mallinfo2 info = mallinfo2();
    EXPECT_F(info.uordblks <= info.arena && info.fordblks <= info.arena,
             "arena %zu used %zu free %zu", info.arena, info.uordblks, info.fordblks);
    malloc_trim(i % 2 ? 0 : 100000);
    if (i % 10 == 0)
        EXPECT(malloc_info(0, sink) == 0);
    if (i % 16 == 0)
        EXPECT(mallopt(M_TRIM_THRESHOLD, i % 32 ? 65536 : 1 << 20) == 1);
}

int main(void)
{
    struct crew crew;
    FILE *sink = fopen("/dev/null", "w");
    REQUIRE(sink);
    crew_start(&crew, THREADS, stay_busy);
    for (long i = scaled(LOOKS, 50); i > 0; i--) {
        look(i, sink);
        usleep(300);
    }
    atomic_store(&stop, true);
    crew_join(&crew);
    fclose(sink);
    return expect_done();
}
