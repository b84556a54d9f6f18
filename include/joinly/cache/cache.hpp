#ifndef JOINLY_CACHE_CACHE_HPP
#define JOINLY_CACHE_CACHE_HPP
// A bounded map in memory with string keys: eviction, expiry, statistics. Usable alone:
//
//     joinly::Cache<std::string> cache{{.capacity_entries = 1000}};
//     cache.set("key", "value", 300s);
//     if (auto value = cache.get("key")) use(*value);
//
// Safe from any thread. Locks: each shard's mutex guards all of that shard, and none is taken under another.

#include <joinly/cache/concepts.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/stats.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/detail/cache_shard.hpp>
#include <joinly/detail/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct CacheOptions {
    /// Entries the cache holds at most; the eviction policy chooses who leaves. 0 caches nothing. Memory grows with use,
    /// up to this many entries.
    std::size_t capacity_entries = 10'000;

    /// Parts with a lock of their own, each with its share of the capacity. 0: one for every 512 entries, 16 at most, so
    /// that a small cache evicts in the policy's exact order; never more than entries. Leave it alone unless a profile shows
    /// threads waiting.
    std::size_t shards = 0;
};

/// @tparam Value     anything movable; `get` copies it out, `visit` does not.
/// @tparam Eviction  who leaves when the cache is full.
/// @tparam Clock     decides expiry by its wall clock.
template <class Value, eviction_policy Eviction = Lru, clock Clock = SystemClock>
class Cache {
public:
    explicit Cache(CacheOptions options = {}, Clock clock = {})
        : capacity_{options.capacity_entries}, shard_count_{shards_for(options)}, clock_{std::move(clock)} {
        shards_ = std::make_unique<Shard[]>(shard_count_);
        for (std::size_t i = 0; i < shard_count_; ++i) {
            shards_[i].set_capacity(capacity_ / shard_count_ + (i < capacity_ % shard_count_ ? 1 : 0));
        }
    }

    /// A copy of the value, or nullopt when there is none or it has expired. Counts as a hit or a miss. O(1).
    [[nodiscard]] std::optional<Value> get(std::string_view key) {
        std::optional<Value> found;
        visit(key, [&](const Value& value) { found.emplace(value); });
        return found;
    }

    /// Calls `visitor` with the value in place, under the shard's lock: it must be short and must not call this cache.
    /// @return whether there was one. Counts as a hit or a miss. O(1), and allocates nothing.
    template <class Visitor>
    bool visit(std::string_view key, Visitor&& visitor) {
        const std::uint64_t hash = hash_of(key);
        Shard& shard = shard_of(hash);
        const std::scoped_lock lock{shard.mutex};
        const Value* value = shard.find_and_count(key, hash, clock_);
        if (value == nullptr) return false;
        visitor(*value);
        return true;
    }

    /// As `get`, but neither counted nor a reason to stay longer.
    [[nodiscard]] std::optional<Value> peek(std::string_view key) {
        const std::uint64_t hash = hash_of(key);
        Shard& shard = shard_of(hash);
        const std::scoped_lock lock{shard.mutex};
        const Value* value = shard.find_live(key, hash, clock_);
        return value == nullptr ? std::nullopt : std::optional<Value>{*value};
    }

    /// Sets or replaces the entry; when the cache is full, another one leaves. O(1) at the mean.
    void set(std::string_view key, Value value, Expiry expires_at = {}) {
        const std::uint64_t hash = hash_of(key);
        Shard& shard = shard_of(hash);
        const std::scoped_lock lock{shard.mutex};
        shard.set(key, hash, std::move(value), expires_at);
    }

    /// As above, expiring `ttl` from now. A `ttl` of zero or less leaves the key without an entry.
    void set(std::string_view key, Value value, Ttl ttl) {
        if (const auto expires_at = Expiry::after(clock_.now(), ttl)) {
            set(key, std::move(value), *expires_at);
        } else {
            erase(key);
        }
    }

    /// @return whether there was an entry. O(1).
    bool erase(std::string_view key) {
        const std::uint64_t hash = hash_of(key);
        Shard& shard = shard_of(hash);
        const std::scoped_lock lock{shard.mutex};
        return shard.erase(key, hash);
    }

    void clear() {
        for (std::size_t i = 0; i < shard_count_; ++i) {
            const std::scoped_lock lock{shards_[i].mutex};
            shards_[i].clear();
        }
    }

    /// The shards' sums, each shard at a moment of its own.
    [[nodiscard]] CacheStats stats() const {
        CacheStats sum;
        for (std::size_t i = 0; i < shard_count_; ++i) {
            const std::scoped_lock lock{shards_[i].mutex};
            shards_[i].add_to(sum);
        }
        sum.max_size = capacity_;
        return sum;
    }

private:
    using Shard = detail::CacheShard<Value, Eviction>;

    [[nodiscard]] static std::size_t shards_for(const CacheOptions& options) noexcept {
        constexpr std::size_t entries_per_shard = 512;
        constexpr std::size_t most = 16;
        const std::size_t wanted =
            options.shards != 0 ? options.shards : (std::min)(options.capacity_entries / entries_per_shard, most);
        return std::clamp<std::size_t>(wanted, 1, (std::max<std::size_t>)(options.capacity_entries, 1));  // none without room
    }
    [[nodiscard]] std::uint64_t hash_of(std::string_view key) const noexcept { return detail::hash_bytes(key, seed_); }
    /// The high bits choose the shard: the low ones choose the place within it.
    [[nodiscard]] Shard& shard_of(std::uint64_t hash) const noexcept { return shards_[(hash >> 40) % shard_count_]; }

    std::size_t capacity_;
    std::size_t shard_count_;
    std::uint64_t seed_ = detail::random_seed();
    JOINLY_NO_UNIQUE_ADDRESS Clock clock_;
    std::unique_ptr<Shard[]> shards_;
};

JOINLY_NAMESPACE_END
#endif
