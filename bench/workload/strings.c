/* What C++ programs do: short strings that double as they grow, vectors of them, and
 * map nodes that hold a key string and a value. strings records=N rounds=N threads=N */
#include "bench.h"

enum { INLINE = 16, BUCKETS = 4096, FIELDS = 6 };

struct string {
    char *text; /* NULL while it fits inline */
    size_t length, capacity;
    char inside[INLINE];
};

struct record {
    struct record *next;
    uint64_t key;
    struct string *fields; /* a vector that doubles */
    size_t count, capacity;
};

struct strings {
    size_t records; /* of each thread */
    uint64_t rounds;
    struct record **buckets;
};

static void string_add(struct string *s, char letter)
{
    if (s->length == s->capacity) {
        char *grown = block_new(2 * s->capacity);
        memcpy(grown, s->text ? s->text : s->inside, s->length);
        if (s->text)
            block_free(s->text, s->capacity);
        s->text = grown;
        s->capacity *= 2;
    }
    (s->text ? s->text : s->inside)[s->length++] = letter;
}

static void record_add(struct record *r, struct rng *rng)
{
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 1;
        struct string *grown = block_new(capacity * sizeof *grown);
        if (r->fields) {
            memcpy(grown, r->fields, r->count * sizeof *grown);
            block_free(r->fields, r->capacity * sizeof *grown);
        }
        r->fields = grown;
        r->capacity = capacity;
    }
    struct string *s = &r->fields[r->count++];
    *s = (struct string){NULL, 0, INLINE, {0}};
    for (size_t n = rng_size(rng, 2, 7); n-- > 0;)
        string_add(s, 'a' + (char)(r->key % 26));
}

static void record_free(struct record *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct string *s = &r->fields[i];
        const char *text = s->text ? s->text : s->inside;
        if (text[0] != text[s->length - 1] || text[0] != 'a' + (char)(r->key % 26))
            bench_die("a string lost its letters");
        if (s->text)
            block_free(s->text, s->capacity);
    }
    block_free(r->fields, r->capacity * sizeof *r->fields);
    block_free(r, sizeof *r);
}

static void strings_body(unsigned id, void *shared)
{
    const struct strings *s = shared;
    struct record **buckets = s->buckets + (size_t)id * BUCKETS;
    struct rng rng = rng_seed(id);

    for (uint64_t round = 0; round < s->rounds; round++) {
        for (size_t i = 0; i < s->records; i++) {
            struct record *r = block_new(sizeof *r);
            uint64_t key = rng_next(&rng);
            *r = (struct record){buckets[key % BUCKETS], key, NULL, 0, 0};
            buckets[key % BUCKETS] = r;
            for (size_t fields = 1 + rng_below(&rng, FIELDS); fields-- > 0;)
                record_add(r, &rng);
        }
        for (size_t i = 0; i < BUCKETS; i++) {
            while (buckets[i]) {
                struct record *next = buckets[i]->next;
                record_free(buckets[i]);
                buckets[i] = next;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t records = (size_t)bench_work(&b, bench_param(&b, "records", 100000));
    struct strings s = {records / b.threads + 1, bench_param(&b, "rounds", 5), NULL};
    s.buckets = bench_table((size_t)b.threads * BUCKETS, sizeof *s.buckets);
    bench_run(&b, strings_body, &s);
    return bench_close(18 * s.records * s.rounds * b.threads); /* about */
}
