#ifndef JOINLY_DETAIL_C_STATS_JSON_HPP
#define JOINLY_DETAIL_C_STATS_JSON_HPP
// Statistics as JSON text: a stats() for those who have no C++ structs. Times in milliseconds, rates in percent.

#include <joinly/backend/concepts.hpp>
#include <joinly/cache/stats.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/codec/json_writer.hpp>
#include <joinly/detail/codec/utf8.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/policy/health.hpp>
#include <joinly/policy/stats.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What a store was opened as.
struct StoreNames {
    std::string backend;
    std::string policy;
    std::string codec;
};

/// The engine's words may be in any encoding.
inline void write_words(JsonWriter& out, std::string_view name, std::string_view words) {
    out.key(name);
    (void)(is_utf8(words) ? out.text(words) : out.text(printable(words)));
}

template <class Number>
void write_number(JsonWriter& out, std::string_view name, Number number) {
    out.key(name);
    out.number(number);
}

inline void write_ms(JsonWriter& out, std::string_view name, std::chrono::nanoseconds time) {
    out.key(name);
    (void)out.real(static_cast<double>(time.count()) / 1e6);
}

inline void write_cache_stats(JsonWriter& out, const CacheStats& stats) {
    out.open('{');
    write_number(out, "hits", stats.hits);
    write_number(out, "misses", stats.misses);
    out.key("hit_rate");
    (void)out.real(stats.hit_rate_percent());
    write_number(out, "size", stats.size);
    write_number(out, "max_size", stats.max_size);
    write_number(out, "insertions", stats.insertions);
    write_number(out, "evictions", stats.evictions);
    write_number(out, "expirations", stats.expirations);
    out.close('}');
}

/// Those that were counted at all.
template <class Enum>
void write_counts(JsonWriter& out, const CountBy<Enum>& counts) {
    out.open('{');
    counts.for_each([&](Enum value, std::uint64_t count) {
        if (count != 0) write_number(out, to_string(value), count);
    });
    out.close('}');
}

[[nodiscard]] inline std::string stats_json(const CacheStats& stats) {
    std::string text;
    JsonWriter out{text};
    write_cache_stats(out, stats);
    return text;
}

[[nodiscard]] inline std::string stats_json(const StoreNames& names, const StoreStats& stats, const StoreHealth& health,
                                            const std::vector<StoragePart>& parts) {
    std::string text;
    JsonWriter out{text};
    out.open('{');
    write_words(out, "backend", names.backend);
    write_words(out, "policy", names.policy);
    write_words(out, "codec", names.codec);
    out.key("cache");
    write_cache_stats(out, stats.cache);
    write_number(out, "backend_reads", stats.backend_reads);
    write_number(out, "backend_writes", stats.backend_writes);
    std::uint64_t size_on_disk = 0;
    for (const StoragePart& part : parts) size_on_disk += part.bytes;
    write_number(out, "size_on_disk", size_on_disk);
    out.key("size_by_part");
    out.open('{');
    for (const StoragePart& part : parts) write_number(out, part.name, part.bytes);
    out.close('}');
    out.key("operations");
    write_counts(out, stats.operations);
    out.key("errors");
    write_counts(out, stats.errors);
    write_number(out, "retries", stats.retries);
    write_number(out, "flushes", stats.flushes.count);
    write_number(out, "flushed_entries", stats.flushes.entries);
    write_ms(out, "flush_total_ms", stats.flushes.total);
    write_ms(out, "flush_longest_ms", stats.flushes.longest);
    write_ms(out, "flush_newest_ms", stats.flushes.newest);
    out.key("since_flush_ms");
    if (health.since_flush) {
        out.number(health.since_flush->count());
    } else {
        out.raw("null");
    }
    write_number(out, "pending_entries", health.pending_entries);
    write_number(out, "pending_bytes", health.pending_bytes);
    write_number(out, "oldest_pending_ms", health.oldest_pending.count());
    write_number(out, "flush_failures", stats.flush_failures);
    write_words(out, "last_error", health.last_error);
    write_number(out, "dead_letters", health.dead_letters);
    write_number(out, "journal_bytes", health.journal_bytes);
    out.close('}');
    return text;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
