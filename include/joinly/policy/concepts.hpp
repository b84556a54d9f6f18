#ifndef JOINLY_POLICY_CONCEPTS_HPP
#define JOINLY_POLICY_CONCEPTS_HPP
// What decides how cache and backend work together. A policy is a plain class: its options, and a nested engine template
// that a store makes for its backend and its traits.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/policy/object.hpp>
#include <joinly/policy/stats.hpp>

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// One store's policy at work.
///
/// Beyond the syntax, tests/conformance/store_suite.hpp and tests/policy/ check the meaning:
/// - `load` gives the newest acknowledged object, or `not_found` (an expired one is absent), as `type` has it;
/// - `load_many` is as `load` for each key, with one trip to the backend for those that need one;
/// - `write` applies a set whole or not at all, decides its requirements and ranges against the newest acknowledged versions,
///   and returns the set's version. A set without writes is decided only: the version is the newest one that there was at a
///   moment at which all of it held. Objects that it keeps are shared, not copied, where `keeps_objects` says so; otherwise
///   they need only outlive the call;
/// - `scan` visits the live records of a range in key order, from one consistent snapshot, pending writes included;
/// - `follow` visits the records that a range of index entries leads to, in the order of the entries, from one consistent
///   snapshot, pending writes included; expired records, too: the caller knows what time it is;
/// - `stats` leaves to the store what only the store sees: its calls and their errors;
/// - `flush` returns when everything acknowledged before the call is in the backend, `close` flushes and ends the work;
/// - any thread may call anything at any time.
///
/// An engine with a cache may have two more, which the store then calls in their place: `load(key, type, on_hit)`, which gives a
/// `std::optional<Result<LoadedObject>>`, and `load_many(keys, type, on_hit, sink)`. What the cache answers is not handed on, but
/// visited where it lies: `on_hit(const LoadedObject&)`, or `on_hit(position, const LoadedObject&)`, is called for it once, also
/// where it is the absence of an object, and nothing is returned for that key, or told to the sink.
template <class E, class Backend>
concept policy_engine = requires(E& engine, std::string_view key, std::span<const std::string_view> keys, const ObjectType& type,
                                 LoadSink sink, WriteSet set, const KeyRange& range, ItemVisitor visit,
                                 IndexedVisitor visit_indexed) {
    { E::keeps_objects } -> std::convertible_to<bool>;
    { engine.load(key, type) } -> std::same_as<Result<LoadedObject>>;
    { engine.load_many(keys, type, sink) } -> std::same_as<Status>;
    { engine.write(std::move(set)) } -> std::same_as<Result<Version>>;
    { engine.scan(range, visit) } -> std::same_as<Status>;
    { engine.follow(range, visit_indexed) } -> std::same_as<Status>;
    { engine.flush() } -> std::same_as<Status>;
    { engine.close() } -> std::same_as<Status>;
    { engine.stats() } -> std::same_as<StoreStats>;
    { engine.backend() } -> std::same_as<Backend&>;
};

/// `P::Engine<Backend, Traits>::open(backend, options, traits)` gives a `Result<std::unique_ptr<Engine>>`.
template <class P, class Backend, class Traits>
concept cache_policy_for = requires(Backend backend, typename P::Options options, const Traits& traits) {
    typename P::template Engine<Backend, Traits>;
    requires policy_engine<typename P::template Engine<Backend, Traits>, Backend>;
    {
        P::template Engine<Backend, Traits>::open(std::move(backend), options, traits)
        } -> std::same_as<Result<std::unique_ptr<typename P::template Engine<Backend, Traits>>>>;
};

namespace detail {

/// P::Options; of a policy that is only declared, as fwd.hpp does, one sentence that says what to include.
template <class P>
struct PolicyOptions {
    static_assert(complete<P>,
                  "Store: the cache policy is declared, but not defined: include its header, "
                  "<joinly/policy/write_behind.hpp>");
    struct type {};
};
template <complete P>
struct PolicyOptions<P> {
    using type = typename P::Options;
};

}  // namespace detail

JOINLY_NAMESPACE_END
#endif
