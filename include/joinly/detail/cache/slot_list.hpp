#ifndef JOINLY_DETAIL_CACHE_SLOT_LIST_HPP
#define JOINLY_DETAIL_CACHE_SLOT_LIST_HPP
// A doubly linked list whose elements are a cache's slots: an eviction policy's queue.

#include <joinly/cache/concepts.hpp>
#include <joinly/config.hpp>

#include <cstddef>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The links are `newer` and `older` of the slot's entry in a vector of the policy's, so that a slot can be in one of several
/// lists and there is no allocation per slot. All calls are O(1).
class SlotList {
public:
    template <class Entries>
    void push_newest(Entries& entries, CacheSlot slot) noexcept {
        entries[slot].newer = no_slot;
        entries[slot].older = newest_;
        (newest_ == no_slot ? oldest_ : entries[newest_].newer) = slot;
        newest_ = slot;
        ++size_;
    }
    template <class Entries>
    void remove(Entries& entries, CacheSlot slot) noexcept {
        const CacheSlot newer = entries[slot].newer;
        const CacheSlot older = entries[slot].older;
        (newer == no_slot ? newest_ : entries[newer].older) = older;
        (older == no_slot ? oldest_ : entries[older].newer) = newer;
        --size_;
    }
    /// no_slot when the list is empty.
    [[nodiscard]] CacheSlot oldest() const noexcept { return oldest_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    CacheSlot newest_ = no_slot;
    CacheSlot oldest_ = no_slot;
    std::size_t size_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
