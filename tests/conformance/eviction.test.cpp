// What every eviction policy keeps to.

#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/s3_fifo.hpp>
#include <joinly/cache/sieve.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/fail_allocations.hpp>
#include <tests/support/small_cache.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <tuple>
#include <type_traits>
#include <vector>

namespace {

using joinly::CacheSlot;
using joinly::test::CountedUses;
using joinly::test::SmallCache;

using Policies = std::tuple<joinly::Lru, joinly::Sieve, joinly::S3Fifo, joinly::AdaptiveS3Fifo>;
using PoliciesThatResistScans = std::tuple<joinly::Sieve, joinly::S3Fifo, joinly::AdaptiveS3Fifo>;

static_assert(joinly::eviction_policy<joinly::Sieve>);
static_assert(joinly::eviction_policy<joinly::S3Fifo>);
static_assert(joinly::eviction_policy<joinly::AdaptiveS3Fifo>);
static_assert(std::is_nothrow_move_assignable_v<joinly::AdaptiveS3Fifo::Queue>);

/// Readers that hit everything whenever they can.
struct AlwaysUsed {
    [[nodiscard]] std::uint8_t get(CacheSlot) const { return 3; }
    void set(CacheSlot, std::uint8_t) {}
};

std::uint64_t any_key_of(const std::map<std::uint64_t, CacheSlot>& keys, std::uint64_t random) {
    return std::next(keys.begin(), static_cast<std::ptrdiff_t>(random % keys.size()))->first;
}

/// Takes the victims out until none is left.
template <class Cache>
std::multiset<std::uint64_t> drain(Cache& cache) {
    std::multiset<std::uint64_t> drained;
    while (!cache.keys().empty()) drained.insert(cache.evict());
    return drained;
}

TEMPLATE_LIST_TEST_CASE("whatever is called, a victim is a slot that is held, and in the end each one leaves once", "[eviction]",
                        Policies) {
    for (const std::size_t capacity : {1U, 2U, 3U, 7U, 64U}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            std::mt19937_64 random{seed};
            SmallCache<TestType> cache{capacity};
            for (int step = 0; step < 2'000; ++step) {  // a victim that is not held makes std::map::at throw
                const bool empty = cache.keys().empty();
                switch (random() % 16) {
                    case 0:
                        if (!empty) cache.erase(any_key_of(cache.keys(), random()));
                        break;
                    case 1:
                        if (!empty) cache.evict();
                        break;
                    case 2:
                        if (!empty) CHECK(cache.has(cache.next_victim()));  // and does not leave after all
                        break;
                    case 3:
                        for (std::uint64_t several = random() % 4; several > 0 && !cache.keys().empty(); --several) cache.evict();
                        break;
                    default: cache.use(random() % (capacity * 3));
                }
            }
            std::multiset<std::uint64_t> held;
            for (const auto& [key, slot] : cache.keys()) held.insert(key);
            REQUIRE(drain(cache) == held);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a victim is named again as long as it has not left", "[eviction]", Policies) {
    SmallCache<TestType> cache{10};
    for (std::uint64_t key = 0; key < 1'000; ++key) {
        cache.use(key * key % 17);
        const std::uint64_t first = cache.next_victim();
        CHECK(cache.next_victim() == first);
    }
}

TEMPLATE_LIST_TEST_CASE("a victim is found while readers hit everything all the time", "[eviction]", PoliciesThatResistScans) {
    typename TestType::Queue queue{4};
    AlwaysUsed uses;
    std::set<CacheSlot> held;
    for (CacheSlot slot = 0; slot < 4; ++slot) {
        queue.inserted(slot, slot);
        held.insert(slot);
    }
    while (!held.empty()) {
        const CacheSlot victim = queue.victim(uses);
        REQUIRE(held.erase(victim) == 1);
        queue.erased(victim);
    }
}

TEMPLATE_LIST_TEST_CASE("once its slots have all been used, a queue allocates no more", "[eviction]", Policies) {
    constexpr CacheSlot capacity = 100;
    typename TestType::Queue queue{capacity};
    CountedUses uses;
    for (CacheSlot slot = 0; slot < capacity; ++slot) {
        queue.inserted(slot, slot);
        uses.set(slot, slot % 3 == 0 ? 1 : 0);
    }
    const bool allocated = joinly::test::with_failing_allocation(0, [&] {
        for (std::uint64_t hash = 1; hash < 100 * capacity; ++hash) {
            const CacheSlot victim = queue.victim(uses);
            queue.erased(victim);
            queue.inserted(victim, hash * 0x9e3779b97f4a7c15U);
        }
    });
    CHECK_FALSE(allocated);
}

TEMPLATE_LIST_TEST_CASE("a queue for a huge capacity takes no more memory than its entries need", "[eviction]", Policies) {
    typename TestType::Queue queue{std::numeric_limits<std::size_t>::max()};
    CountedUses uses;
    queue.inserted(0, 1);
    queue.inserted(1, 2);
    uses.set(0, 0);
    uses.set(1, 0);
    CHECK(queue.victim(uses) <= 1);
}

TEMPLATE_LIST_TEST_CASE("an insertion that finds no memory has not happened", "[eviction]", Policies) {
    for (CacheSlot held = 0; held < 20; ++held) {
        for (int n = 0;; ++n) {
            typename TestType::Queue queue{100};
            CountedUses uses;
            for (CacheSlot slot = 0; slot < held; ++slot) {
                queue.inserted(slot, slot);
                uses.set(slot, 0);
            }
            uses.set(held, 0);
            const bool failed = joinly::test::with_failing_allocation(n, [&] { queue.inserted(held, held); });
            if (failed) queue.inserted(held, held);
            std::set<CacheSlot> left;
            for (CacheSlot slot = 0; slot <= held; ++slot) {
                const CacheSlot victim = queue.victim(uses);
                left.insert(victim);
                queue.erased(victim);
            }
            REQUIRE(left.size() == held + 1U);
            if (!failed) break;
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a scan does not drive out what is used again and again", "[eviction]", PoliciesThatResistScans) {
    SmallCache<TestType> cache{100};
    for (int round = 0; round < 20; ++round) {
        cache.use_all(0, 50);
        cache.use_all(1'000, 1'020);
    }
    cache.use_all(2'000, 2'300);
    CHECK(cache.use_all(0, 50) <= 5);
}

TEMPLATE_LIST_TEST_CASE("where few keys are popular, there are fewer misses than by recency", "[eviction]",
                        PoliciesThatResistScans) {
    SmallCache<TestType> cache{100};
    SmallCache<joinly::Lru> by_recency{100};
    std::mt19937_64 random{1};
    std::size_t misses = 0;
    std::size_t misses_by_recency = 0;
    for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t key = random() % (1 + random() % (1 + random() % (1 + random() % 10'000)));
        if (!cache.use(key)) ++misses;
        if (!by_recency.use(key)) ++misses_by_recency;
    }
    CHECK(misses * 10 < misses_by_recency * 9);
}

}  // namespace
