#ifndef JOINLY_CACHE_CONCEPTS_HPP
#define JOINLY_CACHE_CONCEPTS_HPP
// What decides who leaves a full cache.

#include <joinly/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN

/// An entry of a cache, by its place in the cache's storage.
using CacheSlot = std::uint32_t;
inline constexpr CacheSlot no_slot = 0xffff'ffffU;

namespace detail {
/// What a queue's `victim` is given: how often each slot was hit since that was last set, up to the policy's `most_uses`.
struct AnyUses {
    [[nodiscard]] std::uint8_t get(CacheSlot slot) const noexcept;
    void set(CacheSlot slot, std::uint8_t uses) noexcept;
};
}  // namespace detail

/// A plain class that says what a hit does to an entry, with a nested `Queue` that keeps the order. Each shard of a cache has
/// one queue, which its lock guards.
///
/// `most_uses` is up to where hits are counted, in a byte that the cache keeps with the entry: 0 for a new one, raised by
/// readers without a lock, and only while it is below, so that a hit of a hot entry writes nothing; two hits at once may count
/// as one. With 0, the queue is told of each hit instead: `queue.hit(slot)`, for which every reader takes the lock.
///
/// `Queue{capacity}` is for at most so many entries, a number that may be huge: memory is to follow what is inserted. The cache
/// says what happens: `inserted` for a slot that the queue does not hold, with the key's hash, which is seeded for each cache;
/// `hit` and `erased` for one that it holds, `erased` by the user, by expiry, or as the victim that was just named. A replaced
/// value is a hit. `victim(uses)` names the slot that should leave next, without removing it (`erased` follows); it is asked
/// only while the queue holds a slot, which need not be full then: a cache that is bounded by weight asks until there is room,
/// never or many times for one insertion. `uses` is a detail::AnyUses. Slots are small numbers and are used again. All calls
/// are O(1) at the mean, and only `inserted` may throw, if it then has not happened. A cache that is cleared starts over with a
/// new queue.
template <class E>
concept eviction_policy = requires(typename E::Queue queue, CacheSlot slot, std::uint64_t hash, std::size_t capacity,
                                   detail::AnyUses uses) {
    requires std::constructible_from<typename E::Queue, std::size_t> && std::movable<typename E::Queue>;
    { E::most_uses } -> std::same_as<const std::uint8_t&>;
    queue.inserted(slot, hash);
    queue.erased(slot);
    { queue.victim(uses) } -> std::same_as<CacheSlot>;
    requires E::most_uses != 0 || requires { queue.hit(slot); };
};

JOINLY_NAMESPACE_END
#endif
