/* Do constructors before main, atexit functions and destructors after it allocate and
 * free each other's blocks? */
#include "api/names.h"
#include "base/compiler.h"
#include "support/expect.h"
#include "support/pattern.h"

enum { BLOCKS = 50, BYTES = 300 };

static unsigned char *early[BLOCKS];
static unsigned char *late[BLOCKS];

static void make(unsigned char **mem)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        mem[i] = malloc(BYTES + i * 1000);
        if (GOT(mem[i]))
            pattern_fill(mem[i], 0, BYTES, i);
    }
}

static void check_and_free(unsigned char **mem)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (mem[i])
            EXPECT(pattern_differs(mem[i], 0, BYTES, i) == BYTES);
        free(mem[i]);
    }
}

CONSTRUCTOR(101) static void before_main(void)
{
    make(early);
}

static void at_exit(void)
{
    check_and_free(early);
    make(late);
}

DESTRUCTOR static void after_main(void)
{
    check_and_free(late);
    free(calloc(10, 100000));
    if (expect_done())
        _exit(1);
}

int main(void)
{
    make(late);
    check_and_free(late);
    return atexit(at_exit);
}
