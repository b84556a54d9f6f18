#ifndef JOINLY_POLICY_STATS_HPP
#define JOINLY_POLICY_STATS_HPP
// What a store has done since it was opened, in numbers: see Store::stats. Plain values.

#include <joinly/cache/stats.hpp>
#include <joinly/config.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/result.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

JOINLY_NAMESPACE_BEGIN

/// A count for each enumerator of Operation or Errc.
template <class Enum>
class CountBy {
public:
    /// Above every enumerator's value: the first one that has no name.
    static constexpr std::size_t size = [] {
        std::size_t end = 1;  // Errc has no 0
        while (to_string(static_cast<Enum>(end)) != "unknown") ++end;
        return end;
    }();

    [[nodiscard]] std::uint64_t& operator[](Enum value) noexcept { return counts_[static_cast<std::size_t>(value)]; }
    [[nodiscard]] std::uint64_t operator[](Enum value) const noexcept { return counts_[static_cast<std::size_t>(value)]; }

    /// `visit(Enum, std::uint64_t)` for each enumerator in order, those that were never counted included.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t i = 0; i < size; ++i) {
            const auto value = static_cast<Enum>(i);
            if (to_string(value) != "unknown") visit(value, counts_[i]);
        }
    }

private:
    std::array<std::uint64_t, size> counts_{};
};

/// The transactions in which write-behind has taken pending writes to the backend. All zero under other policies.
struct FlushStats {
    std::uint64_t count = 0;            ///< that the backend has taken
    std::uint64_t entries = 0;          ///< that were in them
    std::chrono::nanoseconds total{0};  ///< that they took, encoding included
    std::chrono::nanoseconds longest{0};
    std::chrono::nanoseconds newest{0};
};

/// What a store and its policy have done since it was opened. Numbers that are counted never go back.
struct StoreStats {
    CacheStats cache{};
    std::uint64_t backend_reads = 0;   ///< keys asked of the backend, scans left out
    std::uint64_t backend_writes = 0;  ///< batches given to the backend, refused ones included
    std::size_t pending_entries = 0;   ///< writes that are acknowledged and not yet stored
    std::uint64_t flush_failures = 0;  ///< flushes that the backend refused; what they held is tried again
    std::string last_flush_error{};    ///< why the newest of these failed; empty after a flush that did not
    FlushStats flushes{};

    /// Calls by their kind, those that failed included; not those that an exception ended. Of `load` not the calls but the keys
    /// that were looked up, by whatever call, an update's or a transaction's included: the cache counts those anyway, so that a
    /// hit counts nothing besides. Of `flush` the transactions with the backend, failed ones included.
    CountBy<Operation> operations{};
    /// Calls that failed, and keys of load_many, by the code of their error. `not_found` is an answer rather than a fault.
    CountBy<Errc> errors{};
    std::uint64_t retries = 0;  ///< further tries of updates, touches and transactions that others got in the way of
};

JOINLY_NAMESPACE_END
#endif
