/* Level 3 as it samples (check=3): one of many blocks lies between guard pages. It is used
 * as any other, and a call that is handed it once it is freed says which call it was. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "api/names.h"
#include "chunky.h"
#include "support/child.h"
#include "support/expect.h"

enum { BLOCKS = 100000, BYTES = 100 };

static int find_guarded(const struct chunky_block *b, void *context)
{
    if (!b->is_mapped || b->bytes != BYTES)
        return 0;
    *(void **)context = b->mem;
    return 1;
}

/* One of many, filled; the others stay. */
static unsigned char *take_guarded(void)
{
    unsigned char *p = NULL;
    for (int i = 0; i < BLOCKS; i++)
        if (GOT(p = malloc(BYTES)))
            memset(p, 0x5a, BYTES);
    p = NULL;
    EXPECT(chunky_walk(find_guarded, &p) == 1);
    REQUIRE(p != NULL);
    return p;
}

static void use(unsigned char *p)
{
    EXPECT(malloc_usable_size(p) == BYTES);
    p = realloc(p, 2 * BYTES);
    if (GOT(p))
        for (size_t i = 0; i < BYTES; i++)
            EXPECT(p[i] == 0x5a);
    free(p);
}

/* realloc hands out guarded blocks, too. */
static void use_realloc(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        char *p = malloc(BYTES / 2);
        free(GOT(p) ? realloc(p, BYTES) : NULL);
    }
}

/* What was a mapping, at a place in its page where no block of its own starts. */
static void misuse_unmapped(const char *how)
{
    char *p = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(malloc(BYTES));
    REQUIRE(p != MAP_FAILED);
    munmap(p, 65536);
    p += 4096 + 48;
    if (strcmp(how, "unmapped realloc") == 0)
        free(realloc(unknown_mem(p), 2 * BYTES));
    else
        EXPECT(malloc_usable_size(unknown_mem(p)) == 0);
}

static void misuse(const char *how)
{
    unsigned char *p = take_guarded();
    free(p);
    if (strcmp(how, "free") == 0)
        free(unknown_mem(p));
    else if (strcmp(how, "realloc") == 0)
        free(realloc(unknown_mem(p), 2 * BYTES));
    else
        EXPECT(malloc_usable_size(unknown_mem(p)) == 0);
}

int main(int argc, char **argv)
{
    static const char *const hows[] = {"free", "realloc", "malloc_usable_size",
                                       "unmapped realloc",
                                       "unmapped malloc_usable_size"};
    static struct outcome out;
    if (UNDER_SANITIZER || memory_may_run_out())
        SKIP("level 3 needs its own SIGSEGV, and memory");
    if (argc > 1 && strcmp(argv[1], "use") == 0)
        use(take_guarded());
    else if (argc > 1 && strcmp(argv[1], "use realloc") == 0)
        use_realloc();
    else if (argc > 1 && strncmp(argv[1], "unmapped", 8) == 0)
        misuse_unmapped(argv[1]);
    else if (argc > 1)
        misuse(argv[1]);
    if (argc > 1)
        return expect_done();
    REQUIRE(child_again(&out, "use", "CHUNKY_CONF", "check=3"));
    EXPECT_F(child_is_fine(&out), "%s", out.text);
    REQUIRE(child_again(&out, "use realloc", "CHUNKY_CONF", "check=3,request=1"));
    EXPECT_F(child_is_fine(&out), "%s", out.text);
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        char told[64];
        const char *verb =
            strncmp(hows[i], "unmapped ", 9) == 0 ? hows[i] + 9 : hows[i];
        snprintf(told, sizeof told, "chunky: %s: ", verb);
        REQUIRE(child_again(&out, hows[i], "CHUNKY_CONF", "check=3"));
        EXPECT(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGABRT);
        EXPECT_F(strstr(out.text, told) != NULL, "%s", out.text);
    }
    return expect_done();
}
