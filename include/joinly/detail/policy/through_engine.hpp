#ifndef JOINLY_DETAIL_POLICY_THROUGH_ENGINE_HPP
#define JOINLY_DETAIL_POLICY_THROUGH_ENGINE_HPP
// The engine of ReadThrough and WriteThrough, which differ in one thing: whether a write leaves its object in the cache.
//
// A write first takes its keys out of the cache and bars loads from filling them, then writes the backend, then lets go of
// the keys (see load_gate.hpp). So from before the commit until after it nothing is cached, and a cached object is never
// older than a write that has returned. Of writers that overlap, the newest version stays.
//
// Locks, in the order they are taken: a gate stripe, then a cache shard. None is held while the backend works.

#include <joinly/cache/cache.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/detail/policy/load_gate.hpp>
#include <joinly/policy/concepts.hpp>
#include <joinly/policy/through_options.hpp>

#include <chrono>
#include <cstddef>
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

    [[nodiscard]] static Result<std::unique_ptr<ThroughEngine>> open(Backend backend, const Options& options,
                                                                     const Traits& traits) {
        return std::unique_ptr<ThroughEngine>{new ThroughEngine{std::move(backend), options, traits}};
    }

    [[nodiscard]] Result<LoadedObject> load(std::string_view key, const ObjectType& type) {
        if (auto hit = as_outcome(cache_.get(key), type)) return *std::move(hit);
        return gate_.load(
            key, [&] { return enter(key, type); }, [&] { return access_.load(key, type); },
            [&](std::string_view, const Outcome& outcome) { fill(key, outcome); });
    }

    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
        return gate_.load_many(
            keys, sink, [&](std::string_view key) { return as_outcome(cache_.get(key), type); },
            [&](std::string_view key) { return enter(key, type); }, [&](std::string_view key) { return access_.load(key, type); },
            [&](std::span<const std::string_view> asked, LoadSink landed) { return access_.load_many(asked, type, landed); },
            [&](std::string_view key, const Outcome& outcome) { fill(key, outcome); });
    }

    [[nodiscard]] Result<Version> write(const WriteSet& set) {
        auto batch = encode_batch(set);
        if (!batch) return failure(std::move(batch).error());
        WriteScope scope{*this, set};
        scope.begin();
        auto version = access_.write(std::move(*batch));
        scope.set_outcome(version);
        // Whatever a failed requirement names may be cached wrong: another process may have written it.
        if (!version) {
            for (const Requirement& requirement : set.requirements) cache_.erase(requirement.key);
        }
        return version;
    }

    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) { return access_.scan(range, visit); }
    [[nodiscard]] Status flush() { return {}; }
    [[nodiscard]] Status close() { return {}; }
    [[nodiscard]] StoreStats stats() const { return {cache_.stats(), access_.reads(), access_.writes(), 0, 0, {}}; }
    [[nodiscard]] Backend& backend() noexcept { return access_.backend(); }

private:
    using Clock = typename Traits::Clock;
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
                                        [&](std::string_view key, const LoadedObject& newest) { engine_.keep(key, newest); });
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
          cache_{{.capacity_entries = options.capacity_entries}, traits.clock},
          absence_ttl_{options.absence_ttl} {}

    /// What a cached entry answers; nothing when there is none, or when it was cached as another type.
    [[nodiscard]] static std::optional<Outcome> as_outcome(std::optional<LoadedObject> cached, const ObjectType& type) {
        if (!cached) return std::nullopt;
        if (!cached->object.value) return Outcome{failure(Errc::not_found)};
        if (cached->object.type != &type) return std::nullopt;
        return Outcome{*std::move(cached)};
    }

    [[nodiscard]] LoadGate::Ticket enter(std::string_view key, const ObjectType& type) {
        return gate_.enter(key, type, [&] { return as_outcome(cache_.peek(key), type); });
    }

    void fill(std::string_view key, const Outcome& outcome) {
        if (outcome) {
            cache_.set(key, *outcome, outcome->expires_at);
        } else if (outcome.error() == Errc::not_found && absence_ttl_.count() > 0) {
            cache_.set(key, LoadedObject{}, Ttl{absence_ttl_});
        }
    }

    /// Called while the write is ending, when nothing may fail any more: an object that finds no memory is not cached.
    void keep(std::string_view key, const LoadedObject& written) noexcept {
        if constexpr (after_write == AfterWrite::keep) {
            JOINLY_TRY { fill(key, written.object.value ? Outcome{written} : Outcome{failure(Errc::not_found)}); }
            JOINLY_CATCH_ALL {}
        }
    }

    BackendAccess<Backend, Clock> access_;
    LoadGate gate_;
    Cache<LoadedObject, typename Traits::Eviction, Clock> cache_;
    std::chrono::milliseconds absence_ttl_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
