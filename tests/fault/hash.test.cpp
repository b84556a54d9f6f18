// Nobody can choose ids that meet in one bucket: each store hashes with a seed of its own.

#include <joinly/backend/memory.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

/// Which of as many keys as a cache can hold it still has: those of the shards that did not overflow.
std::vector<bool> keys_kept() {
    constexpr int keys = 4096;
    auto store = *joinly::open<joinly::MemoryBackend, joinly::WriteThrough>({}, {.capacity_entries = keys});
    for (int i = 0; i < keys; ++i) REQUIRE(store.put("key " + std::to_string(i), "value"));
    std::vector<bool> kept;
    for (int i = keys; i-- > 0;) {
        const auto misses = store.stats().cache.misses;
        REQUIRE(store.get("key " + std::to_string(i)));
        kept.push_back(store.stats().cache.misses == misses);
    }
    return kept;
}

TEST_CASE("two stores put the same keys in different places of their caches", "[fault][hash]") {
    CHECK(keys_kept() != keys_kept());
}

TEST_CASE("ids that meet in one place under a seed that is known spread under a cache's own as any do", "[fault][hash]") {
    constexpr std::size_t places = 1024;
    const auto place = [](std::uint64_t hash) { return static_cast<std::size_t>((hash >> 32) * places >> 32); };
    std::vector<std::string> chosen;
    for (int number = 0; chosen.size() < places; ++number) {
        const std::string id = "player:" + std::to_string(number);
        if (place(joinly::detail::hash_bytes(id, 0)) == 0) chosen.push_back(id);
    }
    const joinly::Cache<int> cache{{.capacity_entries = 1}};
    std::vector<std::size_t> there(places);
    for (const std::string& id : chosen) ++there[place(cache.hash()(id))];
    // Of so many that are thrown at random 5 or 6 meet in the fullest place; 20 do not in the life of the universe.
    CHECK(*std::max_element(there.begin(), there.end()) < 20);
}

}  // namespace
