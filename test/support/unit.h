/* What every unit test includes: cmocka with the headers that it wants first.
 * A test program's main returns cmocka_run_group_tests(tests, NULL, NULL). */
#ifndef TEST_SUPPORT_UNIT_H
#define TEST_SUPPORT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
