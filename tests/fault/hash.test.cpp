// Nobody can choose ids that meet in one bucket: each store hashes with a seed of its own.

#include <joinly/backend/memory.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>

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

}  // namespace
