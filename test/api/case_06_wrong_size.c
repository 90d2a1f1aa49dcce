/* Acceptance case 6: free_sized with a wrong size. At check level 0 it is not trusted:
 * the heap stays whole. From level 1 on a size that cannot be is reported. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"
#include "support/pattern.h"

enum { BLOCKS = 500, SIZES = 6, MUCH = 4 << 20 };

static const size_t sizes[SIZES] = {24, 100, 1024, 5000, 70000, 3000000};
static struct outcome out;

/* As many of a size as make a few MiB; the rest are NULL. */
static void fill(unsigned char **mem, size_t bytes)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        mem[i] = NULL;
        if (i * bytes > MUCH)
            continue;
        mem[i] = i % 2 ? malloc(bytes) : aligned_alloc(64, bytes);
        if (mem[i])
            pattern_fill_sparse(mem[i], bytes, i);
    }
}

/* Frees all, saying sizes that are wrong by far, and then uses the heap again. */
static int lie_a_lot(void)
{
    static unsigned char *mem[BLOCKS];
    for (size_t s = 0; s < SIZES; s++) {
        fill(mem, sizes[s]);
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t said = i % 3 ? sizes[(s + i) % SIZES] : unknown(SIZE_MAX - i);
            if (i % 2)
                free_sized(mem[i], said);
            else
                free_aligned_sized(mem[i], (size_t)1 << i % 13, said);
        }
        for (size_t t = 0; t < SIZES; t++) {
            fill(mem, sizes[t]);
            for (size_t i = 0; i < BLOCKS; i++) {
                if (mem[i])
                    EXPECT(pattern_holds_sparse(mem[i], sizes[t], i));
                free(mem[i]);
            }
        }
    }
    return expect_done();
}

static int lie_once(size_t bytes, size_t said)
{
    void *mem = malloc(bytes);
    free_sized(mem, unknown(said));
    return 0;
}

static int lie_about_alignment(void)
{
    char *mem = malloc(1000);
    size_t align = 16;
    while (is_aligned(mem, align))
        align *= 2;
    free_aligned_sized(mem, align, 1000);
    return 0;
}

static void is_reported(const char *lie, const char *level)
{
    char conf[16] = "check=";
    strcat(conf, level);
    REQUIRE(child_again(&out, lie, "CHUNKY_CONF", conf));
    EXPECT_F(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGABRT,
             "%s at check=%s: status %#x", lie, level, out.status);
    EXPECT_F(strstr(out.text, lie[0] == 'a' ? "align" : "size"), "it said: %s",
             out.text);
}

static int play(const char *part)
{
    if (!strcmp(part, "whole"))
        return lie_a_lot();
    if (!strcmp(part, "larger"))
        return lie_once(100, 5000);
    if (!strcmp(part, "smaller"))
        return lie_once(5000, 100);
    if (!strcmp(part, "huge"))
        return lie_once(100, SIZE_MAX);
    if (!strcmp(part, "mapped"))
        return lie_once(3000000, 100);
    if (!strcmp(part, "right"))
        return lie_once(100, 100) || lie_once(3000000, 3000000) || lie_once(0, 0);
    return lie_about_alignment();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return play(argv[1]);
    static const char *const levels[] = {"1", "2", "3"};
    static const char *const lies[] = {"larger", "smaller", "huge", "mapped",
                                       "alignment"};
    EXPECT(child_again(&out, "whole", "CHUNKY_CONF", "check=0"));
    EXPECT_F(child_is_fine(&out), "check=0: %s", out.text);
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        char conf[16] = "check=";
        strcat(conf, levels[l]);
        EXPECT(child_again(&out, "right", "CHUNKY_CONF", conf));
        EXPECT_F(child_is_fine(&out) && out.length == 0, "%s: %s", conf, out.text);
        for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
            is_reported(lies[i], levels[l]);
    }
    return expect_done();
}
