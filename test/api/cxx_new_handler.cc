// Is the new_handler called again and again until there is memory, or until it gives up
// by throwing, by removing itself, or by ending the program?
#include <new>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/names.h"
#include "support/expect.h"
#include "support/proc.h"

namespace
{

const std::size_t MIB = 1 << 20;
int calls;
struct rlimit roomy;

void give_room_at_third()
{
    if (++calls == 3)
        setrlimit(RLIMIT_AS, &roomy);
}

void remove_myself_at_fourth()
{
    if (++calls == 4)
        std::set_new_handler(nullptr);
}

struct my_failure : std::bad_alloc {
};

void throw_at_second()
{
    if (++calls == 2)
        throw my_failure();
}

void leave_the_program()
{
    _exit(42);
}

void *ask(int form, std::size_t bytes)
{
    auto align = std::align_val_t(256);
    switch (form) {
    case 0:
        return ::operator new(bytes);
    case 1:
        return ::operator new[](bytes);
    case 2:
        return ::operator new(bytes, align);
    case 3:
        return ::operator new[](bytes, align);
    case 4:
        return ::operator new(bytes, std::nothrow);
    case 5:
        return ::operator new[](bytes, std::nothrow);
    case 6:
        return ::operator new(bytes, align, std::nothrow);
    default:
        return ::operator new[](bytes, align, std::nothrow);
    }
}

void drop(int form, void *mem)
{
    auto align = std::align_val_t(256);
    switch (form % 4) {
    case 0:
        return ::operator delete(mem);
    case 1:
        return ::operator delete[](mem);
    case 2:
        return ::operator delete(mem, align);
    default:
        return ::operator delete[](mem, align);
    }
}

bool is_nothrow(int form)
{
    return form >= 4;
}

void handler_makes_room(int form)
{
    struct rlimit tight = roomy;
    tight.rlim_cur = static_cast<rlim_t>(proc_status("VmSize", 10)) * 1024 + 32 * MIB;
    setrlimit(RLIMIT_AS, &tight);
    calls = 0;
    std::set_new_handler(give_room_at_third);
    void *mem = nullptr;
    try {
        /* More than what the turns before may have left mapped. */
        mem = ask(form, (static_cast<std::size_t>(form) + 1) * 100 * MIB);
    } catch (const std::bad_alloc &) {
    }
    std::set_new_handler(nullptr);
    setrlimit(RLIMIT_AS, &roomy);
    EXPECT_F(mem != nullptr && (calls == 3 || memory_may_run_out()),
             "form %d: %p after %d", form, mem, calls);
    drop(form, mem);
}

void handler_gives_up(int form)
{
    calls = 0;
    std::set_new_handler(remove_myself_at_fourth);
    bool thrown = false;
    void *mem = nullptr;
    try {
        mem = ask(form, unknown(PTRDIFF_MAX));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    EXPECT(mem == nullptr);
    EXPECT_F(calls == 4, "form %d: %d calls", form, calls);
    EXPECT_F(thrown != is_nothrow(form), "form %d: thrown %d", form, thrown);
}

void handler_throws(int form)
{
    calls = 0;
    std::set_new_handler(throw_at_second);
    bool mine = false;
    bool other = false;
    void *mem = nullptr;
    try {
        mem = ask(form, unknown(PTRDIFF_MAX));
    } catch (const my_failure &) {
        mine = true;
    } catch (...) {
        other = true;
    }
    std::set_new_handler(nullptr);
    EXPECT(mem == nullptr);
    EXPECT_F(calls == 2, "form %d: %d calls", form, calls);
    EXPECT_F(mine != is_nothrow(form) && !other, "form %d: mine %d other %d", form,
             mine, other);
}

void handler_ends_the_program(int form)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        std::set_new_handler(leave_the_program);
        ask(form, unknown(PTRDIFF_MAX));
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_F(WIFEXITED(status) && WEXITSTATUS(status) == 42, "form %d: status %#x",
             form, status);
}

void no_handler(int form)
{
    bool thrown = false;
    try {
        EXPECT(ask(form, unknown(PTRDIFF_MAX)) == nullptr);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    EXPECT(thrown != is_nothrow(form));
}

} // namespace

int main()
{
    getrlimit(RLIMIT_AS, &roomy);
    for (int form = 0; form < 8; form++) {
        no_handler(form);
        handler_gives_up(form);
        handler_throws(form);
        handler_ends_the_program(form);
        handler_makes_room(form);
    }
    return expect_done();
}
