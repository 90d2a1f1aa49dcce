/*
 * Blocks that the C library allocates and the program frees, or the other way round.
 */
#include "allocator.h"

#include "support/expect.h"

#include <argz.h>
#include <dirent.h>
#include <glob.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

static void streams(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    REQUIRE(out != NULL);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "line %d\n", i);
    EXPECT(fclose(out) == 0 && size == strlen(text));

    FILE *in = fmemopen(text, size, "r");
    char *line = malloc(2);
    size_t room = 2;
    long lines = 0;
    REQUIRE(in != NULL);
    while (getline(&line, &room, in) > 0)
        lines++;
    EXPECT(lines == 20000 && !strcmp(line, "line 19999\n"));
    fclose(in);
    free(line);
    free(text);

    char *made = NULL;
    char *long_word = NULL;
    EXPECT(asprintf(&made, "%0300d %ls", 7, L"wide") == 305);
    EXPECT(sscanf(made, "%ms", &long_word) == 1 && strlen(long_word) == 300);
    free(made);
    free(long_word);
}

static int any(const struct dirent *entry)
{
    return entry->d_name[0] != '\0';
}

static void names(void)
{
    struct dirent **entries = NULL;
    int count = scandir("/usr/bin", &entries, any, alphasort);
    EXPECT(count > 2);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);

    char *real = realpath("/usr/bin/../bin/.", NULL);
    char *here = getcwd(NULL, 0);
    EXPECT(real && here);
    free(real);
    free(here);

    glob_t found;
    EXPECT(glob("/usr/lib/*", 0, NULL, &found) == 0 && found.gl_pathc > 0);
    globfree(&found);

    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST};
    struct addrinfo *address = NULL;
    EXPECT(getaddrinfo("127.0.0.1", NULL, &hints, &address) == 0);
    freeaddrinfo(address);
}

static void locales(void)
{
    EXPECT(setlocale(LC_ALL, "C.UTF-8") != NULL || setlocale(LC_ALL, "C") != NULL);
    locale_t other = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    EXPECT(other != (locale_t)0);
    freelocale(other);
    iconv_t convert = iconv_open("UTF-16LE", "UTF-8");
    EXPECT(convert != (iconv_t)-1 && iconv_close(convert) == 0);

    regex_t expression;
    regmatch_t match[3];
    EXPECT(regcomp(&expression, "(a|b)*c{2,40}([d-f]+)", REG_EXTENDED) == 0);
    EXPECT(regexec(&expression, "xxababccccdef", 3, match, 0) == 0 &&
           match[2].rm_so == 10);
    regfree(&expression);
    setlocale(LC_ALL, "C");
}

static int by_number(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int freed_nodes;

static void free_node(void *node)
{
    free(node);
    freed_nodes++;
}

static void containers(void)
{
    enum { COUNT = 50000 };
    int *numbers = malloc(COUNT * sizeof *numbers);
    void *root = NULL;
    REQUIRE(numbers != NULL);
    for (int i = 0; i < COUNT; i++)
        numbers[i] = (int)((unsigned)i * 7919u % 50021u);
    qsort(numbers, COUNT, sizeof *numbers, by_number);
    for (int i = 1; i < COUNT; i++)
        EXPECT(numbers[i - 1] <= numbers[i]);
    free(numbers);

    for (int i = 0; i < 3000; i++) {
        int *key = malloc(sizeof *key);
        REQUIRE(key != NULL);
        *key = i * 7919 % 3001;
        EXPECT(tsearch(key, &root, by_number) != NULL);
    }
    tdestroy(root, free_node);
    EXPECT(freed_nodes == 3000);

    char *vector = NULL;
    size_t length = 0;
    for (int i = 0; i < 2000; i++)
        EXPECT(argz_add(&vector, &length, "element") == 0);
    EXPECT(argz_count(vector, length) == 2000);
    free(vector);

    EXPECT(hcreate(5000) != 0);
    hdestroy();
    for (int i = 0; i < 500; i++) {
        char name[32], value[200];
        snprintf(name, sizeof name, "CHUNKY_TEST_%d", i);
        snprintf(value, sizeof value, "%0*d", i % 150 + 1, i);
        EXPECT(setenv(name, value, 1) == 0);
        if (i % 3)
            EXPECT(unsetenv(name) == 0);
    }
}

int main(void)
{
    REQUIRE(allocator_is_preloaded());
    for (int round = 0; round < 5; round++) {
        streams();
        names();
        locales();
        containers();
        freed_nodes = 0;
    }
    wchar_t *wide = wcsdup(L"wide");
    char *copy = strndup("a copy", 4);
    EXPECT(wide && copy && wcslen(wide) == 4 && !strcmp(copy, "a co"));
    free(wide);
    free(copy);
    return expect_done();
}
