#ifndef JOINLY_CACHE_LRU_HPP
#define JOINLY_CACHE_LRU_HPP
// Eviction policy: the least recently used entry leaves first.

#include <joinly/cache/concepts.hpp>
#include <joinly/config.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// A hit moves the entry to the front, so a hit writes: readers of one shard take turns.
struct Lru {
    static constexpr std::uint8_t most_uses = 0;

    /// A doubly linked list whose links are slots in a vector: 8 bytes an entry, no allocation per entry.
    class Queue {
    public:
        explicit Queue(std::size_t) noexcept {}

        void inserted(CacheSlot slot, std::uint64_t) {
            if (slot >= links_.size()) links_.resize(std::size_t{slot} + 1);
            push_front(slot);
        }
        void hit(CacheSlot slot) noexcept {
            if (slot == newest_) return;
            erased(slot);
            push_front(slot);
        }
        void erased(CacheSlot slot) noexcept {
            const Link link = links_[slot];
            (link.newer == no_slot ? newest_ : links_[link.newer].older) = link.older;
            (link.older == no_slot ? oldest_ : links_[link.older].newer) = link.newer;
        }
        template <class Uses>
        [[nodiscard]] CacheSlot victim(Uses&) const noexcept {
            return oldest_;
        }

    private:
        struct Link {
            CacheSlot newer = no_slot;
            CacheSlot older = no_slot;
        };
        void push_front(CacheSlot slot) noexcept {
            links_[slot] = {no_slot, newest_};
            (newest_ == no_slot ? oldest_ : links_[newest_].newer) = slot;
            newest_ = slot;
        }
        std::vector<Link> links_;
        CacheSlot newest_ = no_slot;
        CacheSlot oldest_ = no_slot;
    };
};

JOINLY_NAMESPACE_END
#endif
