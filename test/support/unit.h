/* What every unit test includes first: cmocka, with the headers that it wants before it,
 * and expect_fail() for our own checks. A test program's main returns
 * cmocka_run_group_tests(tests, NULL, NULL). */
#ifndef TEST_SUPPORT_UNIT_H
#define TEST_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's fail() is a macro and would hide base/check.h's; unit_fail() stands for it. */
#undef fail
#undef fail_msg
#define unit_fail(text) unit_fail_at((text), __FILE__, __LINE__)
_Noreturn void unit_fail_at(const char *text, const char *file, int line);

/* Runs call(argument), which must end in a check named `rule` (GUARD, ASSERT, fail); a
 * `rule` that ends in * is only the start of its text. The test fails when no check
 * fires, or another one. For layers below front. */
void expect_fail(const char *rule, void (*call)(void *), void *argument);

#endif
