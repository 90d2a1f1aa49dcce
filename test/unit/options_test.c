/* CHUNKY_CONF: values, suffixes, what is refused and how that is said. */
#include "support/unit.h"

#include "front/options.h"
#include "front/upkeep.h"
#include "support/os_fake.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char said[16384];

/* Reads `conf` and keeps what it costs on stderr. Returns the number of lines. */
static unsigned options_read(const char *conf)
{
    FILE *file = tmpfile();
    int saved = dup(2);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), 2);
    os_fake.conf = conf;
    options_init();
    dup2(saved, 2);
    close(saved);
    rewind(file);
    size_t length = fread(said, 1, sizeof said - 1, file);
    said[length] = '\0';
    fclose(file);
    unsigned lines = 0;
    for (const char *s = said; *s != '\0'; s++)
        lines += *s == '\n';
    return lines;
}

/* As the outside sees it. */
static const struct control_option *options_find(const char *name)
{
    for (unsigned i = 0; i < control.count; i++)
        if (strcmp(control.option[i].name, name) == 0)
            return &control.option[i];
    return NULL;
}

static void options_defaults(void **state)
{
    (void)state;
    assert_int_equal(options_read(NULL), 0);
    assert_int_equal(tune.mmap_threshold, 128 * 1024);
    assert_int_equal(tune.check, 0);
    assert_int_equal(tune.dynamic, 1);
    assert_string_equal(options_find("check")->origin, "default");
    assert_null(options_find("no such"));
    assert_int_equal(options_read(""), 0);
    assert_int_equal(options_read(",,,"), 0);
}

static void options_values(void **state)
{
    (void)state;
    assert_int_equal(options_read("purge=3M,fast=2k,cache_total=1G,top_pad=0,check=2"),
                     0);
    assert_int_equal(tune.purge_base, 3 * 1024 * 1024);
    assert_int_equal(tune.fast_bytes, 2048);
    assert_int_equal(tune.cache_total, 1 << 30);
    assert_int_equal(tune.check, 2);
    assert_string_equal(options_find("purge")->origin, "CHUNKY_CONF");
    assert_ptr_equal(options_find("purge")->where, &tune.purge_base);
    assert_string_equal(options_find("depot")->origin, "default");
    /* The last one wins. */
    assert_int_equal(options_read("check=1,check=3,request=1"), 0);
    assert_int_equal(tune.check, 3);
    assert_int_equal(tune.request, 1);
    /* The largest number that there is. */
    assert_int_equal(options_read("trim_threshold=18446744073709551615"), 0);
    assert_true(tune.trim_threshold == SIZE_MAX);
}

static void options_fixed_threshold(void **state)
{
    (void)state;
    assert_int_equal(options_read("mmap_threshold=1M"), 0);
    assert_int_equal(tune.mmap_threshold, 1024 * 1024);
    assert_int_equal(tune.dynamic, 0);
    assert_int_equal(options_read("mmap_threshold=1M,dynamic=1"), 0);
    assert_int_equal(tune.dynamic, 1);
}

static void options_malformed(void **state)
{
    (void)state;
    const char *const bad[] = {"purge",
                               "purge=",
                               "purge=x",
                               "purge=1x",
                               "purge=1MM",
                               "purge=-1",
                               "purge=1T",
                               "check=4",
                               "check=99999999999999999999",
                               "purge=18446744073709551616",
                               "purge=184467440737095516150",
                               "purge=99999999999999999G"};
    options_read(NULL);
    size_t purge = tune.purge_base;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(options_read(bad[i]), 1);
        assert_non_null(strstr(said, "wants a number"));
        assert_int_equal(tune.purge_base, purge);
        assert_int_equal(tune.check, 0);
    }
    /* And the rest of the line counts. */
    assert_int_equal(options_read("check=9,purge=4M"), 1);
    assert_int_equal(tune.purge_base, 4 * 1024 * 1024);
}

static void options_unknown(void **state)
{
    (void)state;
    assert_int_equal(options_read("purg=1"), 1);
    assert_non_null(strstr(said, "\"purg\""));
    assert_non_null(strstr(said, "did you mean \"purge\""));
    assert_int_equal(options_read("chekc=1"), 1);
    assert_non_null(strstr(said, "did you mean \"check\""));
    assert_int_equal(options_read("a_name_that_is_much_longer_than_any_of_them_is=1"),
                     1);
    assert_int_equal(options_read("=1"), 1);
    assert_int_equal(options_read("a\x1b[31m\n=1"), 1);
    assert_null(strchr(said, '\x1b'));
    assert_int_equal(options_read("x,y,z"), 3);
}

static void options_from_mallopt(void **state)
{
    (void)state;
    options_read(NULL);
    options_note((const void *)&tune.top_pad, "mallopt");
    assert_string_equal(options_find("top_pad")->origin, "mallopt");
}

static void options_list(void **state)
{
    (void)state;
    unsigned lines = options_read("help");
    for (unsigned i = 0; i < control.count; i++)
        assert_non_null(strstr(said, control.option[i].name));
    assert_int_equal(lines, control.count + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_defaults),
        cmocka_unit_test(options_values),
        cmocka_unit_test(options_fixed_threshold),
        cmocka_unit_test(options_malformed),
        cmocka_unit_test(options_unknown),
        cmocka_unit_test(options_from_mallopt),
        cmocka_unit_test(options_list), /* the last: help stays asked for */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
