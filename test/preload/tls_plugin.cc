// A library for dlopen: thread-local objects with constructors and destructors, a large
// thread-local array, a global object, exceptions.
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{
struct notes {
    std::map<long, std::string> lines;
    std::unique_ptr<std::vector<std::string>> more =
        std::make_unique<std::vector<std::string>>();
    ~notes()
    {
        for (auto &line : lines)
            more->push_back(line.second + line.second);
    }
};

thread_local notes mine;
thread_local char large[40000];
thread_local long calls;
std::vector<std::string> global(100, std::string(100, 'g'));
} // namespace

// The same for the same arguments, less the number of calls before it in this thread.
extern "C" long plugin_work(long seed, long steps)
{
    long sum = 0;
    for (long i = 0; i < steps; i++) {
        mine.lines[i % 50] = std::string(static_cast<std::size_t>(seed * i % 700), 'p');
        large[i * 131 % 40000] = 'x';
        try {
            if (i % 10 == 0)
                throw std::runtime_error(mine.lines[i % 50] + global[0]);
        } catch (std::exception &e) {
            sum += static_cast<long>(std::string(e.what()).size());
        }
    }
    return sum - calls++;
}
