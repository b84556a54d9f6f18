#ifndef JOINLY_DETAIL_STORE_CORE_HPP
#define JOINLY_DETAIL_STORE_CORE_HPP
// What a store and its transactions share: the policy's engine, the traits, and the steps from a typed call to an untyped one.

#include <joinly/backend/concepts.hpp>
#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/known_types.hpp>
#include <joinly/detail/operation_counters.hpp>
#include <joinly/detail/policy/object_type.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/thrown.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/loaded.hpp>
#include <joinly/policy/concepts.hpp>
#include <joinly/policy/stats.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Engine>
concept delays_writes = requires(Engine& engine) {
    engine.pump();
};

/// Does not move, so that whoever holds a reference may keep it while the store is moved.
template <class Backend, class CachePolicy, class Traits>
class StoreCore {
public:
    using Engine = typename CachePolicy::template Engine<Backend, Traits>;
    using Codec = typename Traits::Codec;
    using Observer = typename ObserverOf<Traits>::type;

    StoreCore(std::unique_ptr<Engine> engine, Traits traits)
        : engine_{std::move(engine)}, traits_{std::move(traits)}, observer_{observer_of(traits_)} {}
    StoreCore(const StoreCore&) = delete;
    StoreCore& operator=(const StoreCore&) = delete;

    [[nodiscard]] Engine& engine() noexcept { return *engine_; }
    [[nodiscard]] const Engine& engine() const noexcept { return *engine_; }
    [[nodiscard]] WallTime now() const { return traits_.clock.now(); }
    [[nodiscard]] std::uint64_t range_seed() const noexcept { return range_seed_; }

    [[nodiscard]] const Observer& observer() const noexcept { return observer_; }

    /// Whether others may change the catalogues while the store is open: other processes, unless it is the sole writer.
    [[nodiscard]] bool shares_catalogues() const noexcept {
        if constexpr (!tells_foreign_commits<Backend> || delays_writes<Engine>) {
            return false;
        } else if constexpr (requires(Backend & backend) { backend.is_shared(); }) {
            return engine_->backend().is_shared();
        } else {
            return true;
        }
    }
    [[nodiscard]] KnownTypes& known_types() noexcept { return known_types_; }
    [[nodiscard]] IndexedKinds& indexed_kinds() noexcept { return indexed_kinds_; }

    /// Makes one of the store's calls: counts it and its error, and tells the observer. A load that succeeds is left to the
    /// engine to count, so that a hit writes nothing more than what its cache writes.
    template <class Call>
    [[nodiscard]] auto observed(Operation operation, Call&& call) {
        auto begun = observer_.begin(operation);
        auto outcome = made(call);
        if (operation != Operation::load) counters_.count(operation);
        const std::optional<Errc> error = count_errors(outcome);
        observer_.end(operation, std::move(begun), error);
        return outcome;
    }
    void count_retry() noexcept { counters_.count_retry(); }

    [[nodiscard]] StoreStats stats() const {
        StoreStats stats = engine_->stats();
        counters_.add_to(stats);
        return stats;
    }

    /// To be called once, before there are other threads: looks which kinds have indexes.
    [[nodiscard]] Status read_catalogues() {
        return engine_->scan(KeyRange::prefix(catalogue_prefix), [&](const ScanItem& item) {
            const auto indexes = decode_catalogue(item.record.value);  // one that is pending, or cannot be read, may list some
            if (item.object != nullptr || !indexes || !indexes->empty())
                indexed_kinds_.add(item.key.substr(catalogue_prefix.size()));
            return true;
        });
    }

    [[nodiscard]] bool is_closed() const noexcept { return closed_.load(std::memory_order_relaxed); }
    void set_closed() noexcept { closed_.store(true); }
    [[nodiscard]] static tl::unexpected<Error> closed_error() { return failure(Errc::closed, "the store is closed"); }

    // For a T that is no entity the next four still compile, so that require_entity's sentence is the only error.
    template <class T>
    static constexpr void require_entity() {
        constexpr bool flawless = explain_entity<T>();  // or one sentence that says what is missing
        static_assert(!flawless || codec_for<Codec, T>,
                      "Store: the codec of the traits lacks encode or decode (see joinly/codec/concepts.hpp)");
    }
    template <class T>
    [[nodiscard]] static constexpr std::string_view kind() noexcept {
        if constexpr (entity<T>) {
            return kind_of<T>;
        } else {
            return {};
        }
    }
    template <class T>
    [[nodiscard]] static constexpr std::string_view id_in([[maybe_unused]] const T& object) noexcept {
        if constexpr (entity<T>) {
            return Entity<T>::id(object);
        } else {
            return {};
        }
    }
    template <class T>
    [[nodiscard]] static constexpr const ObjectType& type_of() noexcept {
        if constexpr (entity<T>) {
            return object_type<T, Codec>;
        } else {
            return bytes_type;
        }
    }

    /// Whether usable_id is no error, for calls that are over sooner than a Status is made.
    [[nodiscard]] bool takes_id(std::string_view id) const noexcept { return !is_closed() && is_valid_id(id); }
    template <class T>
    [[nodiscard]] Status usable_id(std::string_view id) const {
        if (is_closed()) return closed_error();
        return validate_id(kind<T>(), id);
    }
    /// The key of a call on an entity, unless the call cannot be made at all.
    template <class T>
    [[nodiscard]] Result<std::string> open_key(std::string_view id) const {
        if (is_closed()) return closed_error();
        return make_key(kind<T>(), id);
    }
    [[nodiscard]] Status open_raw_key(std::string_view key) const {
        if (is_closed()) return closed_error();
        return validate_raw_key(key);
    }
    [[nodiscard]] Result<Expiry> expiry(const std::optional<Ttl>& ttl) const {
        if (!ttl) return Expiry{};
        const auto expires_at = Expiry::after(now(), *ttl);
        if (expires_at) return *expires_at;
        return failure(Errc::invalid_argument, "a ttl must be positive, not " + std::to_string(ttl->duration().count()) + " ms");
    }

    template <class T>
    [[nodiscard]] static Loaded<T> as_loaded(LoadedObject loaded) {
        return {std::static_pointer_cast<const T>(std::move(loaded.object.value)), loaded.version, loaded.expires_at};
    }
    /// Of what is not loaded yet, to be set by the next one.
    template <class T>
    [[nodiscard]] static Loaded<T> nothing() noexcept {
        return {nullptr, absent, {}};
    }
    /// What a cache has, to a result that is nothing<T>() so far. It is written where it stays: handed on from call to call, with
    /// each half of a shared pointer stored by itself and both read back at once, it cost a third of a hit.
    template <class T>
    static void set_to_hit(Result<Loaded<T>>& result, const LoadedObject& hit) noexcept {
        if (hit.object.value) {
            std::destroy_at(&result);
            std::construct_at(&result, tl::in_place, std::in_place, hit.object.value, hit.version, hit.expires_at);
        } else {
            result = failure(Errc::not_found);
        }
    }
    template <class T>
    [[nodiscard]] static Result<Loaded<T>> as_loaded(Result<LoadedObject> loaded) {
        if (!loaded) return failure(std::move(loaded).error());
        return as_loaded<T>(std::move(*loaded));
    }
    template <class T>
    [[nodiscard]] static Result<Loaded<T>> materialise(const ScanItem& item) {
        auto loaded = item.object == nullptr
                          ? decode_record(item.key, item.record, type_of<T>())
                          : as_type(item.key, {*item.object, item.record.version, item.record.expires_at}, type_of<T>());
        if (!loaded) return failure(std::move(loaded).error());
        return as_loaded<T>(std::move(*loaded));
    }

    /// Calls a visitor that returns nothing, or a bool that is false to stop.
    template <class Visitor, class Visited>
    [[nodiscard]] static bool visit_and_continue(Visitor& visitor, const Visited& visited) {
        using Answer = std::invoke_result_t<Visitor&, const Visited&>;
        static_assert(std::is_void_v<Answer> || std::is_same_v<Answer, bool>,
                      "Store::for_each: the visitor must return nothing, or a bool that is false to stop");
        if constexpr (std::is_void_v<Answer>) {
            visitor(visited);
            return true;
        } else {
            return visitor(visited);
        }
    }

private:
    template <class Call>
    [[nodiscard]] static std::invoke_result_t<Call&> made(Call& call) {
        if constexpr (std::is_constructible_v<std::invoke_result_t<Call&>, tl::unexpected<Error>>) {
            return full_without_memory(call);
        } else {
            return call();  // load_many's: an error takes as much memory
        }
    }

    template <class T>
    [[nodiscard]] std::optional<Errc> count_errors(const Result<T>& outcome) noexcept {
        if (outcome) return std::nullopt;
        counters_.count(outcome.error().code());
        return outcome.error().code();
    }
    /// @return the first.
    template <class T>
    [[nodiscard]] std::optional<Errc> count_errors(const std::vector<Result<T>>& outcomes) noexcept {
        std::optional<Errc> first;
        for (const Result<T>& outcome : outcomes) {
            const auto error = count_errors(outcome);
            if (!first) first = error;
        }
        return first;
    }

    std::unique_ptr<Engine> engine_;
    std::atomic<bool> closed_{false};
    KnownTypes known_types_;
    IndexedKinds indexed_kinds_;
    const std::uint64_t range_seed_ = random_seed();
    OperationCounters counters_;
    JOINLY_NO_UNIQUE_ADDRESS Traits traits_;
    JOINLY_NO_UNIQUE_ADDRESS Observer observer_;
};

/// For code of the library's that knows the types of what it stores at run time only: the C interface.
struct StoreAccess {
    template <class Store>
    [[nodiscard]] static auto& core(Store& store) noexcept {
        return *store.core_;
    }
};

/// Calls a function that changes an entity, and may refuse to.
template <class T, class Change>
[[nodiscard]] Status apply_change(Change& change, T& object) {
    using Answer = std::invoke_result_t<Change&, T&>;
    static_assert(std::is_void_v<Answer> || std::is_same_v<Answer, Status>,
                  "Store::update: the function must return nothing, or a joinly::Status whose error ends the update "
                  "(write `-> joinly::Status` after the lambda's parameters)");
    static_assert(!std::is_invocable_v<Change&, T> || std::is_member_pointer_v<std::remove_cvref_t<Change>>,
                  "Store::update: the function must take the entity as `T&` or `auto&`: what it does to a copy would be lost");
    if constexpr (std::is_void_v<Answer>) {
        change(object);
        return {};
    } else if constexpr (std::is_same_v<Answer, Status>) {
        return change(object);
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
