/* A module for deepbind.c: which malloc it has, and blocks that come and go. */
#include <stdlib.h>
#include <string.h>

void *(*plugin_malloc(void))(size_t);
char *plugin_take(const char *text);
void plugin_give(char *text);

void *(*plugin_malloc(void))(size_t)
{
    return malloc;
}

char *plugin_take(const char *text)
{
    return strdup(text);
}

void plugin_give(char *text)
{
    free(text);
}
