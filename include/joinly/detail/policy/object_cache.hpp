#ifndef JOINLY_DETAIL_POLICY_OBJECT_CACHE_HPP
#define JOINLY_DETAIL_POLICY_OBJECT_CACHE_HPP
// The cache of a caching policy: decoded objects by key, and, for a stated time, the absence of one.
// Thread-safe, as Cache is.

#include <joinly/cache/cache.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Traits>
class ObjectCache {
public:
    using Outcome = Result<LoadedObject>;

    ObjectCache(std::size_t capacity_entries, std::chrono::milliseconds absence_ttl, const Traits& traits)
        : cache_{{.capacity_entries = capacity_entries}, traits.clock}, clock_{traits.clock}, absence_ttl_{absence_ttl} {}

    /// What a cached entry answers; nothing when there is none, or when it was cached as another type.
    [[nodiscard]] std::optional<Outcome> get(std::string_view key, const ObjectType& type) {
        std::optional<Outcome> outcome;
        cache_.visit(key, [&](const LoadedObject& cached) { tell(cached, type, outcome); });
        return outcome;
    }
    /// As `get` for each of `keys`, in their order; what there is goes to `sink`, and the rest is loaded by
    /// `load_rest(keys, sink)`, whose sink counts positions among those that it was given.
    template <class LoadRest>
    [[nodiscard]] Status get_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink,
                                  LoadRest&& load_rest) {
        constexpr std::size_t at_once = 32;
        std::vector<std::string_view> missing;
        std::vector<std::size_t> positions;  // of what is missing
        for (std::size_t from = 0; from < keys.size(); from += at_once) {
            const auto some = keys.subspan(from, (std::min)(at_once, keys.size() - from));
            std::array<std::optional<Outcome>, at_once> found;  // told after the visit: the sink may do what it likes
            cache_.visit_many(some, [&](std::size_t i, const LoadedObject& cached) { tell(cached, type, found[i]); });
            for (std::size_t i = 0; i < some.size(); ++i) {
                if (found[i]) {
                    sink(from + i, *std::move(found[i]));
                } else {
                    missing.push_back(some[i]);
                    positions.push_back(from + i);
                }
            }
        }
        if (missing.empty()) return {};
        return load_rest(std::span<const std::string_view>{missing},
                         LoadSink{[&](std::size_t position, Outcome outcome) { sink(positions[position], std::move(outcome)); }});
    }
    /// As `get`, but not counted.
    [[nodiscard]] std::optional<Outcome> peek(std::string_view key, const ObjectType& type) {
        std::optional<Outcome> outcome;
        cache_.peek(key, [&](const LoadedObject& cached) { tell(cached, type, outcome); });
        return outcome;
    }

    /// The version of what is cached, whatever its type; `absent` when absence is.
    [[nodiscard]] std::optional<Version> version_of(std::string_view key) {
        std::optional<Version> version;
        cache_.peek(key, [&](const LoadedObject& cached) {
            if (!is_over(cached)) version = cached.object.value ? cached.version : absent;
        });
        return version;
    }

    /// Keeps what a load found.
    void fill(std::string_view key, const Outcome& outcome) {
        if (outcome) {
            cache_.set(key, *outcome, outcome->expires_at);
        } else if (outcome.error() == Errc::not_found && absence_ttl_.count() > 0) {
            const auto until = Expiry::after(monotonic_now(), Ttl{absence_ttl_});
            cache_.set(key, LoadedObject{{}, absent, until.value_or(Expiry{})});
        }
    }

    /// Keeps what was just written, or erased. The write is done by now, so nothing may fail: an object that finds no memory
    /// is not cached.
    void keep(std::string_view key, LoadedObject written) noexcept {
        const std::uint64_t hashed = hash(key);
        keep(key, hashed, std::move(written));
    }
    /// As above, for a key whose hash is known.
    void keep(std::string_view key, std::uint64_t hashed, LoadedObject written) noexcept {
        JOINLY_TRY {
            if (written.object.value) {
                const Expiry expires_at = written.expires_at;
                cache_.set_hashed(key, hashed, std::move(written), expires_at);
                return;
            }
        }
        JOINLY_CATCH_ALL {}
        erase(key);
    }

    /// What the cache hashes keys by, for a table beside it.
    [[nodiscard]] const KeyHash& hash() const noexcept { return cache_.hash(); }
    [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept { return hash()(key); }
    /// Asks for the memory where a key with this hash will be looked for.
    void prefetch(std::uint64_t hashed) const noexcept { cache_.prefetch(hashed); }
    /// As above, once that memory is there: asks for that of the entry itself.
    void prefetch_entry(std::uint64_t hashed) const noexcept { cache_.prefetch_entry(hashed); }

    void erase(std::string_view key) { cache_.erase(key); }
    void clear() { cache_.clear(); }
    [[nodiscard]] CacheStats stats() const { return cache_.stats(); }

private:
    /// An absence ends by the monotonic clock: the wall clock may be set back by a year.
    [[nodiscard]] WallTime monotonic_now() const {
        return WallTime{std::chrono::floor<std::chrono::milliseconds>(clock_.monotonic())};
    }
    [[nodiscard]] bool is_over(const LoadedObject& cached) const {
        return !cached.object.value && cached.expires_at.has_passed(monotonic_now());
    }
    void tell(const LoadedObject& cached, const ObjectType& type, std::optional<Outcome>& outcome) const {
        if (is_over(cached)) return;
        if (!cached.object.value) {
            outcome.emplace(failure(Errc::not_found));
        } else if (cached.object.type == &type) {
            outcome.emplace(cached);
        }
    }

    Cache<LoadedObject, typename Traits::Eviction, typename Traits::Clock> cache_;
    JOINLY_NO_UNIQUE_ADDRESS typename Traits::Clock clock_;
    std::chrono::milliseconds absence_ttl_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
