#include <joinly/ops/latency_histogram.hpp>
#include <tests/support/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::LatencyHistogram;
using Nanoseconds = std::chrono::nanoseconds;

/// From 1 ns to a minute, as many of each order of magnitude.
std::vector<Nanoseconds> latencies(std::size_t count, unsigned seed) {
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<double> logarithm{0, std::log(6e10)};
    std::vector<Nanoseconds> made;
    for (std::size_t i = 0; i < count; ++i) made.emplace_back(static_cast<std::int64_t>(std::exp(logarithm(random))));
    return made;
}
LatencyHistogram recorded(const std::vector<Nanoseconds>& latencies) {
    LatencyHistogram histogram;
    for (const Nanoseconds latency : latencies) histogram.record(latency);
    return histogram;
}

TEST_CASE("buckets touch one another and are at most a 32nd wide of what is in them", "[latency_histogram]") {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < LatencyHistogram::bucket_count; ++i) {
        const auto lower = LatencyHistogram::lower_bound(i);
        const auto upper = LatencyHistogram::upper_bound(i);
        wrong += LatencyHistogram::bucket_of(upper) != i;
        wrong += LatencyHistogram::bucket_of(lower + 1ns) != i;
        wrong += upper - lower > 1ns && (upper - lower) * 32 > lower;
    }
    CHECK(wrong == 0);
    CHECK(LatencyHistogram::upper_bound(LatencyHistogram::bucket_count - 1) == LatencyHistogram::longest);
}

TEST_CASE("an empty histogram tells nothing but zeros", "[latency_histogram]") {
    const LatencyHistogram histogram;
    CHECK(histogram.count() == 0);
    CHECK(histogram.percentile(99) == 0ns);
    CHECK(histogram.percentile(100) == 0ns);
    CHECK(histogram.sum() == 0ns);
    CHECK(histogram.mean() == 0ns);
}

TEST_CASE("a percentile is at most a 32nd above the true one and never below it", "[latency_histogram]") {
    auto sorted = latencies(10'000, 1);
    const LatencyHistogram histogram = recorded(sorted);
    std::sort(sorted.begin(), sorted.end());
    for (const double percent : {0.0, 0.01, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
        CAPTURE(percent);
        const auto rank = static_cast<std::size_t>((std::max)(1.0, std::ceil(percent * 100)));  // of 10,000
        const Nanoseconds exact = sorted[rank - 1];
        CHECK(histogram.percentile(percent) >= exact);
        CHECK(histogram.percentile(percent) <= exact + exact / 32 + 1ns);
    }
}

TEST_CASE("a percentage that is none counts as the nearest one", "[latency_histogram]") {
    const LatencyHistogram histogram = recorded({10ns, 20ns});
    CHECK(histogram.percentile(-1) == 10ns);
    CHECK(histogram.percentile(1000) == 20ns);
}

TEST_CASE("below 64 ns every nanosecond is told apart", "[latency_histogram]") {
    for (std::int64_t i = 1; i <= 64; ++i) CHECK(recorded({Nanoseconds{i}}).percentile(100) == Nanoseconds{i});
}

TEST_CASE("latencies beyond both ends are counted at the ends", "[latency_histogram]") {
    CHECK(recorded({0ns}).percentile(100) == 1ns);
    CHECK(recorded({-5s}).percentile(100) == 1ns);
    CHECK(recorded({(Nanoseconds::min)()}).percentile(100) == 1ns);
    CHECK(recorded({LatencyHistogram::longest + 1ns}).percentile(100) == LatencyHistogram::longest);
    CHECK(recorded({(Nanoseconds::max)()}).percentile(100) == LatencyHistogram::longest);
}

TEST_CASE("the sum and the mean are right to a 64th", "[latency_histogram]") {
    const auto all = latencies(1'000, 2);
    Nanoseconds exact{0};
    for (const Nanoseconds latency : all) exact += latency;
    const LatencyHistogram histogram = recorded(all);
    CHECK(std::chrono::abs(histogram.sum() - exact) <= exact / 64);
    CHECK(histogram.mean() == histogram.sum() / 1'000);
}

TEST_CASE("what is counted up to a power of two is exact", "[latency_histogram]") {
    const auto all = latencies(1'000, 3);
    const LatencyHistogram histogram = recorded(all);
    for (int power = 0; power <= 36; ++power) {
        const Nanoseconds bound{std::int64_t{1} << power};
        const auto exact = std::count_if(all.begin(), all.end(), [&](Nanoseconds latency) { return latency <= bound; });
        CHECK(histogram.count_up_to(bound) == static_cast<std::uint64_t>(exact));
    }
}

TEST_CASE("histograms merge into what one of them would have recorded", "[latency_histogram]") {
    const auto some = latencies(500, 4);
    auto all = latencies(700, 5);
    LatencyHistogram merged = recorded(some);
    merged.merge(recorded(all));
    all.insert(all.end(), some.begin(), some.end());
    const LatencyHistogram whole = recorded(all);
    std::size_t different = 0;
    for (std::size_t i = 0; i < LatencyHistogram::bucket_count; ++i) different += merged.bucket(i) != whole.bucket(i);
    CHECK(different == 0);
}

TEST_CASE("a copy stays as it is", "[latency_histogram]") {
    LatencyHistogram histogram = recorded({5ns});
    const LatencyHistogram copy = histogram;
    histogram.record(7ns);
    CHECK(copy.count() == 1);
    LatencyHistogram other = recorded({9ns, 9ns});
    other = copy;
    CHECK(other.count() == 1);
    CHECK(other.percentile(100) == 5ns);
}

TEST_CASE("threads record while others read, and nothing is lost", "[latency_histogram][race]") {
    constexpr std::uint64_t each = 20'000;
    LatencyHistogram histogram;
    std::atomic<int> running{3};
    std::vector<std::thread> writers;
    for (std::int64_t thread = 1; thread <= 3; ++thread) {
        writers.emplace_back([&, thread] {
            for (std::uint64_t i = 0; i < each; ++i) histogram.record(Nanoseconds{thread * 100});
            --running;
        });
    }
    std::uint64_t before = 0;
    std::size_t wrong = 0;
    do {
        const LatencyHistogram copy = histogram;
        wrong += copy.count() < before;
        wrong += copy.count() != 0 && (copy.percentile(50) < 100ns || copy.percentile(50) > 310ns);
        before = copy.count();
    } while (running != 0);
    for (auto& writer : writers) writer.join();
    CHECK(wrong == 0);
    CHECK(histogram.count() == 3 * each);
}

}  // namespace
