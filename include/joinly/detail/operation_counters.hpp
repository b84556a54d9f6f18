#ifndef JOINLY_DETAIL_OPERATION_COUNTERS_HPP
#define JOINLY_DETAIL_OPERATION_COUNTERS_HPP
// Counts a store's operations and their errors, on lines that threads seldom share. Safe from any thread; no lock.

#include <joinly/config.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/this_thread.hpp>
#include <joinly/policy/stats.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class OperationCounters {
public:
    void count(Operation operation) noexcept { raise(mine().operations[static_cast<std::size_t>(operation)]); }
    void count(Errc error) noexcept { raise(mine().errors[static_cast<std::size_t>(error)]); }
    void count_retry() noexcept { raise(mine().retries); }

    void add_to(StoreStats& stats) const noexcept {
        for (const Stripe& stripe : stripes_) {
            add(stripe.operations, stats.operations);
            add(stripe.errors, stats.errors);
            stats.retries += stripe.retries.load(std::memory_order_relaxed);
        }
    }

private:
    using Counter = std::atomic<std::uint64_t>;

    static constexpr std::size_t stripe_bits = 4;
    struct alignas(64) Stripe {
        std::array<Counter, CountBy<Operation>::size> operations{};
        std::array<Counter, CountBy<Errc>::size> errors{};
        Counter retries{0};
    };

    [[nodiscard]] Stripe& mine() noexcept { return stripes_[spread<stripe_bits>(this_thread())]; }
    static void raise(Counter& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }
    template <class Enum, std::size_t size>
    static void add(const std::array<Counter, size>& counters, CountBy<Enum>& sum) noexcept {
        for (std::size_t i = 0; i < size; ++i) sum[static_cast<Enum>(i)] += counters[i].load(std::memory_order_relaxed);
    }

    std::array<Stripe, std::size_t{1} << stripe_bits> stripes_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
