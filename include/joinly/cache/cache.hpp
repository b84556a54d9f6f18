#ifndef JOINLY_CACHE_CACHE_HPP
#define JOINLY_CACHE_CACHE_HPP
// A bounded map in memory with string keys: eviction, expiry, statistics. Usable alone:
//
//     joinly::Cache<std::string> cache{{.capacity_entries = 1000}};
//     cache.set("key", "value", 300s);
//     if (auto value = cache.get("key")) use(*value);
//
// Safe from any thread. Writers take the lock of a shard, and none under another. Readers take none, and write nothing that
// threads share but the count of a hit, up to the eviction policy's `most_uses`; where that is 0, as for Lru, readers take
// the lock as well. How readers and writers keep out of each other's way: detail/cache/reader_places.hpp. It was chosen by
// measuring: a lock for each shard costs one thread as much, and two threads three times as much; epochs by membarrier cost
// one thread less, but need thread-local variables; a seqlock must copy the value, and a shared_mutex collapses under
// writers.
//
// An entry that was erased, replaced or evicted is destroyed at once where no reader is inside the cache; with several
// reading threads, up to 32 entries of each shard that were replaced or evicted wait for more of them, or for an erase or a
// clear. A reader who dawdles keeps in memory what leaves meanwhile.

#include <joinly/cache/adaptive_s3_fifo.hpp>
#include <joinly/cache/concepts.hpp>
#include <joinly/cache/stats.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/detail/cache/reader_places.hpp>
#include <joinly/detail/cache/shard.hpp>
#include <joinly/detail/hash.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct CacheOptions {
    /// Entries the cache holds at most; the eviction policy chooses who leaves. 0 caches nothing. Memory grows with use, up
    /// to this many entries.
    std::size_t capacity_entries = 10'000;

    /// What all entries together weigh at most, as the cache's `Weigh` tells: in bytes, unless it is another. Each shard has
    /// its share; an entry heavier than that is not kept. Without a limit nothing is weighed.
    std::size_t capacity_weight = detail::CacheLimits::no_limit;

    /// Parts with a lock of their own, each with its share of the capacity. 0: one for every 512 entries, 16 at most, so that
    /// a small cache evicts in the policy's exact order; never more than entries. Leave it alone unless a profile shows
    /// threads waiting, or single entries weigh more than a sixteenth of `capacity_weight`.
    std::size_t shards = 0;
};

/// What an entry weighs: its key's bytes and its value's, those in place where a value is no string.
struct WeighBytes {
    template <class View>
    [[nodiscard]] std::size_t operator()(std::string_view key, const View& value) const noexcept {
        if constexpr (std::is_same_v<View, std::string_view>) {
            return key.size() + value.size();
        } else {
            return key.size() + sizeof value;
        }
    }
};

/// @tparam Value     anything movable whose destructor neither throws nor calls this cache. Readers are given a `View`: a
///                   `const Value&`, or, of a std::string, whose bytes lie in the entry, a std::string_view.
/// @tparam Eviction  who leaves when the cache is full.
/// @tparam Clock     decides expiry by its wall clock.
/// @tparam Weigh     tells the weight of a key and a View; it must not throw, and must tell the same each time.
template <class Value, eviction_policy Eviction = AdaptiveS3Fifo, clock Clock = SystemClock, class Weigh = WeighBytes>
class Cache {
    using Shard = detail::CacheShard<Value, Eviction, Weigh, detail::KeyHash>;
    using Node = typename Shard::Node;

public:
    using View = typename Node::View;

    static_assert(std::is_nothrow_invocable_r_v<std::size_t, Weigh, std::string_view, View>,
                  "joinly: a cache's Weigh is `std::size_t operator()(std::string_view key, const Value& value) const noexcept`, "
                  "with a std::string_view for the value of a cache of std::string");

    explicit Cache(CacheOptions options = {}, Clock clock = {})
        : capacity_{options.capacity_entries}, shard_count_{shards_for(options)}, clock_{std::move(clock)} {
        if constexpr (reads_without_lock) readers_ = std::make_unique<detail::ReaderPlaces>();
        shards_ = std::make_unique<Shard[]>(shard_count_);
        for (std::size_t i = 0; i < shard_count_; ++i) {
            const auto share = [&](std::size_t whole) { return whole / shard_count_ + (i < whole % shard_count_ ? 1 : 0); };
            const bool weighs = options.capacity_weight != detail::CacheLimits::no_limit;
            const std::size_t weight = weighs ? share(options.capacity_weight) : detail::CacheLimits::no_limit;
            shards_[i].start({share(capacity_), weight}, hash_, readers_.get());
        }
    }

    /// A copy of the value, or nullopt when there is none or it has expired. Counts as a hit or a miss. O(1).
    [[nodiscard]] std::optional<Value> get(std::string_view key) {
        std::optional<Value> found;
        visit(key, [&](View value) { found.emplace(value); });
        return found;
    }

    /// Calls `visitor(View)` with the value in place, which stays as it is meanwhile, whatever others set or erase. It must
    /// be short and must not call this cache: it may run under a shard's lock, and entries that leave wait for it to end.
    /// @return whether there was one. Counts as a hit or a miss. O(1), and allocates nothing.
    template <class Visitor>
    bool visit(std::string_view key, Visitor&& visitor) {
        return look_up<Counted::yes>(key, hash_(key), visitor);
    }
    /// As above, for a key whose hash is known: `hash()(key)`.
    template <class Visitor>
    bool visit_hashed(std::string_view key, std::uint64_t hash, Visitor&& visitor) {
        return look_up<Counted::yes>(key, hash, visitor);
    }

    /// `visitor(std::size_t position, View)` for each of `keys` that is there, by its position, in that order; otherwise as
    /// `visit` for each. Costs less than single visits, for the memory of several keys is fetched at once.
    template <class Visitor>
    void visit_many(std::span<const std::string_view> keys, Visitor&& visitor) {
        const bool are_far = shard_count_ * shards_[0].buckets() > near_buckets;
        for (std::size_t from = 0; from < keys.size(); from += group) {
            const auto some = keys.subspan(from, (std::min)(group, keys.size() - from));
            if (!reads_without_lock ||
                !(are_far ? visit_group<true>(some, from, visitor) : visit_group<false>(some, from, visitor))) {
                for (std::size_t i = 0; i < some.size(); ++i) visit(some[i], [&](View value) { visitor(from + i, value); });
            }
        }
    }

    /// As `get`, but neither counted nor a reason to stay longer.
    [[nodiscard]] std::optional<Value> peek(std::string_view key) {
        std::optional<Value> found;
        peek(key, [&](View value) { found.emplace(value); });
        return found;
    }
    /// As `visit`, but neither counted nor a reason to stay longer.
    template <class Visitor>
    bool peek(std::string_view key, Visitor&& visitor) {
        return look_up<Counted::no>(key, hash_(key), visitor);
    }

    /// Sets or replaces the entry; when the cache is full, others leave. An entry that is too heavy leaves the key without
    /// one, as does one of 4 GiB. O(1) at the mean, one allocation.
    void set(std::string_view key, Value value, Expiry expires_at = {}) {
        set_hashed(key, hash_(key), std::move(value), expires_at);
    }
    /// As above, for a key whose hash is known: `hash()(key)`.
    void set_hashed(std::string_view key, std::uint64_t hash, Value value, Expiry expires_at = {}) {
        if (!Node::fits(key, value)) {
            erase(key);
            return;
        }
        shard_of(hash).set(hash, Node::make(key, std::move(value), expires_at));
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
        const std::uint64_t hash = hash_(key);
        return shard_of(hash).erase(key, hash);
    }

    void clear() {
        for (std::size_t i = 0; i < shard_count_; ++i) shards_[i].clear();
    }

    /// What keys are hashed by, for a table beside the cache that knows the same keys.
    [[nodiscard]] const detail::KeyHash& hash() const noexcept { return hash_; }
    /// Asks for the memory where a key with this hash will be looked for: to be called some time before it is.
    void prefetch(std::uint64_t hash) const noexcept { shard_of(hash).prefetch(hash); }
    /// As above, once that memory is there: asks for that of the entry itself.
    void prefetch_entry(std::uint64_t hash) const noexcept {
        if constexpr (reads_without_lock) {
            if (const Stay stay{*readers_}) shard_of(hash).prefetch_candidate(hash);
        }
    }

    /// The shards' sums, each shard at a moment of its own.
    [[nodiscard]] CacheStats stats() const {
        CacheStats sum;
        for (std::size_t i = 0; i < shard_count_; ++i) shards_[i].add_to(sum);
        if constexpr (reads_without_lock) {
            const auto counts = readers_->counts();
            sum.hits += counts.hits;
            sum.misses += counts.misses;
        }
        sum.max_size = capacity_;
        return sum;
    }

private:
    using Counted = detail::Counted;
    using Stay = detail::ReaderPlaces::Stay;
    static constexpr bool reads_without_lock = Eviction::most_uses != 0;
    static constexpr std::size_t group = 32;  // about what a core fetches at once, several times over
    /// Some 2,000 entries, which a core has in its second-level cache: asking for them costs more than they are waited for.
    static constexpr std::size_t near_buckets = 512;

    template <Counted counted, class Visitor>
    bool look_up(std::string_view key, std::uint64_t hash, Visitor& visitor) {
        Shard& shard = shard_of(hash);
        if constexpr (reads_without_lock) {
            shard.prefetch(hash);  // which takes place while the reader enters
            if (Stay stay{*readers_}) {
                const Node* const node = shard.find(key, hash);
                if (node == nullptr || !node->has_expired(clock_)) return answer<counted>(stay, node, visitor);
                if constexpr (counted == Counted::yes) stay.count_miss();
            } else {
                return shard.template visit<counted>(key, hash, clock_, visitor);
            }
            shard.expire(key, hash, clock_);
            return false;
        } else {
            return shard.template visit<counted>(key, hash, clock_, visitor);
        }
    }

    template <Counted counted, class Visitor>
    static bool answer(Stay& stay, const Node* node, Visitor& visitor) {
        if constexpr (counted == Counted::yes) {
            if (node == nullptr) {
                stay.count_miss();
            } else {
                stay.count_hit();
                node->use(Eviction::most_uses);
            }
        }
        if (node == nullptr) return false;
        visitor(node->value());
        return true;
    }

    /// In three rounds: where the keys' buckets are, which nodes they lead to, and the visits.
    /// @return false, and nothing is done, when no place was free.
    /// @tparam is_far  whether memory is asked for.
    template <bool is_far, class Visitor>
    bool visit_group(std::span<const std::string_view> keys, std::size_t from, Visitor& visitor) {
        std::array<std::uint64_t, group> hashes;
        std::uint32_t expired = 0;  // a bit for each key
        for (std::size_t i = 0; i < keys.size(); ++i) {
            hashes[i] = hash_(keys[i]);
            if constexpr (is_far) shard_of(hashes[i]).prefetch(hashes[i]);
        }
        if (Stay stay{*readers_}) {
            if constexpr (is_far) {
                for (std::size_t i = 0; i < keys.size(); ++i) shard_of(hashes[i]).prefetch_candidate(hashes[i]);
            }
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const Node* node = shard_of(hashes[i]).find(keys[i], hashes[i]);
                if (node != nullptr && node->has_expired(clock_)) {
                    expired |= std::uint32_t{1} << i;
                    node = nullptr;
                }
                auto visit_one = [&](View value) { visitor(from + i, value); };
                answer<Counted::yes>(stay, node, visit_one);
            }
        } else {
            return false;
        }
        for (; expired != 0; expired &= expired - 1) {
            const auto i = static_cast<std::size_t>(std::countr_zero(expired));
            shard_of(hashes[i]).expire(keys[i], hashes[i], clock_);
        }
        return true;
    }

    [[nodiscard]] static std::size_t shards_for(const CacheOptions& options) noexcept {
        constexpr std::size_t entries_per_shard = 512;
        constexpr std::size_t most = 16;
        const std::size_t wanted =
            options.shards != 0 ? options.shards : (std::min)(options.capacity_entries / entries_per_shard, most);
        return std::clamp<std::size_t>(wanted, 1, (std::max<std::size_t>)(options.capacity_entries, 1));  // none without room
    }
    /// Other bits of the hash choose the bucket: see table.hpp.
    [[nodiscard]] Shard& shard_of(std::uint64_t hash) const noexcept {
        return shards_[static_cast<std::size_t>(((hash & 0xffff'ffffU) * shard_count_) >> 32)];
    }

    std::size_t capacity_;
    std::size_t shard_count_;
    detail::KeyHash hash_;
    JOINLY_NO_UNIQUE_ADDRESS Clock clock_;
    std::unique_ptr<detail::ReaderPlaces> readers_;  // null where readers take the lock
    std::unique_ptr<Shard[]> shards_;
};

JOINLY_NAMESPACE_END
#endif
