/* Names of named heaps, as their arenas hold them. No state. */
#include "session.h"
#include "text.h"

#include <stdlib.h>

char *heap_title(struct walk *w, uint64_t arena, char out[TITLE_TEXT])
{
    char name[TITLE_NAME + 1] = "";
    out[0] = '\0';
    for (unsigned i = 0; i < TITLE_NAME; i++)
        name[i] = (char)walk_element(w, arena, ARENA_NAME_TEXT, i);
    if (name[0] == '\0')
        return out;
    char *shown = text_printable(name);
    snprintf(out, TITLE_TEXT, "%s", shown);
    free(shown);
    return out;
}

uint64_t heap_owner(const struct scan *s, const struct block *b)
{
    if (b->heap != NULL)
        return s->arenas[b->heap->arena].a.address;
    for (size_t i = 0; i < s->mapped_count; i++)
        if (s->mapped[i].m.chunk == b->address)
            return walk_element(s->walk, s->mapped[i].m.address, MAPPED_OWNER, 0);
    return 0;
}
