// Threads that throw, hand over blocks and end: what one thread makes another one frees,
// also from destructors of thread_local objects. Prints sums that do not depend on order.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{
std::atomic<std::uint64_t> ended_sum{0};

class queue
{
    std::mutex lock;
    std::condition_variable ready;
    std::deque<std::shared_ptr<std::string>> items;
    bool closed = false;

  public:
    void push(std::shared_ptr<std::string> item)
    {
        std::lock_guard hold(lock);
        items.push_back(std::move(item));
        ready.notify_one();
    }
    std::shared_ptr<std::string> pop()
    {
        std::unique_lock hold(lock);
        ready.wait(hold, [this] { return closed || !items.empty(); });
        if (items.empty())
            return nullptr;
        auto item = std::move(items.front());
        items.pop_front();
        return item;
    }
    void close()
    {
        std::lock_guard hold(lock);
        closed = true;
        ready.notify_all();
    }
};

// Its destructor runs while the thread ends, and allocates.
struct diary {
    std::map<int, std::string> lines;
    ~diary()
    {
        std::vector<std::string> copies;
        std::uint64_t sum = 0;
        for (auto &[n, line] : lines) {
            copies.push_back(line + line);
            sum += copies.back().size() * static_cast<std::uint64_t>(n);
        }
        ended_sum += sum;
    }
};
thread_local diary today;

struct failure : std::runtime_error {
    std::shared_ptr<std::vector<int>> cargo;
    failure(const std::string &what, int n)
        : std::runtime_error(what), cargo(std::make_shared<std::vector<int>>(n, n))
    {
    }
};

int dig(int depth)
{
    std::string ballast(static_cast<std::size_t>(depth) * 13 % 500, 'b');
    if (depth == 0)
        throw failure("the bottom, " + ballast, 400);
    try {
        return dig(depth - 1) + static_cast<int>(ballast.size());
    } catch (failure &e) {
        if (depth % 7 == 0)
            std::throw_with_nested(std::logic_error("level " + std::to_string(depth)));
        throw;
    } catch (std::logic_error &) {
        if (depth % 11 == 0)
            throw failure("again from " + std::to_string(depth), depth);
        throw;
    }
}

std::size_t dig_in_threads()
{
    std::size_t total = 0;
    for (int round = 0; round < 60; round++) {
        std::vector<std::future<int>> results;
        for (int n = 0; n < 8; n++)
            results.push_back(std::async(std::launch::async, dig, 20 + n * 9));
        for (auto &result : results) {
            try {
                total += static_cast<std::size_t>(result.get());
            } catch (failure &e) {
                total += e.cargo->size() + std::string(e.what()).size();
            } catch (std::exception &e) {
                total += std::string(e.what()).size();
            }
        }
    }
    return total;
}

std::uint64_t hand_over()
{
    queue pipe;
    std::atomic<std::uint64_t> bytes{0};
    std::vector<std::thread> makers, takers;
    for (int m = 0; m < 3; m++)
        makers.emplace_back([&pipe, m] {
            for (int i = 0; i < 120000; i++) {
                auto size =
                    static_cast<std::size_t>((i * 7919 + m) % (i % 500 ? 600 : 90000));
                pipe.push(
                    std::make_shared<std::string>(size, static_cast<char>('a' + m)));
                today.lines[i % 300] += 'x';
            }
        });
    for (int t = 0; t < 3; t++)
        takers.emplace_back([&pipe, &bytes] {
            std::vector<std::shared_ptr<std::string>> kept(64);
            for (std::size_t i = 0; auto item = pipe.pop(); i++) {
                bytes += item->size() + static_cast<unsigned char>(item->c_str()[0]);
                kept[i % kept.size()] = std::move(item);
            }
        });
    for (auto &thread : makers)
        thread.join();
    pipe.close();
    for (auto &thread : takers)
        thread.join();
    return bytes;
}

std::size_t come_and_go()
{
    std::vector<std::unique_ptr<std::vector<std::string>>> gifts(400);
    for (std::size_t first = 0; first < gifts.size(); first += 8) {
        std::vector<std::thread> threads;
        for (std::size_t n = first; n < first + 8; n++)
            threads.emplace_back([&gifts, n] {
                today.lines[static_cast<int>(n)] = std::string(n, 'g');
                gifts[n] = std::make_unique<std::vector<std::string>>();
                for (std::size_t i = 0; i < 200; i++)
                    gifts[n]->emplace_back(n + i, 'y');
            });
        for (auto &thread : threads)
            thread.join();
        if (first >= 80)
            gifts[first - 80].reset();
    }
    std::size_t sum = 0;
    for (auto &gift : gifts)
        for (std::size_t i = 0; gift && i < gift->size(); i++)
            sum += (*gift)[i].size();
    return sum;
}

struct alignas(256) wide {
    char bytes[512];
};

std::size_t unusual_news()
{
    std::size_t refused = 0;
    volatile std::size_t huge = static_cast<std::size_t>(PTRDIFF_MAX) - 4096;
    try {
        std::string s(huge, 'x');
    } catch (std::bad_alloc &) {
        refused++;
    } catch (std::length_error &) {
        refused++;
    }
    try {
        ::operator delete(::operator new(huge));
    } catch (std::bad_alloc &) {
        refused++;
    }
    refused += ::operator new(huge, std::nothrow) == nullptr;
    std::vector<std::unique_ptr<wide>> wides;
    for (int i = 0; i < 2000; i++) {
        wides.push_back(std::make_unique<wide>());
        refused += reinterpret_cast<std::uintptr_t>(wides.back().get()) % 256 != 0;
        if (i % 3 == 0)
            wides[static_cast<std::size_t>(i) / 2].reset();
    }
    return refused;
}
} // namespace

int main()
{
    std::cout << "exceptions " << dig_in_threads() << "\n"
              << "handed over " << hand_over() << "\n"
              << "come and gone " << come_and_go() << "\n"
              << "ended " << ended_sum << "\n"
              << "refused " << unusual_news() << "\n";
}
