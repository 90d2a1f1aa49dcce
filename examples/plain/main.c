/*
 * Linked with -lchunky, every malloc of the program and of its libraries is Chunky's.
 *   cc main.c -lchunky -o main && ./main
 */
#include <chunky.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *text = malloc(100);
    if (text == NULL)
        return 1;
    strcpy(text, "hello");
    struct mallinfo2 info = mallinfo2();
    printf("%s from Chunky %s: %zu bytes usable, heap of %s\n", text, chunky_version(),
           malloc_usable_size(text), info.arena > 0 ? "Chunky" : "nobody");
    free(text);
    return 0;
}
