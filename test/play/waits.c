/* What explain.py asks about: blocks in known states; each line is a name and a number. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    static char line[4096];
    setvbuf(stdout, line, _IOLBF, sizeof line);
    char *idle = malloc(100), *used = malloc(100), *small = used, *apart = malloc(100);
    char *mapped = malloc(400000), *before = malloc(40000), *beside = malloc(40000);
    char *between = malloc(300), *last = malloc(50000);
    if (apart == NULL || mapped == NULL || between == NULL)
        return 1;
    free(idle);
    free(before);
    printf("cached 100\nidle %p\nused %p\nsmall %p\nodd %p\nmapped %p\nbeside %p\n"
           "last %p\nready\n",
           (void *)idle, (void *)used, (void *)small, (void *)(used + 8),
           (void *)mapped, (void *)beside, (void *)last);
    (void)getchar();
    return 0;
}
