#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/s3_fifo.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/small_cache.hpp>

#include <cstddef>
#include <cstdint>
#include <random>

namespace {

using joinly::AdaptiveS3Fifo;
using joinly::Lru;
using joinly::S3Fifo;
using Cache = joinly::test::SmallCache<AdaptiveS3Fifo>;

/// Misses of a cache of 100 entries over the keys that `key(step)` gives.
template <class Policy, class Key>
std::size_t misses_of(Key key, std::uint64_t steps) {
    joinly::test::SmallCache<Policy> cache{100};
    std::size_t misses = 0;
    for (std::uint64_t step = 0; step < steps; ++step)
        if (!cache.use(key(step))) ++misses;
    return misses;
}

TEST_CASE("an entry that was hit outlives what comes and is not", "[adaptive_s3_fifo]") {
    Cache cache{20};
    cache.use_all(0, 40);
    cache.use_all(38, 40);
    cache.use_all(100, 1'000);
    CHECK(cache.has(38));
    CHECK(cache.has(39));
}

TEST_CASE("a key that comes back soon after it left outlives what comes only once", "[adaptive_s3_fifo]") {
    Cache cache{20};
    cache.use_all(0, 60);
    REQUIRE_FALSE(cache.has(45));
    cache.use(45);
    cache.use_all(100, 1'000);
    CHECK(cache.has(45));
}

TEST_CASE("a key that comes back late is as good as new", "[adaptive_s3_fifo]") {
    Cache cache{20};
    cache.use_all(0, 20);
    cache.use_all(100, 1'000);
    cache.use(150);
    cache.use_all(2'000, 2'020);
    CHECK_FALSE(cache.has(150));
}

TEST_CASE("a key that was erased and not evicted is not remembered", "[adaptive_s3_fifo]") {
    Cache cache{20};
    cache.use_all(0, 40);
    cache.erase(39);
    cache.use(39);
    cache.use_all(100, 140);
    CHECK_FALSE(cache.has(39));
}

TEST_CASE("of a loop that is larger than the cache, a part stays", "[adaptive_s3_fifo]") {
    const auto loop = [](std::uint64_t step) { return step % 300; };
    CHECK(misses_of<Lru>(loop, 30'000) == 30'000);
    CHECK(misses_of<AdaptiveS3Fifo>(loop, 30'000) < 24'000);  // with a third of the keys at hand, 20,000 is the least
}

TEST_CASE("the small queue grows where keys come back soon after they left it", "[adaptive_s3_fifo]") {
    // Each block of 50 keys is read twice and never again: a tenth of the cache forgets a key before it comes back.
    const auto blocks = [](std::uint64_t step) { return step / 100 * 50 + step % 50; };
    const std::size_t by_recency = misses_of<Lru>(blocks, 100'000);
    CHECK(by_recency == 50'000);
    CHECK(misses_of<S3Fifo>(blocks, 100'000) > by_recency * 12 / 10);
    CHECK(misses_of<AdaptiveS3Fifo>(blocks, 100'000) < by_recency * 105 / 100);
}

TEST_CASE("the small queue shrinks again where more room serves the popular keys", "[adaptive_s3_fifo]") {
    std::mt19937_64 random{1};
    const auto skewed = [&](std::uint64_t) {
        return 1'000'000 + random() % (1 + random() % (1 + random() % (1 + random() % 10'000)));
    };
    Cache cache{100};
    for (std::uint64_t step = 0; step < 50'000; ++step) cache.use(step / 100 * 50 + step % 50);
    std::size_t misses = 0;
    for (std::uint64_t step = 0; step < 50'000; ++step)
        if (!cache.use(skewed(step))) ++misses;
    random.seed(1);
    CHECK(misses < misses_of<Lru>(skewed, 50'000) * 9 / 10);
}

TEST_CASE("entries that were hit often leave when popularity has moved on", "[adaptive_s3_fifo]") {
    // Of a window of 115 keys, the lower one is the more popular, until the window has passed it.
    std::mt19937_64 random{1};
    const auto drifting = [&](std::uint64_t step) { return step / 10 + random() % (1 + random() % 115); };
    const std::size_t adapted = misses_of<AdaptiveS3Fifo>(drifting, 200'000);
    random.seed(1);
    const std::size_t by_recency = misses_of<Lru>(drifting, 200'000);
    random.seed(1);
    CHECK(misses_of<S3Fifo>(drifting, 200'000) > by_recency * 12 / 10);
    CHECK(adapted < by_recency * 105 / 100);
}

}  // namespace
