/* Acceptance case 7: an unknown or malformed CHUNKY_CONF option. Is there one line on
 * standard error, with the nearest name, and does the program run? */
#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"

static struct outcome out;

static int use_the_heap(void)
{
    void *mem[100];
    for (size_t i = 0; i < 100; i++)
        if (GOT(mem[i] = malloc(i * 100)))
            memset(mem[i], 1, i * 100);
    for (size_t i = 0; i < 100; i++)
        free(mem[i]);
    return 0;
}

static void says_one_line(const char *conf, const char *nearest)
{
    REQUIRE(child_again(&out, "use", "CHUNKY_CONF", conf));
    EXPECT_F(child_is_fine(&out), "\"%s\": status %#x, %s", conf, out.status, out.text);
    EXPECT_F(child_lines(&out) == 1, "\"%s\": %zu lines: %s", conf, child_lines(&out),
             out.text);
    if (nearest)
        EXPECT_F(strstr(out.text, nearest), "\"%s\": %s", conf, out.text);
}

static void says_nothing(const char *conf)
{
    REQUIRE(child_again(&out, "use", "CHUNKY_CONF", conf));
    EXPECT_F(child_is_fine(&out), "\"%s\": status %#x", conf, out.status);
    EXPECT_F(out.length == 0, "\"%s\": %s", conf, out.text);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return use_the_heap();
    (void)argv;
    says_one_line("chek=1", "check");
    says_one_line("checks=1", "check");
    says_one_line("CHECK=1", "check");
    says_one_line("hceck=0", "check");
    says_one_line("check=0,chekc=1", "check");
    says_one_line("chek=1,check=0", "check");
    says_one_line("zzzzqqqq=17", NULL);
    says_one_line("check=many", "check");
    says_one_line("check=", "check");
    says_one_line("check", "check");
    says_one_line("check=99999999999999999999999", "check");
    says_one_line("check=-1", "check");
    says_one_line("check=1x", "check");
    says_one_line("=1", NULL);
    says_nothing("");
    says_nothing("check=0");
    says_nothing("check=1");

    /* Much too long, and full of what a terminal should not get. */
    static char long_conf[5000];
    memset(long_conf, 'x', sizeof long_conf - 1);
    says_one_line(long_conf, NULL);
    says_one_line("ch\x1b[31m\neck=1", NULL);

    REQUIRE(child_again(&out, "use", "CHUNKY_CONF", "help"));
    EXPECT(child_is_fine(&out));
    EXPECT_F(child_lines(&out) > 3 && strstr(out.text, "check"), "help: %s", out.text);
    return expect_done();
}
