// Sorting by eight bytes at a time gives the order of the keys, whatever they have in common and wherever they end.

#include <joinly/detail/policy/sort_by_key.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Entry {
    std::string bytes;
    [[nodiscard]] std::string_view key() const { return bytes; }
};

std::vector<std::string> sorted(const std::vector<std::string>& keys) {
    std::vector<Entry> entries;
    for (const auto& key : keys) entries.push_back({key});
    std::vector<const Entry*> pointers;
    for (const auto& entry : entries) pointers.push_back(&entry);
    joinly::detail::KeySort<Entry>::sort(pointers);
    std::vector<std::string> result;
    for (const auto* entry : pointers) result.emplace_back(entry->key());
    return result;
}

std::vector<std::string> in_order(std::vector<std::string> keys) {
    std::sort(keys.begin(), keys.end());
    return keys;
}

}  // namespace

TEST_CASE("no key, and one, are in order", "[sort_by_key]") {
    CHECK(sorted({}).empty());
    CHECK(sorted({"lobby:1"}) == std::vector<std::string>{"lobby:1"});
}

TEST_CASE("bytes count as unsigned", "[sort_by_key]") {
    const std::vector<std::string> keys{"\xff", "\x80", "\x7f", "a"};
    CHECK(sorted(keys) == in_order(keys));
}

TEST_CASE("a key that is the beginning of another comes first, whatever follows there", "[sort_by_key]") {
    const std::string nul(1, '\0');
    const std::vector<std::string> keys{"a" + nul + nul, "a", "a" + nul, "abcdefgh" + nul, "abcdefgh", "abcdefghi", ""};
    CHECK(sorted(keys) == in_order(keys));
}

TEST_CASE("keys of several kinds are sorted within each", "[sort_by_key]") {
    std::vector<std::string> keys;
    for (int i = 0; i < 300; ++i) {
        keys.push_back("player:player_" + std::to_string(i * 7919 % 1000));
        keys.push_back("lobby:lobby_with_a_long_common_part_" + std::to_string(i * 31 % 700));
    }
    CHECK(sorted(keys) == in_order(keys));
}

TEST_CASE("random keys of few different bytes are in order", "[sort_by_key]") {
    std::mt19937 random{1};
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> keys;
        for (int i = 0; i < 40; ++i) {
            std::string key(random() % 20, '\0');
            for (char& byte : key) byte = "\0ab"[random() % 3];
            keys.push_back(std::move(key));
        }
        REQUIRE(sorted(keys) == in_order(keys));
    }
}
