#include <joinly/cache/lru.hpp>
#include <joinly/detail/cache_shard.hpp>
#include <tests/support/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace {

using joinly::CacheStats;
using joinly::Expiry;
using joinly::ManualClock;
using Shard = joinly::detail::CacheShard<int, joinly::Lru>;

TEST_CASE("keys with one and the same hash are told apart", "[cache_shard]") {
    constexpr std::uint64_t hash = 0xfeed'beef'0000'0003U;
    const ManualClock clock;
    Shard shard;
    shard.set_capacity(100);
    for (int i = 0; i < 100; ++i) shard.set(std::to_string(i), hash, i, {});
    for (int i = 0; i < 100; i += 2) REQUIRE(shard.erase(std::to_string(i), hash));
    for (int i = 0; i < 100; ++i) {
        const int* found = shard.find_live(std::to_string(i), hash, clock);
        REQUIRE((found != nullptr) == (i % 2 == 1));
        if (found) REQUIRE(*found == i);
    }
}

TEST_CASE("keys whose hashes differ only in their tags are told apart", "[cache_shard]") {
    const ManualClock clock;
    Shard shard;
    shard.set_capacity(4);
    shard.set("same key", 1, 1, {});
    shard.set("same key", 1 | (std::uint64_t{1} << 32), 2, {});  // cannot be, but shows that the tag is looked at
    REQUIRE(shard.find_live("same key", 1, clock) != nullptr);
    CHECK(*shard.find_live("same key", 1, clock) == 1);
}

/// A run of the index that goes over its end begins at its last cells.
TEST_CASE("erasing closes the gap in runs of the index, over its end too", "[cache_shard]") {
    // The low bits of a hash are its home in the index; few homes make long runs, the last ones make them wrap.
    for (const std::uint64_t homes : {1U, 2U, 3U, 5U}) {
        std::mt19937 random{static_cast<std::uint32_t>(homes)};
        const ManualClock clock;
        Shard shard;
        constexpr std::size_t capacity = 40;
        shard.set_capacity(capacity);
        const auto hash_of = [&](int key) { return std::uint64_t{0} - 1 - static_cast<std::uint64_t>(key) % homes * 7; };
        std::map<int, int> model;
        for (int step = 0; step < 20'000; ++step) {
            const int key = static_cast<int>(random() % 60);
            if (random() % 2 == 0) {
                if (model.size() == capacity && !model.contains(key)) continue;  // nobody is to be evicted here
                shard.set(std::to_string(key), hash_of(key), step, {});
                model[key] = step;
            } else {
                REQUIRE(shard.erase(std::to_string(key), hash_of(key)) == (model.erase(key) != 0));
            }
            const int other = static_cast<int>(random() % 60);
            const int* found = shard.find_live(std::to_string(other), hash_of(other), clock);
            const auto expected = model.find(other);
            REQUIRE((found != nullptr) == (expected != model.end()));
            if (found) REQUIRE(*found == expected->second);
        }
        for (const auto& [key, value] : model) {
            const int* found = shard.find_live(std::to_string(key), hash_of(key), clock);
            REQUIRE(found != nullptr);
            REQUIRE(*found == value);
        }
        CacheStats stats;
        shard.add_to(stats);
        CHECK(stats.size == model.size());
        CHECK(stats.evictions == 0);
    }
}

TEST_CASE("evictions keep the index whole when all hashes collide", "[cache_shard]") {
    const ManualClock clock;
    Shard shard;
    shard.set_capacity(8);
    for (int i = 0; i < 1000; ++i) {
        shard.set(std::to_string(i), 15, i, {});
        for (int j = 0; j <= i && j < 20; ++j) {
            const int key = i - j;
            REQUIRE((shard.find_live(std::to_string(key), 15, clock) != nullptr) == (j < 8));
        }
    }
}

TEST_CASE("a shard that was cleared finds nothing and takes entries again", "[cache_shard]") {
    const ManualClock clock;
    Shard shard;
    shard.set_capacity(8);
    for (int round = 0; round < 3; ++round) {
        for (std::uint64_t i = 0; i < 12; ++i) shard.set(std::to_string(i), i, static_cast<int>(i), {});
        CHECK(shard.find_live("11", 11, clock) != nullptr);
        shard.clear();
        CHECK(shard.find_live("11", 11, clock) == nullptr);
        CHECK_FALSE(shard.erase("11", 11));
    }
}

}  // namespace
