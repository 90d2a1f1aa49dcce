/* The fail() of the unit tests of every layer below front: inside expect_fail() it comes
 * back there, anywhere else it fails the running test. */
#include "support/unit.h"

#include "base/check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf fail_back;
static const char *fail_rule; /* what expect_fail() waits for; NULL outside of it */
static const char *fail_seen;

_Noreturn void unit_fail_at(const char *text, const char *file, int line)
{
    print_error("%s\n", text);
    _fail(file, line);
    abort();
}

_Noreturn void fail(const char *rule, const void *mem)
{
    if (fail_rule != NULL) {
        fail_seen = rule;
        longjmp(fail_back, 1);
    }
    print_error("a check fired, mem %p\n", mem);
    unit_fail_at(rule, __FILE__, __LINE__);
}

static bool fail_matches(const char *rule)
{
    size_t length = strlen(rule);
    if (length > 0 && rule[length - 1] == '*')
        return strncmp(fail_seen, rule, length - 1) == 0;
    return strcmp(fail_seen, rule) == 0;
}

void expect_fail(const char *rule, void (*call)(void *), void *argument)
{
    fail_rule = rule;
    fail_seen = NULL;
    if (setjmp(fail_back) == 0)
        call(argument);
    fail_rule = NULL;
    if (fail_seen == NULL)
        print_error("no check fired, expected: %s\n", rule);
    else if (!fail_matches(rule))
        print_error("expected: %s\n   fired: %s\n", rule, fail_seen);
    else
        return;
    _fail(__FILE__, __LINE__);
}
