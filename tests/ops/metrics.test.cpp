#include <joinly/backend/memory.hpp>
#include <joinly/ops/metrics.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace {

using joinly::LatencyObserver;
using joinly::Operation;
using joinly::test::Account;
using joinly::test::account;

void record(const LatencyObserver& observer, Operation operation) {
    observer.end(operation, observer.begin(operation), std::nullopt);
}

static_assert(joinly::store_observer<LatencyObserver>);
static_assert(joinly::keeps_latencies<LatencyObserver>);
static_assert(!joinly::keeps_latencies<joinly::NoObserver>);

TEST_CASE("a latency observer keeps the operations apart", "[metrics]") {
    const LatencyObserver observer;
    record(observer, Operation::load);
    record(observer, Operation::load);
    record(observer, Operation::flush);
    CHECK(observer.histogram(Operation::load).count() == 2);
    CHECK(observer.histogram(Operation::flush).count() == 1);
    CHECK(observer.histogram(Operation::save).count() == 0);
}

TEST_CASE("copies of a latency observer share what they keep", "[metrics]") {
    const LatencyObserver observer;
    const LatencyObserver copy = observer;
    record(copy, Operation::save);
    CHECK(observer.histogram(Operation::save).count() == 1);
}

TEST_CASE("a store tells its observer of its calls and of write-behind's flushes", "[metrics]") {
    joinly::LatencyTraits<joinly::ManualTraits> traits;
    auto store = *joinly::open<joinly::MemoryBackend, joinly::WriteBehind, joinly::LatencyTraits<joinly::ManualTraits>>(
        {}, {.drive = joinly::Drive::caller}, traits);
    REQUIRE(store.save(account("ada")));
    REQUIRE(store.load<Account>("ada"));
    REQUIRE(!store.load<Account>("bob"));
    CHECK(traits.observer.histogram(Operation::flush).count() == 0);
    REQUIRE(store.flush());
    CHECK(traits.observer.histogram(Operation::save).count() == 1);
    CHECK(traits.observer.histogram(Operation::load).count() == 2);
    CHECK(traits.observer.histogram(Operation::flush).count() == 1);
    CHECK(store.observer().histogram(Operation::flush).count() == 1);
    CHECK(traits.observer.histogram(Operation::save).percentile(100).count() > 0);
}

TEST_CASE("many threads record into one observer while others read it", "[metrics][race]") {
    constexpr std::uint64_t each = 5'000;
    constexpr int threads = 4;
    const LatencyObserver observer;
    std::atomic<int> running{threads};
    std::vector<std::thread> writers;
    for (int thread = 0; thread < threads; ++thread) {
        writers.emplace_back([&] {
            for (std::uint64_t i = 0; i < each; ++i) record(observer, i % 2 == 0 ? Operation::load : Operation::save);
            --running;
        });
    }
    std::uint64_t before = 0;
    std::size_t went_back = 0;
    do {
        const std::uint64_t now = observer.histogram(Operation::load).count();
        went_back += now < before;
        before = now;
    } while (running != 0);
    for (auto& writer : writers) writer.join();
    CHECK(went_back == 0);
    CHECK(observer.histogram(Operation::load).count() == threads * each / 2);
    CHECK(observer.histogram(Operation::save).count() == threads * each / 2);
}

}  // namespace
