// Acceptance case 6, in C++: sized operator delete with a wrong size is never trusted,
// and reported from check level 1 on.
#include <csignal>
#include <initializer_list>
#include <cstring>
#include <new>
#include <sys/wait.h>

#include "api/names.h"
#include "support/expect.h"
extern "C" {
#include "support/child.h"
}

namespace
{

outcome out;

int lie_a_lot()
{
    for (int round = 0; round < 3000; round++) {
        auto size = static_cast<std::size_t>(round) * 13 + 1;
        void *mem = ::operator new(size);
        std::memset(mem, 1, size);
        ::operator delete(mem, size * 3 + 5);
        mem = ::operator new[](size, std::align_val_t(64));
        std::memset(mem, 1, size);
        ::operator delete[](mem, size / 2, std::align_val_t(64));
    }
    return 0;
}

int play(const char *part)
{
    if (!std::strcmp(part, "whole"))
        return lie_a_lot();
    if (!std::strcmp(part, "right")) {
        ::operator delete(::operator new(100), std::size_t(100));
        return 0;
    }
    if (!std::strcmp(part, "array"))
        ::operator delete[](::operator new[](100), std::size_t(5000));
    else
        ::operator delete(::operator new(5000), std::size_t(100));
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc > 1)
        return play(argv[1]);
    EXPECT(child_again(&out, "whole", "CHUNKY_CONF", "check=0"));
    EXPECT_F(child_is_fine(&out), "check=0: %s", out.text);
    EXPECT(child_again(&out, "right", "CHUNKY_CONF", "check=1"));
    EXPECT_F(child_is_fine(&out), "right size: %s", out.text);
    for (const char *lie : {"array", "plain"}) {
        EXPECT(child_again(&out, lie, "CHUNKY_CONF", "check=1"));
        EXPECT_F(WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGABRT,
                 "%s: status %#x", lie, out.status);
        EXPECT_F(std::strstr(out.text, "size"), "it said: %s", out.text);
    }
    return expect_done();
}
