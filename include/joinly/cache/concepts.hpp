#ifndef JOINLY_CACHE_CONCEPTS_HPP
#define JOINLY_CACHE_CONCEPTS_HPP
// What decides who leaves a full cache.

#include <joinly/config.hpp>

#include <concepts>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN

/// An entry of a cache, by its place in the cache's storage.
using CacheSlot = std::uint32_t;
inline constexpr CacheSlot no_slot = 0xffff'ffffU;

/// A plain class with a nested `Queue`, of which each shard of a cache has one and which its lock guards.
///
/// The cache says what happens, the queue keeps the order: `inserted` for a slot that it does not hold, `hit` and `erased`
/// for one that it holds. `victim` names the slot that should leave next, without removing it (`erased` follows); it is
/// asked only while the queue holds a slot. Slots are small numbers and are used again. All calls are O(1) at the mean. A
/// cache that is cleared starts over with a new queue.
template <class E>
concept eviction_policy = requires(typename E::Queue queue, CacheSlot slot) {
    requires std::default_initializable<typename E::Queue> && std::movable<typename E::Queue>;
    queue.inserted(slot);
    queue.hit(slot);
    queue.erased(slot);
    { queue.victim() } -> std::same_as<CacheSlot>;
};

JOINLY_NAMESPACE_END
#endif
