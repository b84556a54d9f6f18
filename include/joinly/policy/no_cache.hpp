#ifndef JOINLY_POLICY_NO_CACHE_HPP
#define JOINLY_POLICY_NO_CACHE_HPP
// Cache policy: none. Every load reads the backend, every save returns when the backend has it.

#include <joinly/config.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/policy/concepts.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct NoCacheOptions {};

struct NoCache {
    using Options = NoCacheOptions;

    /// Holds no lock of its own: the backend's are all there are.
    template <class Backend, class Traits>
    class Engine {
    public:
        static constexpr bool keeps_objects = false;

        [[nodiscard]] static Result<std::unique_ptr<Engine>> open(Backend backend, const Options&, const Traits& traits) {
            return std::unique_ptr<Engine>{new Engine{std::move(backend), traits}};
        }

        [[nodiscard]] Result<LoadedObject> load(std::string_view key, const ObjectType& type) {
            lookups_.fetch_add(1, std::memory_order_relaxed);
            return access_.load(key, type);
        }
        [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
            lookups_.fetch_add(keys.size(), std::memory_order_relaxed);
            return access_.load_many(keys, type, sink);
        }
        [[nodiscard]] Result<Version> write(const WriteSet& set) {
            if (set.only_asks()) return access_.decide(set);
            auto batch = detail::encode_batch(set);
            if (!batch) return failure(std::move(batch).error());
            return access_.write(std::move(*batch));
        }
        [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) { return access_.scan(range, visit); }
        [[nodiscard]] Status follow(const KeyRange& range, IndexedVisitor visit) { return access_.follow(range, visit); }
        [[nodiscard]] Status flush() { return {}; }
        [[nodiscard]] Status close() { return {}; }
        [[nodiscard]] StoreStats stats() const {
            StoreStats stats{.backend_reads = access_.reads(), .backend_writes = access_.writes()};
            stats.operations[Operation::load] = lookups_.load(std::memory_order_relaxed);
            return stats;
        }
        [[nodiscard]] Backend& backend() noexcept { return access_.backend(); }

    private:
        Engine(Backend backend, const Traits& traits) : access_{std::move(backend), traits.clock} {}

        detail::BackendAccess<Backend, typename Traits::Clock> access_;
        std::atomic<std::uint64_t> lookups_{0};
    };
};

JOINLY_NAMESPACE_END
#endif
