#ifndef JOINLY_POLICY_NO_CACHE_HPP
#define JOINLY_POLICY_NO_CACHE_HPP
// Cache policy: none. Every load reads the backend, every save returns when the backend has it.

#include <joinly/config.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/policy/concepts.hpp>

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

        [[nodiscard]] Result<LoadedObject> load(std::string_view key, const ObjectType& type) { return access_.load(key, type); }
        [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
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
        [[nodiscard]] StoreStats stats() const { return {{}, access_.reads(), access_.writes(), 0, 0, {}}; }
        [[nodiscard]] Backend& backend() noexcept { return access_.backend(); }

    private:
        Engine(Backend backend, const Traits& traits) : access_{std::move(backend), traits.clock} {}

        detail::BackendAccess<Backend, typename Traits::Clock> access_;
    };
};

JOINLY_NAMESPACE_END
#endif
