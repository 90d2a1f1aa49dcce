// C++ linked with libchunky.a: operators new and delete end in Chunky too.
#include "chunky.h"

#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

struct alignas(128) wide {
    char bytes[256];
};

int main()
{
    auto *block = static_cast<char *>(::operator new(100));
    chunky_free(block);
    ::operator delete(chunky_malloc(50));
    bool refused = false;
    try {
        volatile std::size_t huge = static_cast<std::size_t>(-1) / 2 - 9;
        ::operator delete(::operator new(huge));
    } catch (std::bad_alloc &) {
        refused = true;
    }
    std::map<int, std::string> lines;
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<wide>> wides(8);
    for (std::size_t n = 0; n < 8; n++)
        threads.emplace_back([&wides, n] {
            std::vector<std::string> words;
            for (std::size_t i = 0; i < 20000; i++)
                words.emplace_back(i % 300, 'w');
            wides[n] = std::make_unique<wide>();
        });
    for (auto &thread : threads)
        thread.join();
    for (int i = 0; i < 20000; i++)
        lines[i * 7919 % 5003] += std::to_string(i);
    bool aligned = true;
    for (auto &one : wides)
        aligned = aligned && reinterpret_cast<std::size_t>(one.get()) % 128 == 0;
    std::cout << (refused && aligned && lines.size() == 5003 ? "all was well"
                                                             : "failed")
              << '\n';
    return refused && aligned ? 0 : 1;
}
