#ifndef JOINLY_OPS_PROMETHEUS_HPP
#define JOINLY_OPS_PROMETHEUS_HPP
// What stores have done and hold, as text for Prometheus and what else reads its exposition format:
//
//     reply("text/plain; version=0.0.4; charset=utf-8", joinly::to_prometheus(store, "players"));
//
// Serving it over HTTP is the program's. Times are in seconds and sizes in bytes. Every sample has the label `store`. From a store
// that keeps latencies (joinly/ops/metrics.hpp) there is a histogram of them besides.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/exposition.hpp>
#include <joinly/ops/latency_histogram.hpp>
#include <joinly/ops/metrics.hpp>
#include <joinly/policy/health.hpp>
#include <joinly/policy/stats.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// One page with the metrics of any number of stores. A program that has several must put them on one page, for a metric may stand
/// on it but once. For one thread at a time.
class PrometheusPage {
public:
    /// Adds a store under a name of its own, which may be any text. Sizes on disk that the file system does not tell are left out.
    template <class Store>
    void add(Store& store, std::string_view name) {
        const std::string label = detail::exposition_label("store", name);
        add_stats(label, store.stats());
        add_health(label, store.health());
        if (const auto parts = store.size_by_part()) add_sizes(label, *parts);
        if constexpr (keeps_latencies<std::remove_cvref_t<decltype(store.observer())>>) {
            CountBy<Operation>{}.for_each([&](Operation operation, std::uint64_t) {
                add_latencies(label, operation, store.observer().histogram(operation));
            });
        }
    }

    [[nodiscard]] std::string text() const { return page_.text(); }

private:
    void add_stats(const std::string& store, const StoreStats& stats) {
        stats.operations.for_each([&](Operation operation, std::uint64_t count) {
            page_.add({"joinly_operations_total", "counter", "Operations by kind; of load the keys that were looked up."},
                      with(store, "operation", to_string(operation)), count);
        });
        stats.errors.for_each([&](Errc code, std::uint64_t count) {
            page_.add({"joinly_errors_total", "counter", "Operations that failed, by the code of their error."},
                      with(store, "code", to_string(code)), count);
        });
        page_.add({"joinly_retries_total", "counter", "Further tries of operations that others got in the way of."}, store,
                  stats.retries);
        add_cache(store, stats.cache);
        page_.add({"joinly_backend_reads_total", "counter", "Keys asked of the backend."}, store, stats.backend_reads);
        page_.add({"joinly_backend_writes_total", "counter", "Batches given to the backend."}, store, stats.backend_writes);
        page_.add({"joinly_flushes_total", "counter", "Transactions of pending writes that the backend has taken."}, store,
                  stats.flushes.count);
        page_.add({"joinly_flush_failures_total", "counter", "Flushes that the backend refused."}, store, stats.flush_failures);
        page_.add({"joinly_flushed_entries_total", "counter", "Entries in the flushes that the backend has taken."}, store,
                  stats.flushes.entries);
        page_.add({"joinly_flush_seconds_total", "counter", "Time that the flushes took that the backend has taken."}, store,
                  stats.flushes.total);
        page_.add({"joinly_flush_longest_seconds", "gauge", "The longest of these flushes."}, store, stats.flushes.longest);
    }

    void add_cache(const std::string& store, const CacheStats& cache) {
        page_.add({"joinly_cache_hits_total", "counter", "Lookups that the cache answered."}, store, cache.hits);
        page_.add({"joinly_cache_misses_total", "counter", "Lookups that the cache did not answer."}, store, cache.misses);
        page_.add({"joinly_cache_insertions_total", "counter", "Entries set in the cache, replacements included."}, store,
                  cache.insertions);
        page_.add({"joinly_cache_evictions_total", "counter", "Entries that left the cache because it was full."}, store,
                  cache.evictions);
        page_.add({"joinly_cache_expirations_total", "counter", "Entries that were found expired in the cache."}, store,
                  cache.expirations);
        page_.add({"joinly_cache_entries", "gauge", "Entries in the cache."}, store, std::uint64_t{cache.size});
        page_.add({"joinly_cache_max_entries", "gauge", "Entries that the cache holds at most."}, store,
                  std::uint64_t{cache.max_size});
    }

    void add_health(const std::string& store, const StoreHealth& health) {
        page_.add({"joinly_pending_entries", "gauge", "Writes that are acknowledged and not yet stored."}, store,
                  std::uint64_t{health.pending_entries});
        page_.add({"joinly_pending_bytes", "gauge", "Their keys and values."}, store, std::uint64_t{health.pending_bytes});
        page_.add({"joinly_pending_age_seconds", "gauge", "How long the oldest of them has waited."}, store,
                  std::chrono::nanoseconds{health.oldest_pending});
        page_.add({"joinly_dead_letters", "gauge", "Groups of writes that the backend refused for good."}, store,
                  std::uint64_t{health.dead_letters});
    }

    void add_sizes(const std::string& store, const std::vector<StoragePart>& parts) {
        for (const StoragePart& part : parts) {
            page_.add({"joinly_storage_bytes", "gauge", "Sizes of the files on disk, by what they hold."},
                      with(store, "part", part.name), part.bytes);
        }
    }

    /// Of an operation that was met. The bounds are those of the histogram's own buckets, so that no count is a guess.
    void add_latencies(const std::string& store, Operation operation, const LatencyHistogram& latencies) {
        constexpr detail::Exposition::Metric metric{"joinly_operation_duration_seconds", "histogram",
                                                    "How long operations took, by kind, failed ones included."};
        constexpr int shortest_power = 6;  // 64 ns
        constexpr int longest_power = 34;  // 17 s
        const std::uint64_t count = latencies.count();
        if (count == 0) return;
        const std::string labels = with(store, "operation", to_string(operation));
        for (int power = shortest_power; power <= longest_power; ++power) {
            const std::chrono::nanoseconds bound{std::int64_t{1} << power};
            page_.add(metric, with(labels, "le", detail::exposition_number(bound)), latencies.count_up_to(bound), "_bucket");
        }
        page_.add(metric, with(labels, "le", "+Inf"), count, "_bucket");
        page_.add(metric, labels, latencies.sum(), "_sum");
        page_.add(metric, labels, count, "_count");
    }

    [[nodiscard]] static std::string with(const std::string& labels, std::string_view name, std::string_view value) {
        return labels + "," + detail::exposition_label(name, value);
    }

    detail::Exposition page_;
};

/// The page of one store. Any thread, at any time; costs some microseconds, and the system calls that ask for the files' sizes.
template <class Store>
[[nodiscard]] std::string to_prometheus(Store& store, std::string_view name = "joinly") {
    PrometheusPage page;
    page.add(store, name);
    return page.text();
}

JOINLY_NAMESPACE_END
#endif
