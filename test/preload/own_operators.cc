// Blocks go between a program, whose operators are the allocator's, and a library with its
// own: linked, or (with an argument) opened by dlopen. No mistake: all of them are malloc's.
// With TEST_TOLD set, mistakes that are some all the same must end a child.
#include <csignal>
#include <cstdlib>
#include <new>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_operators.h"
#include "support/expect.h"

namespace
{

template <class T> T *hide(T *mem)
{
    T *volatile hidden = mem; // the compiler knows too well what goes with what
    return hidden;
}

const struct own_operators *open_library(const char *path)
{
    void *library = path == nullptr ? RTLD_DEFAULT : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr && path != nullptr)
        return nullptr;
    return static_cast<const struct own_operators *>(dlsym(library, "own_operators"));
}

long from_library(const struct own_operators *o, std::size_t bytes)
{
    ::operator delete(hide(o->make(bytes)));
    ::operator delete(hide(o->make(bytes)), bytes);
    ::operator delete(hide(o->make(bytes)), std::nothrow);
    ::operator delete[](hide(o->make_array(bytes)));
    ::operator delete[](hide(o->make_array(bytes)), bytes);
    ::operator delete[](hide(o->make_array(bytes)), std::nothrow);
    const std::size_t align = 256;
    void *mem = hide(o->make_aligned(bytes, align));
    ::operator delete(mem, bytes, static_cast<std::align_val_t>(align));
    return 7;
}

long to_library(const struct own_operators *o, std::size_t bytes)
{
    o->drop(hide(::operator new(bytes)));
    o->drop(hide(::operator new(bytes, std::nothrow)));
    o->drop_array(hide(::operator new[](bytes)));
    o->drop_array(hide(::operator new[](bytes, std::nothrow)));
    return 4;
}

void free_of_new()
{
    std::free(hide(::operator new(100)));
}

void realloc_of_new()
{
    std::free(std::realloc(hide(::operator new(100)), 200));
}

void wrong_size()
{
    void *mem = hide(::operator new(100));
    ::operator delete(mem, 60);
}

// Whether a child that does this is aborted.
bool is_told(void (*mistake)())
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        if (freopen("/dev/null", "w", stderr) == nullptr)
            _exit(1);
        mistake();
        _exit(0);
    }
    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

} // namespace

int main(int count, char **arguments)
{
    const bool is_checked = std::getenv("TEST_TOLD") != nullptr;
    const char *path = count > 1 ? arguments[1] : nullptr;
    const std::size_t sizes[] = {0, 1, 24, 100, 5000, 300000};
    long made = 0, dropped = 0, all_made = 0, all_dropped = 0;
    if (path != nullptr && is_checked)
        EXPECT(is_told(free_of_new)); // nothing stands between yet
    const struct own_operators *o = open_library(path);
    REQUIRE(o != nullptr);
    for (std::size_t bytes : sizes) {
        made += from_library(o, bytes);
        dropped += to_library(o, bytes);
        o->count(&all_made, &all_dropped);
        EXPECT_F(all_made == made && all_dropped == dropped,
                 "%zu bytes: %ld made, %ld, %ld dropped, %ld", bytes, all_made, made,
                 all_dropped, dropped);
    }
    if (is_checked) {
        EXPECT(is_told(realloc_of_new));
        EXPECT(is_told(wrong_size));
    }
    return expect_done();
}
