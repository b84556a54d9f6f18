#ifndef JOINLY_CACHE_STATS_HPP
#define JOINLY_CACHE_STATS_HPP
// What a cache has done since it was made.

#include <joinly/config.hpp>

#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN

struct CacheStats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t insertions = 0;   ///< entries set, replacements included
    std::uint64_t evictions = 0;    ///< entries that left because the cache was full
    std::uint64_t expirations = 0;  ///< entries that were found expired and dropped
    std::size_t size = 0;           ///< entries now, expired ones that nobody has met included
    std::size_t max_size = 0;
    std::size_t weight = 0;  ///< of the entries now; 0 where only their number is bounded

    /// Hits among lookups, 0 to 100; 0 before the first lookup.
    [[nodiscard]] double hit_rate_percent() const noexcept {
        const std::uint64_t lookups = hits + misses;
        return lookups == 0 ? 0.0 : 100.0 * static_cast<double>(hits) / static_cast<double>(lookups);
    }
};

JOINLY_NAMESPACE_END
#endif
