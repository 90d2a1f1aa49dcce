/* Whose malloc is it? With chunky::calls libc's, in all other ways Chunky's. */
#include <chunky.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    /* Chunky's own count moves when malloc is Chunky's. */
    size_t before = chunky_mallinfo2().hblks;
    void *volatile block = malloc((size_t)1 << 20);
    int is_chunky = chunky_mallinfo2().hblks > before;
    int wanted = argc < 2 || strcmp(argv[1], "calls") != 0;
    void *own = chunky_malloc(100);
    printf("malloc is %s, chunky_malloc gives %zu bytes\n",
           is_chunky ? "Chunky" : "another", chunky_malloc_usable_size(own));
    chunky_free(own);
    free(block);
    return is_chunky != wanted;
}
