#ifndef JOINLY_OPS_METRICS_HPP
#define JOINLY_OPS_METRICS_HPP
// An observer that keeps how long a store's operations, and write-behind's flushes, take:
//
//     joinly::LatencyTraits<> traits;
//     auto store = joinly::open<joinly::SqliteBackend, joinly::WriteBehind, joinly::LatencyTraits<>>({.path = "joinly.db"}, {},
//     traits);
//     ...
//     const auto saves = traits.observer.histogram(joinly::Operation::save);
//     show(saves.count(), saves.percentile(99), saves.mean());
//
// An operation then costs two readings of the clock more, each several times what recording costs: mostly noticed at loads that
// the cache answers. A store without an observer pays nothing.

#include <joinly/config.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/detail/this_thread.hpp>
#include <joinly/ops/latency_histogram.hpp>
#include <joinly/policy/stats.hpp>
#include <joinly/traits.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>

JOINLY_NAMESPACE_BEGIN

/// Keeps the latencies of operations by their kind, failed ones included. Copies share what they keep; several stores may be given
/// the same one.
///
/// Safe from any thread. Takes no lock. 8 KiB for each kind of operation that was met, at most eight times, for threads that do
/// not wait for one another's cache lines; where there is no memory for that, nothing is recorded.
class LatencyObserver {
public:
    LatencyObserver() : table_{std::make_shared<Table>()} {}

    /// What was recorded until now: a copy, whose numbers fit together.
    [[nodiscard]] LatencyHistogram histogram(Operation operation) const noexcept {
        LatencyHistogram merged;
        for (const Row& row : table_->rows) {
            const LatencyHistogram* const one = row[static_cast<std::size_t>(operation)].load(std::memory_order_acquire);
            if (one != nullptr) merged.merge(*one);
        }
        return merged;
    }

    using Begun = std::chrono::steady_clock::time_point;
    [[nodiscard]] Begun begin(Operation) const noexcept { return std::chrono::steady_clock::now(); }
    void end(Operation operation, Begun begun, std::optional<Errc>) const noexcept {
        const auto latency = std::chrono::steady_clock::now() - begun;
        if (LatencyHistogram* const own = table_->own(operation)) own->record(latency);
    }

private:
    using Row = std::array<std::atomic<LatencyHistogram*>, CountBy<Operation>::size>;

    static constexpr std::size_t row_bits = 3;
    struct Table {
        Table() = default;
        Table(const Table&) = delete;
        Table& operator=(const Table&) = delete;
        ~Table() {
            for (const Row& row : rows) {
                for (const auto& histogram : row) delete histogram.load();
            }
        }

        /// Null when it had to be made and there was no memory.
        [[nodiscard]] LatencyHistogram* own(Operation operation) noexcept {
            auto& place = rows[detail::spread<row_bits>(detail::this_thread())][static_cast<std::size_t>(operation)];
            LatencyHistogram* const there = place.load(std::memory_order_acquire);
            return there != nullptr ? there : make(place);
        }
        [[nodiscard]] static LatencyHistogram* make(std::atomic<LatencyHistogram*>& place) noexcept {
            auto* const fresh = new (std::nothrow) LatencyHistogram;
            LatencyHistogram* there = nullptr;
            if (fresh == nullptr || place.compare_exchange_strong(there, fresh, std::memory_order_acq_rel)) return fresh;
            delete fresh;  // another thread was first
            return there;
        }

        std::array<Row, std::size_t{1} << row_bits> rows{};
    };

    std::shared_ptr<Table> table_;
};

/// Traits with a LatencyObserver, and otherwise as the base has them.
template <class Base = DefaultTraits>
struct LatencyTraits : Base {
    using Observer = LatencyObserver;
    Observer observer;
};

/// An observer that can tell what latencies it has met.
template <class O>
concept keeps_latencies = requires(const O& observer, Operation operation) {
    { observer.histogram(operation) } -> std::same_as<LatencyHistogram>;
};

JOINLY_NAMESPACE_END
#endif
