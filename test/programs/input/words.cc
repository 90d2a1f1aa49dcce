// Makes a text from a fixed seed, takes it apart with regex and streams, and counts it in
// maps, sets and lists of strings, variants and functions. Prints what it found.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <iomanip>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace
{
class random_source
{
    std::uint64_t state = 88172645463325252u;

  public:
    std::uint64_t operator()()
    {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^= state << 17;
    }
};

std::string make_word(random_source &random)
{
    static const std::vector<std::string> parts{"al", "bo",  "cat", "du",   "en",
                                                "fi", "gor", "hu",  "item", "jo"};
    std::string word;
    for (auto n = random() % 4 + 1; n > 0; n--)
        word += parts[random() % parts.size()];
    return word;
}

std::string make_text(std::size_t words)
{
    random_source random;
    std::ostringstream text;
    for (std::size_t i = 0; i < words; i++) {
        text << make_word(random);
        if (random() % 9 == 0)
            text << '=' << random() % 100000;
        text << (random() % 17 == 0 ? '\n' : ' ');
    }
    return text.str();
}

using value = std::variant<std::int64_t, std::string, std::vector<std::string>>;

template <typename Key> struct index_of {
    std::map<Key, std::shared_ptr<value>> entries;

    template <typename Make> std::shared_ptr<value> get(const Key &key, Make make)
    {
        auto [place, fresh] = entries.try_emplace(key, nullptr);
        if (fresh)
            place->second = std::make_shared<value>(make());
        return place->second;
    }
};

std::size_t count_pairs(const std::string &text, index_of<std::string> &index)
{
    static const std::regex pair("([a-z]+)=([0-9]+)");
    std::size_t found = 0;
    for (std::sregex_iterator it(text.begin(), text.end(), pair), end; it != end;
         ++it) {
        auto entry =
            index.get((*it)[1].str(), [] { return std::vector<std::string>{}; });
        std::get<std::vector<std::string>>(*entry).push_back((*it)[2].str());
        found++;
    }
    return found;
}

void churn(const std::string &text)
{
    std::istringstream lines(text);
    std::unordered_map<std::string, std::list<std::size_t>> places;
    std::deque<std::string> recent;
    std::string line;
    for (std::size_t number = 0; std::getline(lines, line); number++) {
        std::istringstream words(line);
        for (std::string word; words >> word;)
            places[word].push_back(number);
        recent.push_back(std::move(line));
        if (recent.size() > 200)
            recent.pop_front();
    }
    std::size_t far = 0;
    for (auto &[word, where] : places) {
        where.remove_if([](std::size_t n) { return n % 3 == 0; });
        far = std::max(far, where.empty() ? 0 : where.back());
    }
    std::cout << places.size() << " words, the last at line " << far << ", "
              << std::accumulate(
                     recent.begin(), recent.end(), std::size_t{0},
                     [](std::size_t n, const std::string &s) { return n + s.size(); })
              << " characters at the end\n";
}
} // namespace

int main()
{
    const std::string text = make_text(60000);
    index_of<std::string> index;
    std::cout << count_pairs(text, index) << " pairs under " << index.entries.size()
              << " keys\n";

    std::multimap<std::size_t, std::string, std::greater<>> by_count;
    for (const auto &[key, entry] : index.entries)
        by_count.emplace(std::get<std::vector<std::string>>(*entry).size(), key);
    int row = 0;
    for (const auto &[count, key] : by_count) {
        if (row++ == 20)
            break;
        std::cout << std::setw(6) << count << "  " << std::left << std::setw(18) << key
                  << std::right
                  << std::get<std::vector<std::string>>(*index.entries[key])[count / 2]
                  << '\n';
    }

    std::vector<std::function<std::string(const std::string &)>> changes;
    for (int i = 0; i < 200; i++)
        changes.emplace_back([i, padding = std::string(40 + i, 'x')](const auto &s) {
            return s + std::to_string(i) + padding.substr(0, i % 5);
        });
    std::set<std::string> changed;
    for (const auto &[key, entry] : index.entries)
        for (const auto &change : changes)
            if (changed.insert(change(key)).second && changed.size() > 5000)
                changed.erase(changed.begin());
    std::cout << *changed.begin() << ' ' << *changed.rbegin() << '\n';
    churn(text);
}
