#ifndef JOINLY_DETAIL_POLICY_THROUGH_ENGINE_HPP
#define JOINLY_DETAIL_POLICY_THROUGH_ENGINE_HPP
// The engine of ReadThrough and WriteThrough, which differ in one thing: whether a write leaves its object in the cache.
//
// A write first takes its keys out of the cache and bars loads from filling them, then writes the backend, then lets go of
// the keys (see load_gate.hpp). So from before the commit until after it nothing is cached, and a cached object is never
// older than a write that has returned. Of writers that overlap, the newest version stays.
//
// What other processes write is noticed by asking the backend, at most so often: see foreign_watch.hpp.
//
// Locks, in the order they are taken: the watch's, a gate stripe, then a cache shard. The last two are not held while the
// backend works.

#include <joinly/config.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/detail/policy/foreign_watch.hpp>
#include <joinly/detail/policy/load_gate.hpp>
#include <joinly/detail/policy/object_cache.hpp>
#include <joinly/policy/concepts.hpp>
#include <joinly/policy/through_options.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

namespace detail {

enum class AfterWrite : bool { drop, keep };

template <class Backend, class Traits, AfterWrite after_write>
class ThroughEngine {
public:
    using Options = ThroughOptions;
    static constexpr bool keeps_objects = after_write == AfterWrite::keep;
    static constexpr bool may_lag_behind = tells_foreign_commits<Backend>;  // for `foreign_check`

    [[nodiscard]] static Result<std::unique_ptr<ThroughEngine>> open(Backend backend, const Options& options,
                                                                     const Traits& traits) {
        return std::unique_ptr<ThroughEngine>{new ThroughEngine{std::move(backend), options, traits}};
    }

    /// @tparam Key  a std::string_view or a KeyBuffer
    template <class Key>
    [[nodiscard]] Result<LoadedObject> load(const Key& key, const ObjectType& type) {
        return load_by_visit(*this, key, type);
    }
    /// As above, but `on_hit(const LoadedObject&)` is called with what the cache answers: see ObjectCache::visit.
    /// @return what a load found, unless the cache answered.
    template <class Key, class OnHit>
    [[nodiscard]] std::optional<Result<LoadedObject>> load(const Key& key, const ObjectType& type, OnHit&& on_hit) {
        if (!cache_is_current()) {
            passed_by_.fetch_add(1, std::memory_order_relaxed);
            return access_.load(key, type);
        }
        if (cache_.visit(key, type, on_hit)) return std::nullopt;
        return gate_.load(
            key, [&] { return enter(key, type); }, [&] { return access_.load(key, type); },
            [&](std::string_view, const Outcome& outcome) { cache_.fill(key, outcome); });
    }

    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
        return load_many_by_visit(*this, keys, type, sink);
    }
    /// As above, but `on_hit(position, const LoadedObject&)` is called with what the cache answers, and `sink` with the rest.
    template <class OnHit>
    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, OnHit&& on_hit, LoadSink sink) {
        if (!cache_is_current()) {
            passed_by_.fetch_add(keys.size(), std::memory_order_relaxed);
            return access_.load_many(keys, type, sink);
        }
        return cache_.visit_many(keys, type, on_hit, sink, [&](std::span<const std::string_view> missing, LoadSink rest) {
            return gate_.load_many(
                missing, rest, [&](std::string_view key) { return enter(key, type); },
                [&](std::string_view key) { return access_.load(key, type); },
                [&](std::span<const std::string_view> asked, LoadSink landed) { return access_.load_many(asked, type, landed); },
                [&](std::string_view key, const Outcome& outcome) { cache_.fill(key, outcome); });
        });
    }

    [[nodiscard]] Result<Version> write(const WriteSet& set) {
        auto version = set.only_asks() ? access_.decide(set) : commit(set);
        // Whatever a failed requirement names may be cached wrong, or be on its way there: another process may have written it.
        if (!version) {
            for (const Requirement& requirement : set.requirements) {
                gate_.overtake(requirement.key);
                cache_.erase(requirement.key);
            }
        }
        return version;
    }

    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) { return access_.scan(range, visit); }
    [[nodiscard]] Status follow(const KeyRange& range, IndexedVisitor visit) { return access_.follow(range, visit); }
    [[nodiscard]] Status flush() { return {}; }
    [[nodiscard]] Status close() { return {}; }
    [[nodiscard]] StoreStats stats() const {
        StoreStats stats{.cache = cache_.stats(), .backend_reads = access_.reads(), .backend_writes = access_.writes()};
        stats.operations[Operation::load] = stats.cache.hits + stats.cache.misses + passed_by_.load(std::memory_order_relaxed);
        return stats;
    }
    [[nodiscard]] Backend& backend() noexcept { return access_.backend(); }

private:
    using Outcome = Result<LoadedObject>;

    /// The keys that a write changes, out of the cache's reach until it has ended.
    class WriteScope {
    public:
        WriteScope(ThroughEngine& engine, const WriteSet& set) noexcept : engine_{engine}, set_{set} {}
        WriteScope(const WriteScope&) = delete;
        WriteScope& operator=(const WriteScope&) = delete;
        ~WriteScope() {
            for (std::size_t i = 0; i < begun_writes_; ++i) {
                const Write& write = set_.writes[i];
                const LoadedObject written{write.object, version_.value_or(absent), write.expires_at};
                engine_.gate_.end_write(write.key, version_ ? &written : nullptr,
                                        [&](std::string_view key, const LoadedObject& newest) {
                                            if constexpr (keeps_objects) engine_.cache_.keep(key, newest);
                                        });
            }
        }
        /// Not the constructor's work: what has begun when this throws is ended by the destructor.
        void begin() {
            const auto drop = [&](std::string_view key) { engine_.cache_.erase(key); };
            for (; begun_writes_ < set_.writes.size(); ++begun_writes_)
                engine_.gate_.begin_write(set_.writes[begun_writes_].key, drop);
        }
        void set_outcome(const Result<Version>& version) noexcept {
            if (version) {
                version_ = *version;
            } else if (version.error() == Errc::conflict) {
                version_ = absent;
            }
        }

    private:
        ThroughEngine& engine_;
        const WriteSet& set_;
        std::size_t begun_writes_ = 0;
        std::optional<Version> version_;  // none: unknown, as after an error; `absent`: nothing was changed
    };

    ThroughEngine(Backend backend, const Options& options, const Traits& traits)
        : access_{std::move(backend), traits.clock},
          watch_{access_.backend(), options.foreign_check},
          cache_{options.capacity_entries, options.absence_ttl, traits} {}

    [[nodiscard]] Result<Version> commit(const WriteSet& set) {
        auto batch = encode_batch(set);
        if (!batch) return failure(std::move(batch).error());
        WriteScope scope{*this, set};
        scope.begin();
        auto version = access_.write(std::move(*batch));
        scope.set_outcome(version);
        return version;
    }

    /// Empties the cache when another process has written. First no load and no write that is under way may land any more, for
    /// they may be older than that; what lands from now on began after the look. Then the cache goes, with all that landed
    /// before. The other way round an old load could land between the two.
    [[nodiscard]] bool cache_is_current() {
        return watch_.is_current(access_.backend(), access_.clock(), [this] {
            gate_.overtake_all();
            cache_.clear();
        });
    }

    [[nodiscard]] LoadGate::Ticket enter(std::string_view key, const ObjectType& type) {
        return gate_.enter(key, type, [&] { return cache_.peek(key, type); });
    }

    BackendAccess<Backend, typename Traits::Clock> access_;
    JOINLY_NO_UNIQUE_ADDRESS ForeignWatch<Backend> watch_;
    LoadGate gate_;
    ObjectCache<Traits> cache_;
    std::atomic<std::uint64_t> passed_by_{0};  // lookups that did not ask the cache, for it might have been behind
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
