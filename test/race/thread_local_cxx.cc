// May destructors of C++ thread_local objects, and what they own, allocate and free as
// their thread ends?
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/expect.h"

namespace
{

enum { ALIVE = 12, TURNS = 200 };

std::atomic<long> ended;

struct owner {
    std::vector<std::string> words;
    std::unique_ptr<owner> inner;

    explicit owner(int depth)
    {
        for (int i = 0; i < 40; i++)
            words.emplace_back(static_cast<std::size_t>(i * 17 + depth), 'a');
        if (depth > 0)
            inner = std::make_unique<owner>(depth - 1);
    }

    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;

    ~owner()
    {
        // What a logger does: builds a text while it goes.
        std::string text;
        for (const auto &word : words) {
            EXPECT(word.find_first_not_of('a') == std::string::npos);
            text += word;
        }
        EXPECT(text.size() >= 40 * 39 / 2 * 17);
        ended++;
    }
};

struct late {
    ~late()
    {
        thread_local owner made_in_a_destructor(1);
        EXPECT(made_in_a_destructor.words.size() == 40);
    }
};

thread_local owner first(2);
thread_local late second;
thread_local std::vector<std::string> third(30, std::string(100, 'b'));

void live()
{
    EXPECT(first.words.size() == 40);
    (void)&second;
    third.resize(300, std::string(1000, 'c'));
    EXPECT(third.back().size() == 1000);
}

} // namespace

int main()
{
    long turns = scaled(TURNS, 5);
    for (long i = 0; i < turns; i++) {
        std::vector<std::thread> crew;
        for (int j = 0; j < ALIVE; j++)
            crew.emplace_back(live);
        for (auto &thread : crew)
            thread.join();
    }
    EXPECT_F(ended == turns * ALIVE * (3 + 2), "%ld ended", ended.load());
    return expect_done();
}
