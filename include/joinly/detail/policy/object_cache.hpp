#ifndef JOINLY_DETAIL_POLICY_OBJECT_CACHE_HPP
#define JOINLY_DETAIL_POLICY_OBJECT_CACHE_HPP
// The cache of a caching policy: decoded objects by key, and, for a stated time, the absence of one.
// Thread-safe, as Cache is.

#include <joinly/cache/cache.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/detail/key_buffer.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <bitset>
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

    /// Calls `visitor(const LoadedObject&)`, as Cache::visit does, with what answers for the key: an object of that type, or none
    /// where it is known that there is none.
    /// @tparam Key  a std::string_view or a KeyBuffer
    /// @return whether there was an answer.
    template <class Key, class Visitor>
    [[nodiscard]] bool visit(const Key& key, const ObjectType& type, Visitor&& visitor) {
        bool answered = false;
        cache_.visit_hashed(key, hash(key), [&](const LoadedObject& cached) {
            if (!answers(cached, type)) return;
            visitor(cached);
            answered = true;
        });
        return answered;
    }
    /// As `visit` for each of `keys`: `on_hit(position, const LoadedObject&)`; the rest is loaded by `load_rest(keys, sink)`, from
    /// whose sink `sink` gets it.
    template <class OnHit, class LoadRest>
    [[nodiscard]] Status visit_many(std::span<const std::string_view> keys, const ObjectType& type, OnHit&& on_hit, LoadSink sink,
                                    LoadRest&& load_rest) {
        constexpr std::size_t at_once = 32;
        std::vector<std::string_view> missing;
        std::vector<std::size_t> positions;  // of what is missing
        for (std::size_t from = 0; from < keys.size(); from += at_once) {
            const auto some = keys.subspan(from, (std::min)(at_once, keys.size() - from));
            std::bitset<at_once> answered;
            cache_.visit_many(some, [&](std::size_t i, const LoadedObject& cached) {
                if (!answers(cached, type)) return;
                on_hit(from + i, cached);
                answered.set(i);
            });
            for (std::size_t i = 0; i < some.size(); ++i) {
                if (answered.test(i)) continue;
                missing.push_back(some[i]);
                positions.push_back(from + i);
            }
        }
        if (missing.empty()) return {};
        return load_rest(std::span<const std::string_view>{missing},
                         LoadSink{[&](std::size_t position, Outcome outcome) { sink(positions[position], std::move(outcome)); }});
    }
    /// What `visit` would meet; not counted.
    [[nodiscard]] std::optional<Outcome> peek(std::string_view key, const ObjectType& type) {
        std::optional<Outcome> outcome;
        cache_.peek(key, [&](const LoadedObject& cached) {
            if (answers(cached, type)) tell(cached, outcome);
        });
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
    template <class Key>
    [[nodiscard, gnu::always_inline]] inline std::uint64_t hash(const Key& key) const noexcept {
        return hash_key(hash(), key);
    }
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
    [[nodiscard]] bool answers(const LoadedObject& cached, const ObjectType& type) const {
        return cached.object.value ? cached.object.type == &type : !is_over(cached);
    }
    static void tell(const LoadedObject& cached, std::optional<Outcome>& outcome) {
        if (cached.object.value) {
            outcome.emplace(cached);
        } else {
            outcome.emplace(failure(Errc::not_found));
        }
    }

    Cache<LoadedObject, typename Traits::Eviction, typename Traits::Clock> cache_;
    JOINLY_NO_UNIQUE_ADDRESS typename Traits::Clock clock_;
    std::chrono::milliseconds absence_ttl_;
};

/// A load by an engine's load that visits hits.
template <class Engine, class Key>
[[nodiscard]] Result<LoadedObject> load_by_visit(Engine& engine, const Key& key, const ObjectType& type) {
    LoadedObject hit;
    auto missed = engine.load(key, type, [&](const LoadedObject& cached) { hit = cached; });
    if (missed) return *std::move(missed);
    if (!hit.object.value) return failure(Errc::not_found);
    return hit;
}
/// As above, of many.
template <class Engine>
[[nodiscard]] Status load_many_by_visit(Engine& engine, std::span<const std::string_view> keys, const ObjectType& type,
                                        LoadSink sink) {
    std::vector<std::pair<std::size_t, LoadedObject>> hits;  // told after the visits: the sink may do what it likes
    const auto on_hit = [&](std::size_t position, const LoadedObject& cached) { hits.emplace_back(position, cached); };
    auto done = engine.load_many(keys, type, on_hit, sink);
    for (auto& [position, hit] : hits) {
        if (hit.object.value) {
            sink(position, std::move(hit));
        } else {
            sink(position, failure(Errc::not_found));
        }
    }
    return done;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
