// A program that replaces the two plain forms of operator new and delete, as most that do
// it, has every other form stand on those: its blocks are not the allocator's to free.
// With PARTIAL it replaces delete[] as well, but not new[].
#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/expect.h"

#ifndef __clang__
#pragma GCC diagnostic ignored                                                         \
    "-Wsized-deallocation" // that they are missing is the test
#endif

namespace
{

const long mark = 0x5eed;
long made, dropped;

// In front of each block, so that nobody else can free it.
struct alignas(std::max_align_t) front {
    long mark;
};

void drop(void *mem)
{
    if (mem == nullptr)
        return;
    void *volatile hidden = mem; // the compiler knows too well what operator new gave
    auto *at = static_cast<front *>(hidden) - 1;
    EXPECT(at->mark == mark);
    at->mark = 0;
    dropped++;
    std::free(at);
}

} // namespace

void *operator new(std::size_t bytes)
{
    if (bytes > 1U << 30)
        throw std::bad_alloc();
    auto *at = static_cast<front *>(std::malloc(sizeof(front) + bytes));
    EXPECT(at != nullptr);
    at->mark = mark;
    made++;
    return at + 1;
}

void operator delete(void *mem) noexcept
{
    drop(mem);
}

#ifdef PARTIAL
void operator delete[](void *mem) noexcept
{
    drop(mem);
}
#endif

int main()
{
    const std::size_t sizes[] = {1, 24, 100, 5000, 300000};
    long turns = 0;
    for (std::size_t bytes : sizes) {
        ::operator delete(::operator new(bytes));
        ::operator delete(::operator new(bytes), bytes);
        ::operator delete(::operator new(bytes), std::nothrow);
        ::operator delete(::operator new(bytes, std::nothrow), bytes);
        ::operator delete[](::operator new[](bytes));
        ::operator delete[](::operator new[](bytes), bytes);
        ::operator delete[](::operator new[](bytes), std::nothrow);
        ::operator delete[](::operator new[](bytes, std::nothrow), bytes);
        turns += 8;
        EXPECT_F(made == turns && dropped == turns,
                 "%zu bytes: %ld made, %ld dropped, %ld", bytes, made, dropped, turns);
    }
    volatile std::size_t huge = std::size_t{1} << 31;
    EXPECT(::operator new(huge, std::nothrow) == nullptr);
    EXPECT(::operator new[](huge, std::nothrow) == nullptr);
    // Aligned forms stand on the allocator's own.
    const std::align_val_t align{256};
    ::operator delete(::operator new(100, align), 100, align);
    ::operator delete[](::operator new[](100, align), align);
    EXPECT(made == turns && dropped == turns);
    return expect_done();
}
