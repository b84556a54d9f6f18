#include <joinly/cache/s3_fifo.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/small_cache.hpp>

namespace {

using Cache = joinly::test::SmallCache<joinly::S3Fifo>;

TEST_CASE("entries that are never hit leave in the order they came", "[s3_fifo]") {
    Cache cache{10};
    cache.use_all(0, 10);
    for (std::uint64_t key = 0; key < 10; ++key) CHECK(cache.evict() == key);
}

TEST_CASE("an entry that was hit outlives what comes and is not", "[s3_fifo]") {
    Cache cache{10};
    cache.use_all(0, 10);
    cache.use(3);
    cache.use_all(100, 1'000);
    CHECK(cache.has(3));
}

TEST_CASE("a key that comes back soon after it left outlives what comes only once", "[s3_fifo]") {
    Cache cache{10};
    cache.use_all(0, 12);
    REQUIRE_FALSE(cache.has(0));
    cache.use(0);
    cache.use_all(100, 1'000);
    CHECK(cache.has(0));
}

TEST_CASE("a key that comes back late is as good as new", "[s3_fifo]") {
    Cache cache{10};
    cache.use_all(0, 40);  // nine ghosts are remembered
    cache.use(0);
    cache.use_all(100, 110);
    CHECK_FALSE(cache.has(0));
}

TEST_CASE("a key that was erased and not evicted is not remembered", "[s3_fifo]") {
    Cache cache{10};
    cache.use_all(0, 10);
    cache.erase(5);
    cache.use(5);
    cache.use_all(100, 120);
    CHECK_FALSE(cache.has(5));
}

TEST_CASE("in the main queue an entry goes round once for each hit", "[s3_fifo]") {
    Cache cache{4};
    cache.use_all(0, 4);
    cache.use_all(0, 4);
    REQUIRE(cache.next_victim() == 0);  // by which all have moved to the main queue
    cache.use(0);
    cache.use(0);
    cache.use(1);
    CHECK(cache.evict() == 2);
    CHECK(cache.evict() == 3);
    CHECK(cache.evict() == 1);
    CHECK(cache.evict() == 0);
}

TEST_CASE("where entries are used again in bulk, the small queue gives them too little time", "[s3_fifo]") {
    Cache cache{100};  // the shortcoming for which there is AdaptiveS3Fifo
    for (std::uint64_t block = 0; block < 200; ++block) {
        for (int pass = 0; pass < 2; ++pass) cache.use_all(block * 50, block * 50 + 50);
    }
    std::size_t misses = 0;
    for (std::uint64_t block = 200; block < 400; ++block) {
        for (int pass = 0; pass < 2; ++pass) misses += cache.use_all(block * 50, block * 50 + 50);
    }
    CHECK(misses > 200 * 60);
}

}  // namespace
