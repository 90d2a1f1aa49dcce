/* A list of names with a hash table beside it; see play_names.h. No state. */
#include "play_names.h"

#include "play_list.h"

#include <ctype.h>
#include <string.h>

/* Where the name is, or would be put. */
static size_t names_slot(const struct play_names *n, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
    size_t i = (size_t)(hash ^ hash >> 32) & (n->slots - 1);
    while (n->slot[i] != 0 && strcmp(n->text[n->slot[i] - 1], name) != 0)
        i = (i + 1) & (n->slots - 1);
    return i;
}

static void names_index(struct play_names *n, size_t slots)
{
    free(n->slot);
    n->slots = slots;
    n->slot = calloc(slots, sizeof *n->slot);
    if (n->slot == NULL)
        list_fail();
    for (size_t i = 0; i < n->count; i++)
        n->slot[names_slot(n, n->text[i])] = (uint32_t)i + 1;
}

static void names_count_initial(struct play_names *n, const char *name, uint32_t by)
{
    if (isalpha((unsigned char)name[0]))
        n->initial[tolower((unsigned char)name[0]) - 'a'] += by;
}

int names_find(const struct play_names *n, const char *name)
{
    return n->slots == 0 ? -1 : (int)n->slot[names_slot(n, name)] - 1;
}

int names_add(struct play_names *n, const char *name)
{
    int found = names_find(n, name);
    if (found >= 0)
        return found;
    n->text = list_room(n->text, &n->room, n->count, 1, sizeof *n->text);
    if ((n->text[n->count] = strdup(name)) == NULL)
        list_fail();
    names_count_initial(n, name, 1);
    n->count++;
    if (n->count * 2 > n->slots)
        names_index(n, n->slots == 0 ? 64 : n->slots * 4);
    else
        n->slot[names_slot(n, name)] = (uint32_t)n->count;
    return (int)n->count - 1;
}

void names_cut(struct play_names *n, size_t keep)
{
    if (n->count <= keep)
        return;
    while (n->count > keep) {
        names_count_initial(n, n->text[--n->count], UINT32_MAX);
        free(n->text[n->count]);
    }
    names_index(n, n->slots);
}

void names_free(struct play_names *n)
{
    names_cut(n, 0);
    free(n->text);
    free(n->slot);
    memset(n, 0, sizeof *n);
}
