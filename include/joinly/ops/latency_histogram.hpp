#ifndef JOINLY_OPS_LATENCY_HISTOGRAM_HPP
#define JOINLY_OPS_LATENCY_HISTOGRAM_HPP
// How long things took, counted in buckets: fixed memory, percentiles, and recording for less than a read of the clock.
//
// Buckets are log-linear, as in Gil Tene's HdrHistogram: every power of two nanoseconds is cut into 32 equal ones, from 1 ns, below
// 32 ns one by one, to 68.7 s, beyond which all is counted as that. So a bucket is at most 1/32 wide of what is in it.
//
// Safe from any thread; recording takes no lock, and what is read meanwhile has each record that ended before. Threads that record
// into one histogram at the same time share its lines: LatencyObserver gives them several.

#include <joinly/config.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN

class LatencyHistogram {
public:
    static constexpr std::size_t bucket_count = 1024;  ///< of 8 bytes each
    /// What is longer counts as this long.
    static constexpr std::chrono::nanoseconds longest{std::int64_t{1} << 36};

    LatencyHistogram() = default;
    /// A copy of what has been recorded.
    LatencyHistogram(const LatencyHistogram& other) noexcept { merge(other); }
    LatencyHistogram& operator=(const LatencyHistogram& other) noexcept {
        for (std::size_t i = 0; i < bucket_count; ++i) buckets_[i].store(other.bucket(i), std::memory_order_relaxed);
        return *this;
    }

    /// Less than nothing counts as nothing.
    void record(std::chrono::nanoseconds latency) noexcept { buckets_[bucket_of(latency)].fetch_add(1, std::memory_order_relaxed); }

    /// Adds what another one has recorded.
    void merge(const LatencyHistogram& other) noexcept {
        for (std::size_t i = 0; i < bucket_count; ++i) {
            if (const std::uint64_t count = other.bucket(i); count != 0) buckets_[i].fetch_add(count, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < bucket_count; ++i) sum += bucket(i);
        return sum;
    }

    /// How long `percent` (0 to 100) of all took at most: never less than that, and at most 1/32 more. 0 when nothing was recorded.
    [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept {
        const std::uint64_t total = count();
        if (total == 0) return {};
        const double share = static_cast<double>(total) * std::clamp(percent, 0.0, 100.0) / 100;
        std::uint64_t rank = static_cast<std::uint64_t>(share);
        if (static_cast<double>(rank) < share || rank == 0) ++rank;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < bucket_count; ++i) {
            if ((seen += bucket(i)) >= rank) return upper_bound(i);
        }
        return longest;
    }

    /// All that was recorded together, to 1/64: each as the middle of its bucket. The exact sum would cost recording twice as much.
    [[nodiscard]] std::chrono::nanoseconds sum() const noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < bucket_count; ++i) {
            const double middle = static_cast<double>((lower_bound(i) + upper_bound(i) + std::chrono::nanoseconds{1}).count()) / 2;
            sum += middle * static_cast<double>(bucket(i));
        }
        return std::chrono::nanoseconds{static_cast<std::int64_t>((std::min)(sum, 9.2e18))};
    }
    [[nodiscard]] std::chrono::nanoseconds mean() const noexcept {
        const std::uint64_t total = count();
        return total == 0 ? std::chrono::nanoseconds{} : sum() / static_cast<std::int64_t>(total);
    }

    /// How many took at most `latency`: exact for the bounds of buckets, all powers of two among them.
    [[nodiscard]] std::uint64_t count_up_to(std::chrono::nanoseconds latency) const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < bucket_count && upper_bound(i) <= latency; ++i) sum += bucket(i);
        return sum;
    }

    /// A bucket counts what is longer than its lower bound and at most as long as its upper bound; the first one 0 as well.
    [[nodiscard]] std::uint64_t bucket(std::size_t at) const noexcept { return buckets_[at].load(std::memory_order_relaxed); }
    [[nodiscard]] static constexpr std::size_t bucket_of(std::chrono::nanoseconds latency) noexcept {
        // As many of the leading bits as tell 32 buckets apart, of one less, so that upper bounds belong to their buckets.
        const auto least = static_cast<std::uint64_t>(std::clamp(latency.count(), std::int64_t{1}, longest.count()) - 1);
        const auto width = static_cast<int>(std::bit_width(least | (per_power - 1)));
        const auto shift = static_cast<unsigned>((std::max)(width - 1 - power_bits, 0));
        return shift * per_power + static_cast<std::size_t>(least >> shift);
    }
    [[nodiscard]] static constexpr std::chrono::nanoseconds upper_bound(std::size_t bucket) noexcept {
        if (bucket < 2 * per_power) return std::chrono::nanoseconds{bucket + 1};
        const std::size_t shift = bucket / per_power - 1;
        return std::chrono::nanoseconds{static_cast<std::int64_t>((bucket % per_power + per_power + 1) << shift)};
    }
    [[nodiscard]] static constexpr std::chrono::nanoseconds lower_bound(std::size_t bucket) noexcept {
        return bucket == 0 ? std::chrono::nanoseconds{} : upper_bound(bucket - 1);
    }

private:
    static constexpr int power_bits = 5;
    static constexpr std::size_t per_power = std::size_t{1} << power_bits;

    std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
};

JOINLY_NAMESPACE_END
#endif
