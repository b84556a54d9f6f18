#ifndef JOINLY_CORE_OBSERVER_HPP
#define JOINLY_CORE_OBSERVER_HPP
// What a store tells about its work while it does it: latencies, traces. A store takes its observer from its traits:
//
//     struct Traced : joinly::DefaultTraits {
//         using Observer = MyObserver;
//         Observer observer;
//     };
//
// The default one is empty, and what is told to it compiles to nothing. joinly/ops/metrics.hpp has one that keeps latencies.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// What kind of call a store was asked to make.
enum class Operation : std::uint8_t {
    load,  ///< load, exists, get
    load_many,
    save,  ///< save, put
    save_many,
    erase,  ///< erase, erase_key
    update,
    touch,
    transaction,
    find,  ///< find, find_ids
    scan,  ///< for_each, ids, count, keys
    sweep,
    flush,  ///< one transaction of write-behind's with the backend, on whichever thread; not the call of Store::flush
};

/// The enumerator's name: "load_many".
[[nodiscard]] constexpr std::string_view to_string(Operation operation) noexcept {
    switch (operation) {
        case Operation::load: return "load";
        case Operation::load_many: return "load_many";
        case Operation::save: return "save";
        case Operation::save_many: return "save_many";
        case Operation::erase: return "erase";
        case Operation::update: return "update";
        case Operation::touch: return "touch";
        case Operation::transaction: return "transaction";
        case Operation::find: return "find";
        case Operation::scan: return "scan";
        case Operation::sweep: return "sweep";
        case Operation::flush: return "flush";
    }
    return "unknown";
}

/// Who is told of a store's operations: `begin` before one, and `end` after it, on the same thread, with what `begin` gave and
/// the code of its error, if it had one. An operation that an exception ends (a visitor's, say) is not told to have ended.
///
/// Called by any thread, several at a time, and within the operation, so it must be quick and must not call the store. The store
/// and its policy have a copy each: copies speak for one another.
template <class O>
concept store_observer = std::copy_constructible<O> && requires(O& observer, Operation operation, std::optional<Errc> error) {
    { observer.begin(operation) }
    noexcept;
    { observer.end(operation, observer.begin(operation), error) }
    noexcept;
};

/// Listens to nothing, and costs nothing.
struct NoObserver {
    struct Begun {};
    [[nodiscard]] constexpr Begun begin(Operation) const noexcept { return {}; }
    constexpr void end(Operation, Begun, std::optional<Errc>) const noexcept {}
};

namespace detail {

/// Traits::Observer; none is as good as an empty one.
template <class Traits>
struct ObserverOf {
    using type = NoObserver;
};
template <class Traits>
requires requires { typename Traits::Observer; }
struct ObserverOf<Traits> {
    using type = typename Traits::Observer;
    static_assert(store_observer<type>,
                  "Store: Traits::Observer needs `begin(Operation) noexcept`, which returns something, and `end(Operation, "
                  "what begin returned, std::optional<Errc>) noexcept` (see joinly/core/observer.hpp)");
};

template <class Traits>
[[nodiscard]] typename ObserverOf<Traits>::type observer_of([[maybe_unused]] const Traits& traits) {
    using Observer = typename ObserverOf<Traits>::type;
    if constexpr (requires { typename Traits::Observer; }) {
        constexpr bool has_member = requires {
            { traits.observer } -> std::convertible_to<const Observer&>;
        };
        static_assert(has_member, "Store: traits that name an Observer need a member of that type as well: `Observer observer;`");
        if constexpr (has_member) return traits.observer;
    } else {
        return {};
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
