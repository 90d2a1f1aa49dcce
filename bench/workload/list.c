/* Many tiny live blocks, in a list: build it, walk it, drop every other node, put as
 * many back, walk again. What the walk costs is where the blocks lie.
 * list nodes=N rounds=N threads=N */
#include "bench.h"

enum { WALKS = 4 };

struct node {
    struct node *next;
    uint64_t value;
};

struct list {
    size_t nodes; /* of each thread */
    uint64_t rounds;
};

static struct node *node_new(struct node *next, uint64_t value)
{
    struct node *n = block_new(sizeof *n);
    *n = (struct node){next, value};
    return n;
}

static void list_walk(const struct node *head, uint64_t expected)
{
    for (int walk = 0; walk < WALKS; walk++) {
        uint64_t sum = 0;
        for (const struct node *n = head; n; n = n->next)
            sum += n->value;
        if (sum != expected)
            bench_die("a list lost its values");
    }
}

static void list_thin(struct node *head, uint64_t *sum)
{
    for (struct node *n = head; n && n->next; n = n->next) {
        struct node *gone = n->next;
        n->next = gone->next;
        *sum -= gone->value;
        block_free(gone, sizeof *gone);
    }
}

static void list_body(unsigned id, void *shared)
{
    const struct list *l = shared;
    for (uint64_t round = 0; round < l->rounds; round++) {
        struct node *head = NULL;
        uint64_t sum = 0;
        for (size_t i = 0; i < l->nodes; i++, sum += i + id)
            head = node_new(head, i + 1 + id);
        list_walk(head, sum);
        list_thin(head, &sum);
        for (size_t i = 0; i < l->nodes / 2; i++, sum += i)
            head = node_new(head, i + 1);
        list_walk(head, sum);
        while (head) {
            struct node *next = head->next;
            block_free(head, sizeof *head);
            head = next;
        }
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t nodes = (size_t)bench_work(&b, bench_param(&b, "nodes", 1000000));
    struct list l = {nodes / b.threads, bench_param(&b, "rounds", 4)};
    bench_run(&b, list_body, &l);
    return bench_close(3 * l.nodes * l.rounds * b.threads);
}
