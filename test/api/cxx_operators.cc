// Does every form of operator new and delete work, each block freed by every form that
// may free it, aligned as asked, and does failure throw or return null as the form says?
#include <cstring>
#include <new>

#include "api/names.h"
#include "support/expect.h"

namespace
{

const std::size_t sizes[] = {0, 1, 16, 24, 100, 1024, 5000, 40000, 300000, 5000000};

void check_block(void *mem, std::size_t bytes, std::size_t align)
{
    EXPECT_F(is_aligned(mem, align), "%zu bytes at %p", bytes, mem);
    EXPECT(malloc_usable_size(mem) >= bytes);
    std::memset(mem, 0x77, bytes);
}

// The ways to delete what a form of new made; each takes its turn.
void drop(void *mem, std::size_t bytes, unsigned way)
{
    switch (way % 3) {
    case 0:
        ::operator delete(mem);
        break;
    case 1:
        ::operator delete(mem, bytes);
        break;
    default:
        ::operator delete(mem, std::nothrow);
    }
}

void drop_array(void *mem, std::size_t bytes, unsigned way)
{
    switch (way % 3) {
    case 0:
        ::operator delete[](mem);
        break;
    case 1:
        ::operator delete[](mem, bytes);
        break;
    default:
        ::operator delete[](mem, std::nothrow);
    }
}

void drop_aligned(void *mem, std::size_t bytes, std::align_val_t align, unsigned way)
{
    switch (way % 6) {
    case 0:
        return ::operator delete(mem, align);
    case 1:
        return ::operator delete(mem, bytes, align);
    case 2:
        return ::operator delete(mem, align, std::nothrow);
    case 3:
        return ::operator delete[](mem, align);
    case 4:
        return ::operator delete[](mem, bytes, align);
    default:
        return ::operator delete[](mem, align, std::nothrow);
    }
}

void plain_forms(std::size_t bytes, unsigned way)
{
    void *mem = ::operator new(bytes);
    EXPECT(mem != nullptr);
    check_block(mem, bytes, LEAST_ALIGN);
    drop(mem, bytes, way);
    mem = ::operator new(bytes, std::nothrow);
    if (GOT(mem))
        check_block(mem, bytes, LEAST_ALIGN);
    drop(mem, bytes, way);
    mem = ::operator new[](bytes);
    check_block(mem, bytes, LEAST_ALIGN);
    drop_array(mem, bytes, way);
    mem = ::operator new[](bytes, std::nothrow);
    if (GOT(mem))
        check_block(mem, bytes, LEAST_ALIGN);
    drop_array(mem, bytes, way);
}

void aligned_forms(std::size_t bytes, std::size_t to, unsigned way)
{
    auto align = static_cast<std::align_val_t>(to);
    void *mem = way < 3 ? ::operator new(bytes, align) : ::operator new[](bytes, align);
    check_block(mem, bytes, to);
    drop_aligned(mem, bytes, align, way);
    mem = way < 3 ? ::operator new(bytes, align, std::nothrow)
                  : ::operator new[](bytes, align, std::nothrow);
    if (GOT(mem))
        check_block(mem, bytes, to);
    drop_aligned(mem, bytes, align, way);
}

template <typename Call> bool throws_bad_alloc(Call call)
{
    try {
        void *mem = call();
        EXPECT(mem == nullptr);
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

void failing_forms()
{
    const std::size_t huge[] = {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX - 40, PTRDIFF_MAX,
                                SIZE_MAX / 2 + 1};
    for (std::size_t raw : huge) {
        std::size_t n = unknown(raw);
        auto align = std::align_val_t(64);
        EXPECT(throws_bad_alloc([=] { return ::operator new(n); }));
        EXPECT(throws_bad_alloc([=] { return ::operator new[](n); }));
        EXPECT(throws_bad_alloc([=] { return ::operator new(n, align); }));
        EXPECT(throws_bad_alloc([=] { return ::operator new[](n, align); }));
        EXPECT(::operator new(n, std::nothrow) == nullptr);
        EXPECT(::operator new[](n, std::nothrow) == nullptr);
        EXPECT(::operator new(n, align, std::nothrow) == nullptr);
        EXPECT(::operator new[](n, align, std::nothrow) == nullptr);
    }
    struct wide {
        char bytes[64];
    };
    std::size_t too_many = unknown(SIZE_MAX / sizeof(wide) + 2);
    EXPECT(throws_bad_alloc([=] { return static_cast<void *>(new wide[too_many]); }));
}

struct alignas(128) over_aligned {
    char bytes[200];
    ~over_aligned()
    {
        bytes[0] = 0;
    }
};

// As programs write it; the compiler picks the forms.
void expressions()
{
    for (unsigned i = 1; i < 200; i++) {
        auto *one = new over_aligned;
        auto *many = new over_aligned[i];
        EXPECT(is_aligned(one, 128) && is_aligned(many, 128));
        auto *words = new long[i * 10]();
        EXPECT(words[i * 10 - 1] == 0);
        delete one;
        delete[] many;
        delete[] words;
    }
}

void nulls()
{
    errno = EPROTO;
    for (unsigned way = 0; way < 6; way++) {
        drop(nullptr, 8, way);
        drop_array(nullptr, 8, way);
        drop_aligned(nullptr, 8, std::align_val_t(64), way);
    }
    EXPECT(errno == EPROTO);
}

} // namespace

int main()
{
    for (std::size_t bytes : sizes) {
        for (unsigned way = 0; way < 6; way++) {
            try {
                plain_forms(bytes, way);
                for (std::size_t align = 1; align <= 1 << 16; align *= 2)
                    aligned_forms(bytes, align, way);
            } catch (const std::bad_alloc &) {
                EXPECT(memory_may_run_out());
            }
        }
    }
    try {
        expressions();
    } catch (const std::bad_alloc &) {
        EXPECT(memory_may_run_out());
    }
    failing_forms();
    nulls();
    return expect_done();
}
