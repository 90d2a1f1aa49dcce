/* May destructors of thread-specific data allocate and free, round after round, when the
 * thread's cache has gone already? */
#include <pthread.h>
#include <stdatomic.h>

#include "support/crew.h"
#include "support/parcel.h"

enum { KEYS = 6, ALIVE = 16, TURNS = 150, ROUNDS = 4, KEPT = 30 };

struct luggage {
    int rounds;
    struct random r;
    struct parcel *kept[KEPT];
};

static pthread_key_t keys[KEYS];
static atomic_long destroyed;
static _Atomic(struct parcel *) left_behind[ALIVE * KEYS];

static void pack(struct luggage *l)
{
    for (int i = 0; i < KEPT; i++)
        l->kept[i] = parcel_make(&l->r, 13);
}

/* Comes again as long as the key is set again: at most PTHREAD_DESTRUCTOR_ITERATIONS. */
static void unpack(void *data, int key)
{
    struct luggage *l = data;
    for (int i = 0; i < KEPT; i++)
        parcel_drop(l->kept[i]);
    if (--l->rounds > 0) {
        pack(l);
        pthread_setspecific(keys[key], l);
        return;
    }
    struct parcel *last = parcel_make(&l->r, 11);
    size_t slot = random_below(&l->r, ALIVE * KEYS);
    parcel_drop(atomic_exchange(&left_behind[slot], last));
    free(l);
    atomic_fetch_add(&destroyed, 1);
}

static void unpack_0(void *data)
{
    unpack(data, 0);
}

static void unpack_1(void *data)
{
    unpack(data, 1);
}

static void unpack_2(void *data)
{
    unpack(data, 2);
}

static void unpack_3(void *data)
{
    unpack(data, 3);
}

static void unpack_4(void *data)
{
    unpack(data, 4);
}

static void unpack_5(void *data)
{
    unpack(data, 5);
}

static void *live(void *number)
{
    uintptr_t n = (uintptr_t)number;
    /* ThreadSanitizer's own state of the thread is gone in the last round. */
    int rounds = UNDER_SANITIZER ? ROUNDS - 1 : ROUNDS;
    for (int key = 0; key < KEYS; key++) {
        struct luggage *l = calloc(1, sizeof *l);
        if (!GOT(l))
            continue;
        l->rounds = 1 + (int)(n + (unsigned)key) % rounds;
        l->r.state = n * KEYS + (unsigned)key;
        pack(l);
        pthread_setspecific(keys[key], l);
    }
    return NULL;
}

/* Its first call of all is in a destructor. */
static void *live_without(void *number)
{
    static struct luggage none[CREW_MOST + 1];
    pthread_setspecific(keys[0], &none[(uintptr_t)number]);
    return NULL;
}

static void first_call_at_the_end(void *data)
{
    struct random r = {(uintptr_t)data};
    for (int i = 0; i < KEPT; i++)
        parcel_drop(parcel_make(&r, 12));
}

int main(void)
{
    static void (*const unpackers[KEYS])(void *) = {unpack_0, unpack_1, unpack_2,
                                                    unpack_3, unpack_4, unpack_5};
    struct crew crew;
    REQUIRE(!pthread_key_create(&keys[0], first_call_at_the_end));
    crew_start(&crew, ALIVE, live_without);
    crew_join(&crew);
    pthread_key_delete(keys[0]);
    for (int i = 0; i < KEYS; i++)
        REQUIRE(!pthread_key_create(&keys[i], unpackers[i]));
    long turns = scaled(TURNS, 10);
    for (long i = 0; i < turns; i++) {
        crew_start(&crew, ALIVE, live);
        crew_join(&crew);
    }
    if (!memory_may_run_out())
        EXPECT(atomic_load(&destroyed) == turns * ALIVE * KEYS);
    for (int i = 0; i < ALIVE * KEYS; i++)
        parcel_drop(left_behind[i]);
    return expect_done();
}
