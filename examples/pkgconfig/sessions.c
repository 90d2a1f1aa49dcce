/* A heap with a name for what belongs together: looked at, and freed at once. */
#include <chunky.h>
#include <stdio.h>
#include <string.h>

struct session {
    struct session *next;
    char user[24];
};

static int count_block(const struct chunky_block *block, void *total)
{
    *(size_t *)total += block->usable;
    return 0;
}

int main(void)
{
    struct chunky_heap *heap = chunky_heap_create("sessions", 0);
    struct session *first = NULL;
    if (heap == NULL)
        return 1;
    for (int i = 0; i < 1000; i++) {
        struct session *s = chunky_heap_malloc(heap, sizeof *s);
        if (s == NULL)
            return 1;
        snprintf(s->user, sizeof s->user, "user %d", i);
        s->next = first;
        first = s;
    }
    size_t usable = 0;
    chunky_heap_walk(heap, count_block, &usable);
    printf("heap \"%s\": newest is %s, %s for 1000 of them\n", chunky_heap_name(heap),
           first->user, usable >= 1000 * sizeof *first ? "room" : "no room");
    chunky_heap_destroy(heap); /* all thousand at once */
    return 0;
}
