/* Does malloc_stats say something on standard error, and nothing on standard output,
 * with errno kept? */
#include <unistd.h>

#include "api/names.h"
#include "support/child.h"
#include "support/expect.h"

static struct outcome out;

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "say")) {
        void *some = malloc(123456);
        errno = EPROTO;
        malloc_stats();
        free(some);
        return errno == EPROTO ? 0 : 1;
    }
    EXPECT(child_again(&out, "say", NULL, NULL));
    EXPECT(child_is_fine(&out));
    EXPECT_F(child_lines(&out) >= 3, "it said: %s", out.text);
    bool digits = false;
    for (size_t i = 0; i < out.length; i++)
        digits |= out.text[i] >= '1' && out.text[i] <= '9';
    EXPECT(digits);
    return expect_done();
}
