/* Many tiny live blocks, in a search tree with a string in each node: insert random
 * keys, walk in order, delete, as a symbol table does. tree nodes=N rounds=N threads=N */
#include "bench.h"

#include <stdio.h>

struct tree {
    struct tree *left, *right;
    uint64_t key;
    char *name; /* the key in letters, a block of its own */
};

struct forest {
    size_t nodes; /* of each thread */
    uint64_t rounds;
};

static size_t name_bytes(uint64_t key)
{
    return 8 + (size_t)(key % 33);
}

static void name_write(char *name, uint64_t key)
{
    size_t bytes = name_bytes(key);
    memset(name, 'a' + (char)(key % 26), bytes - 1);
    name[bytes - 1] = '\0';
}

static struct tree *tree_new(uint64_t key)
{
    struct tree *t = block_new(sizeof *t);
    *t = (struct tree){NULL, NULL, key, block_new(name_bytes(key))};
    name_write(t->name, key);
    return t;
}

static void tree_insert(struct tree **at, uint64_t key)
{
    while (*at)
        at = key < (*at)->key ? &(*at)->left : &(*at)->right;
    *at = tree_new(key);
}

static size_t tree_walk(const struct tree *t)
{
    if (!t)
        return 0;
    if (strlen(t->name) != name_bytes(t->key) - 1 ||
        t->name[0] != 'a' + (char)(t->key % 26))
        bench_die("a tree lost a name");
    return 1 + tree_walk(t->left) + tree_walk(t->right);
}

static void tree_free(struct tree *t)
{
    if (!t)
        return;
    tree_free(t->left);
    tree_free(t->right);
    block_free(t->name, name_bytes(t->key));
    block_free(t, sizeof *t);
}

static void tree_body(unsigned id, void *shared)
{
    const struct forest *f = shared;
    struct rng r = rng_seed(id);
    for (uint64_t round = 0; round < f->rounds; round++) {
        struct tree *root = NULL;
        for (size_t i = 0; i < f->nodes; i++)
            tree_insert(&root, rng_next(&r));
        for (int walk = 0; walk < 3; walk++)
            if (tree_walk(root) != f->nodes)
                bench_die("a tree lost a node");
        tree_free(root);
    }
}

int main(int argc, char **argv)
{
    struct bench b;
    bench_open(&b, argc, argv);
    size_t nodes = (size_t)bench_work(&b, bench_param(&b, "nodes", 150000));
    struct forest f = {nodes / b.threads + 1, bench_param(&b, "rounds", 3)};
    bench_run(&b, tree_body, &f);
    return bench_close(4 * f.nodes * f.rounds * b.threads);
}
