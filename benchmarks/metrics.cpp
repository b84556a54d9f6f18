// What monitoring costs: a thousand records in a histogram, beside as many relaxed increments; a reading of the clock; and a load
// that the cache answers, of a store whose traits name no observer, of one whose observer is empty, and of one that keeps
// latencies.

#include <benchmarks/support/subjects.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/ops/metrics.hpp>
#include <joinly/store.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace joinly::bench;

/// Latencies from 64 ns to a millisecond, in no order.
class Latencies {
public:
    Latencies() {
        Random random;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t least = std::uint64_t{64} << random.below(14);
            latencies_.emplace_back(static_cast<std::int64_t>(least + random.below(least)));
        }
    }
    [[nodiscard]] std::chrono::nanoseconds next() noexcept { return latencies_[at_++ % count]; }

private:
    static constexpr std::size_t count = 1024;
    std::vector<std::chrono::nanoseconds> latencies_;
    std::size_t at_ = 0;
};

void record_1000(benchmark::State& state) {
    Latencies latencies;
    joinly::LatencyHistogram histogram;
    for (auto _ : state) {
        for (int i = 0; i < 1'000; ++i) histogram.record(latencies.next());
    }
    benchmark::DoNotOptimize(histogram.count());
}

/// As above, but all in one place.
void increment_1000(benchmark::State& state) {
    Latencies latencies;
    std::atomic<std::uint64_t> counter{0};
    for (auto _ : state) {
        for (int i = 0; i < 1'000; ++i) {
            benchmark::DoNotOptimize(latencies.next());
            counter.fetch_add(1, std::memory_order_relaxed);
        }
    }
    benchmark::DoNotOptimize(counter.load());
}

void clock_read(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}

/// From `begin` to `end`, as a store calls them.
void observe(benchmark::State& state) {
    const joinly::LatencyObserver observer;
    for (auto _ : state) observer.end(joinly::Operation::load, observer.begin(joinly::Operation::load), std::nullopt);
}

struct WithoutObserver {
    using Codec = joinly::Binary;
    using Eviction = joinly::AdaptiveS3Fifo;
    using Clock = joinly::SystemClock;
    Clock clock;
};

template <class Traits>
void hit(benchmark::State& state) {
    auto store = must(joinly::open<joinly::MemoryBackend, joinly::WriteThrough, Traits>({}));
    const std::string id = player_id(1);
    must(store.save(player(1)));
    for (auto _ : state) benchmark::DoNotOptimize(store.template load<joinly::Player>(id));
}

}  // namespace

int main(int argc, char** argv) {
    add("record_1000", record_1000);
    add("increment_1000", increment_1000);
    add("clock_read", clock_read);
    add("observe", observe);
    add("hit/traits_without_observer", hit<WithoutObserver>);
    add("hit/empty_observer", hit<joinly::DefaultTraits>);
    add("hit/latency_observer", hit<joinly::LatencyTraits<>>);
    return run_all(argc, argv);
}
