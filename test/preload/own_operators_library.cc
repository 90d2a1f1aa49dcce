// A library with a whole set of operators of its own, bound to itself and versioned
// (-Bsymbolic, own_operators.map), as LLVM's for Rust: its blocks are malloc's.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "own_operators.h"

namespace
{

long made, dropped;

void *make(std::size_t bytes)
{
    made++;
    return std::malloc(bytes == 0 ? 1 : bytes);
}

void *make(std::size_t bytes, std::align_val_t align)
{
    const auto boundary = static_cast<std::size_t>(align);
    made++;
    return std::aligned_alloc(boundary, (bytes + boundary - 1) & ~(boundary - 1));
}

void drop(void *mem)
{
    dropped++;
    std::free(mem);
}

} // namespace

// clang-format off
#define EXPORTED __attribute__((visibility("default")))
EXPORTED void *operator new(std::size_t bytes) { return make(bytes); }
EXPORTED void *operator new[](std::size_t bytes) { return make(bytes); }
EXPORTED void *operator new(std::size_t bytes, const std::nothrow_t &) noexcept { return make(bytes); }
EXPORTED void *operator new[](std::size_t bytes, const std::nothrow_t &) noexcept { return make(bytes); }
EXPORTED void *operator new(std::size_t bytes, std::align_val_t align) { return make(bytes, align); }
EXPORTED void *operator new[](std::size_t bytes, std::align_val_t align) { return make(bytes, align); }
EXPORTED void operator delete(void *mem) noexcept { drop(mem); }
EXPORTED void operator delete[](void *mem) noexcept { drop(mem); }
EXPORTED void operator delete(void *mem, std::size_t) noexcept { drop(mem); }
EXPORTED void operator delete[](void *mem, std::size_t) noexcept { drop(mem); }
EXPORTED void operator delete(void *mem, const std::nothrow_t &) noexcept { drop(mem); }
EXPORTED void operator delete[](void *mem, const std::nothrow_t &) noexcept { drop(mem); }
EXPORTED void operator delete(void *mem, std::align_val_t) noexcept { drop(mem); }
EXPORTED void operator delete[](void *mem, std::align_val_t) noexcept { drop(mem); }
EXPORTED void operator delete(void *mem, std::size_t, std::align_val_t) noexcept { drop(mem); }
EXPORTED void operator delete[](void *mem, std::size_t, std::align_val_t) noexcept { drop(mem); }
// clang-format on

static void *library_new(std::size_t bytes)
{
    return ::operator new(bytes);
}

static void *library_new_array(std::size_t bytes)
{
    return ::operator new[](bytes);
}

static void *library_new_aligned(std::size_t bytes, std::size_t align)
{
    return ::operator new(bytes, static_cast<std::align_val_t>(align));
}

static void library_delete(void *mem)
{
    ::operator delete(mem);
}

static void library_delete_array(void *mem)
{
    ::operator delete[](mem);
}

static void library_count(long *all_made, long *all_dropped)
{
    *all_made = made;
    *all_dropped = dropped;
}

extern "C" EXPORTED const struct own_operators own_operators;
const struct own_operators own_operators = {
    library_new,    library_new_array,    library_new_aligned,
    library_delete, library_delete_array, library_count,
};
