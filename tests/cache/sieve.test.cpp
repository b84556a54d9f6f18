#include <joinly/cache/sieve.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/small_cache.hpp>

namespace {

using Cache = joinly::test::SmallCache<joinly::Sieve>;

TEST_CASE("slots that were never hit leave in the order they came", "[sieve]") {
    Cache cache{4};
    cache.use_all(0, 4);
    for (std::uint64_t key = 0; key < 4; ++key) CHECK(cache.evict() == key);
}

TEST_CASE("an entry that was hit is spared once, where it stands", "[sieve]") {
    Cache cache{4};
    cache.use_all(0, 4);
    cache.use(1);
    CHECK(cache.evict() == 0);
    CHECK(cache.evict() == 2);
    CHECK(cache.evict() == 3);
    CHECK(cache.evict() == 1);
}

TEST_CASE("the hand goes on from where it was, to entries that came later", "[sieve]") {
    Cache cache{4};
    cache.use_all(0, 4);
    cache.use_all(0, 2);  // 0 and 1 are hit
    CHECK(cache.evict() == 2);
    cache.use(4);
    CHECK(cache.evict() == 3);
    cache.use(5);
    CHECK(cache.evict() == 4);  // and not 0, which is older and was not hit since the hand came by
    CHECK(cache.evict() == 5);
    CHECK(cache.evict() == 0);
}

TEST_CASE("the hand moves on when the slot that it stands at is erased", "[sieve]") {
    Cache cache{4};
    cache.use_all(0, 4);
    cache.use(0);
    CHECK(cache.next_victim() == 1);
    cache.erase(1);
    CHECK(cache.evict() == 2);
    CHECK(cache.next_victim() == 3);
    cache.erase(3);
    CHECK(cache.evict() == 0);
}

TEST_CASE("when all were hit, the oldest leaves", "[sieve]") {
    Cache cache{3};
    cache.use_all(0, 3);
    cache.use_all(0, 3);
    CHECK(cache.evict() == 0);
}

}  // namespace
