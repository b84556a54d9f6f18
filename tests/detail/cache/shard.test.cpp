#include <joinly/cache/lru.hpp>
#include <joinly/detail/cache/shard.hpp>
#include <tests/support/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace {

using joinly::CacheStats;
using joinly::Expiry;
using joinly::ManualClock;
using joinly::detail::Counted;

/// Hashes that are chosen: all keys the same one, or one of few.
struct FewHashes {
    std::uint64_t homes = 1;
    std::uint64_t first = 0xfeed'beef'0000'0003U;
    std::uint64_t operator()(std::string_view key) const { return first - (std::hash<std::string_view>{}(key) % homes << 56); }
};
struct NoWeight {
    std::size_t operator()(std::string_view, const int&) const noexcept { return 1; }
};

class TestedShard {
public:
    explicit TestedShard(std::size_t capacity, FewHashes hash = {}) : hash_{hash} { shard_.start({capacity}, hash, nullptr); }

    void set(const std::string& key, int value) {
        shard_.set(hash_(key), Shard::Node::make(key, static_cast<int>(value), Expiry{}));
    }
    bool erase(const std::string& key) { return shard_.erase(key, hash_(key)); }
    std::optional<int> find(const std::string& key) {
        std::optional<int> found;
        const auto copy = [&](int value) { found = value; };
        shard_.visit<Counted::no>(key, hash_(key), ManualClock{}, copy);
        // What readers find without the lock is the same.
        const auto* node = shard_.find(key, hash_(key));
        CHECK((node == nullptr ? std::nullopt : std::optional{node->value()}) == found);
        return found;
    }
    void clear() { shard_.clear(); }
    CacheStats stats() const {
        CacheStats stats;
        shard_.add_to(stats);
        return stats;
    }

private:
    using Shard = joinly::detail::CacheShard<int, joinly::Lru, NoWeight, FewHashes>;
    FewHashes hash_;
    Shard shard_;
};

TEST_CASE("keys with one and the same hash are told apart", "[cache_shard]") {
    TestedShard shard{100};
    for (int i = 0; i < 100; ++i) shard.set(std::to_string(i), i);
    for (int i = 0; i < 100; i += 2) REQUIRE(shard.erase(std::to_string(i)));
    for (int i = 0; i < 100; ++i) REQUIRE(shard.find(std::to_string(i)) == (i % 2 == 1 ? std::optional{i} : std::nullopt));
}

TEST_CASE("more keys of one hash than a bucket can count come and go", "[cache_shard]") {
    TestedShard shard{1000};
    for (const int keys : {1000, 300, 1000}) {
        for (int i = 0; i < keys; ++i) shard.set(std::to_string(i), i);
        for (int i = 0; i < keys; i += 7) REQUIRE(shard.find(std::to_string(i)) == i);
        for (int i = 0; i < keys; ++i) REQUIRE(shard.erase(std::to_string(i)));
        CHECK(shard.stats().size == 0);
    }
    CHECK(shard.find("1") == std::nullopt);
}

/// Keys that go past their own bucket and, from the last one, past the end of the table.
TEST_CASE("a key is found wherever it had to go, after others have left", "[cache_shard]") {
    for (const std::uint64_t homes : {1U, 2U, 3U, 5U, 50U}) {
        std::mt19937 random{static_cast<std::uint32_t>(homes)};
        constexpr std::size_t capacity = 40;
        TestedShard shard{capacity, {homes, ~std::uint64_t{0}}};
        std::map<int, int> model;
        for (int step = 0; step < 10'000; ++step) {
            const int key = static_cast<int>(random() % 60);
            if (random() % 2 == 0) {
                if (model.size() == capacity && !model.contains(key)) continue;  // nobody is to be evicted here
                shard.set(std::to_string(key), step);
                model[key] = step;
            } else {
                REQUIRE(shard.erase(std::to_string(key)) == (model.erase(key) != 0));
            }
            const int other = static_cast<int>(random() % 60);
            const auto expected = model.find(other);
            REQUIRE(shard.find(std::to_string(other)) ==
                    (expected == model.end() ? std::nullopt : std::optional{expected->second}));
        }
        for (const auto& [key, value] : model) REQUIRE(shard.find(std::to_string(key)) == value);
        CHECK(shard.stats().size == model.size());
        CHECK(shard.stats().evictions == 0);
    }
}

TEST_CASE("evictions keep the table whole when all hashes collide", "[cache_shard]") {
    TestedShard shard{8};
    for (int i = 0; i < 1000; ++i) {
        shard.set(std::to_string(i), i);
        for (int j = 0; j <= i && j < 20; ++j) REQUIRE(shard.find(std::to_string(i - j)).has_value() == (j < 8));
    }
}

TEST_CASE("a shard that was cleared finds nothing and takes entries again", "[cache_shard]") {
    TestedShard shard{8, {50}};
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 12; ++i) shard.set(std::to_string(i), i);
        CHECK(shard.find("11") == 11);
        shard.clear();
        CHECK(shard.find("11") == std::nullopt);
        CHECK_FALSE(shard.erase("11"));
        CHECK(shard.stats().size == 0);
    }
}

}  // namespace
