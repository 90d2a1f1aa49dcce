/* Arrays that grow, for the tool: it may use the system's malloc and simply ends when
 * there is none left. */
#ifndef TOOL_PLAY_LIST_H
#define TOOL_PLAY_LIST_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* The tool's answer to having no memory left. */
static inline _Noreturn void list_fail(void)
{
    fputs("chunky: out of memory\n", stderr);
    exit(3);
}

/* `list` with room for `count` more elements of `each` bytes behind the first `used`;
 * *room is the number it has room for. */
static inline void *list_room(void *list, size_t *room, size_t used, size_t count,
                              size_t each)
{
    if (*room - used >= count)
        return list;
    size_t more = (used + count) * 2 + 8;
    void *larger = realloc(list, more * each);
    if (larger == NULL)
        list_fail();
    *room = more;
    return larger;
}

#endif
