// What the library of own_operators.cc offers.
#ifndef TEST_PRELOAD_OWN_OPERATORS_H
#define TEST_PRELOAD_OWN_OPERATORS_H

#include <cstddef>

struct own_operators {
    void *(*make)(std::size_t bytes);
    void *(*make_array)(std::size_t bytes);
    void *(*make_aligned)(std::size_t bytes, std::size_t align);
    void (*drop)(void *mem);
    void (*drop_array)(void *mem);
    void (*count)(long *made, long *dropped);
};

#endif
