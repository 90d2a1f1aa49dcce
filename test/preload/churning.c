/*
 * Works for the allocator that it is given, whichever it is, and prints that all was well.
 */
#include "allocator.h"

#include "support/expect.h"

#include <string.h>

int main(void)
{
    EXPECT(allocator_churn(1, 8000, 20) == 0);
    EXPECT(allocator_churn_threads(4, 0, 12000, 15) == 0);
    char *copy = strdup("copied by the C library");
    EXPECT(copy && strlen(copy) == 23);
    free(copy);
    int status = expect_done();
    if (status == 0)
        puts("all was well");
    return status;
}
