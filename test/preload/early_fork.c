/* Do constructors of other libraries fork well, before that of the allocator has run? What
 * they did is in early_fork_library.c. */
#include "allocator.h"

#include "support/expect.h"

int early_fork_failed(void);

int main(void)
{
    EXPECT(allocator_is_preloaded());
    EXPECT(early_fork_failed() == 0);
    return expect_done();
}
