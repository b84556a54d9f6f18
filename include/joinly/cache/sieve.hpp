#ifndef JOINLY_CACHE_SIEVE_HPP
#define JOINLY_CACHE_SIEVE_HPP
// Eviction policy: SIEVE, from Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is simpler than LRU" (NSDI 2024).

#include <joinly/cache/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/cache/slot_list.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// One queue in the order of insertion, which a hand goes along from the oldest to the newest: it spares what was hit since it
/// last came by, where it stands, and evicts the first entry that was not. New entries so leave soon unless they are hit.
///
/// Good, and the cheapest, where popularity is skewed and lasts. Where it moves on, there can be twice as many misses as by Lru,
/// which AdaptiveS3Fifo avoids. 8 bytes an entry.
struct Sieve {
    static constexpr std::uint8_t most_uses = 1;

    class Queue {
    public:
        explicit Queue(std::size_t) noexcept {}

        void inserted(CacheSlot slot, std::uint64_t) {
            if (slot >= entries_.size()) entries_.resize(std::size_t{slot} + 1);
            list_.push_newest(entries_, slot);
        }
        void erased(CacheSlot slot) noexcept {
            if (slot == hand_) hand_ = entries_[slot].newer;
            list_.remove(entries_, slot);
        }
        template <class Uses>
        [[nodiscard]] CacheSlot victim(Uses& uses) {
            if (hand_ == no_slot) hand_ = list_.oldest();
            // Within one round and a step, whatever readers hit meanwhile.
            for (std::size_t left = list_.size(); left > 0 && uses.get(hand_) != 0; --left) {
                uses.set(hand_, 0);
                hand_ = entries_[hand_].newer;
                if (hand_ == no_slot) hand_ = list_.oldest();
            }
            return hand_;
        }

    private:
        struct Entry {
            CacheSlot newer = no_slot;
            CacheSlot older = no_slot;
        };
        std::vector<Entry> entries_;  // by slot
        detail::SlotList list_;
        CacheSlot hand_ = no_slot;  // no_slot: past the newest
    };
};

JOINLY_NAMESPACE_END
#endif
