#ifndef JOINLY_CACHE_ADAPTIVE_S3_FIFO_HPP
#define JOINLY_CACHE_ADAPTIVE_S3_FIFO_HPP
// Eviction policy: S3-FIFO whose two queues share the room by what more of it would bring to each.

#include <joinly/cache/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/cache/ghosts.hpp>
#include <joinly/detail/cache/slot_list.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// As S3Fifo: new entries pass through a small queue, from which they move to the main queue if they are hit, and leave
/// otherwise; what comes back soon after it left goes to the main queue at once. Three things adapt:
///
/// - The small queue's share. A key that comes back within a tenth of the cache's size in departures from its queue would still
///   be there if that queue were so much larger; the queue gets four entries' room from the other. Both are measured by the
///   same length, so at rest both gain alike by more room: the shadow queues of Cliffhanger (Cidon, Eisenman, Alizadeh and
///   Katti, NSDI 2016). The share of ARC (Megiddo and Modha, FAST 2003) is moved by the same events, weighed otherwise.
/// - How often an entry in the main queue goes round without a hit, on the credit of earlier hits: up to twice, as long as two
///   of three such rounds are hit; hardly ever where popularity moves on, and what was hit often is dead.
/// - Until the first entry must leave, those beyond the small queue's share go to the main queue at once: of a loop that is larger
///   than the cache, a part stays.
///
/// With room for 1 or 10 per cent of the keys it closes a third of the gap from LRU to Belady's optimum, in the mean over the 8
/// traces that its constants were chosen with, and has on none 1 per cent more misses than LRU; where popularity drifts or shifts,
/// it can have 4 per cent more, and with room for a third of the keys 9 (benchmarks/hit_ratio). 12 bytes an entry, 7 for ghosts.
struct AdaptiveS3Fifo {
    static constexpr std::uint8_t most_uses = 3;

    class Queue {
    public:
        explicit Queue(std::size_t capacity) noexcept : capacity_{capacity} {}

        void inserted(CacheSlot slot, std::uint64_t hash) {
            if (slot >= entries_.size()) grow(slot);
            Entry& entry = entries_[slot];
            entry.hash = static_cast<std::uint32_t>(hash ^ hash >> 32U) & hash_bits;
            const bool came_back = welcome_back(entry.hash);
            entry.in_main = came_back || (!has_evicted_ && small_.size() >= small_target());
            entry.credit = 0;
            list_of(entry).push_newest(entries_, slot);
            named_ = no_slot;
        }
        void erased(CacheSlot slot) noexcept {
            const Entry& entry = entries_[slot];
            list_of(entry).remove(entries_, slot);
            if (slot == named_) (entry.in_main ? left_main_ : left_small_).add(entry.hash);
            named_ = no_slot;
        }
        template <class Uses>
        [[nodiscard]] CacheSlot victim(Uses& uses) {
            has_evicted_ = true;
            // Nothing goes round more often than its uses allow, whatever readers hit meanwhile.
            for (std::size_t left = (most_uses + 1) * size();; --left) {
                const bool from_small = main_.size() == 0 || (small_.size() > 0 && small_.size() >= small_target());
                named_ = (from_small ? small_ : main_).oldest();
                const std::uint8_t hits = uses.get(named_);
                if (hits == 0 || left == 0) return named_;
                uses.set(named_, from_small ? std::uint8_t{0} : credit_for(entries_[named_], hits));
                move_to_main(named_);
            }
        }

    private:
        static constexpr std::uint32_t hash_bits = 0x1fff'ffff;
        static constexpr float least_share = 0.01F;
        static constexpr float first_share = 0.15F;
        static constexpr float most_share = 0.9F;
        static constexpr float least_credit = 1.0F / 16;  // for one key in sixteen: to notice when credit pays again
        static constexpr float most_credit = 2;
        static constexpr float credit_step = 1.0F / 256;  // a few hundred rounds on credit decide

        struct Entry {
            CacheSlot newer = no_slot;
            CacheSlot older = no_slot;
            std::uint32_t hash : 29 = 0;
            std::uint32_t credit : 2 = 0;  // of its uses, how many it had when it began the round
            bool in_main : 1 = false;
        };

        [[nodiscard]] std::size_t size() const noexcept { return small_.size() + main_.size(); }
        [[nodiscard]] std::size_t small_target() const noexcept {
            return static_cast<std::size_t>(share_ * static_cast<float>(size()));
        }
        [[nodiscard]] detail::SlotList& list_of(const Entry& entry) noexcept { return entry.in_main ? main_ : small_; }

        /// @return whether the key left a while ago. If a little more room would have kept it, its queue gets some.
        [[nodiscard]] bool welcome_back(std::uint32_t hash) noexcept {
            const std::optional<std::size_t> to_small = left_small_.take(hash);
            const std::optional<std::size_t> to_main = left_main_.take(hash);
            const std::size_t little = (std::max)(entries_.size() / 10, std::size_t{1});
            const float step = 4.0F / static_cast<float>(size() + 1);
            if (to_small && *to_small <= little) share_ = (std::min)(share_ + step, most_share);
            if (to_main && *to_main <= little) share_ = (std::max)(share_ - step, least_share);
            return to_small || to_main;
        }
        /// Uses with which an entry that had `hits` begins its next round in the main queue, by how such credit has paid.
        [[nodiscard]] std::uint8_t credit_for(Entry& entry, std::uint8_t hits) noexcept {
            if (entry.credit != 0) {
                const bool paid = hits > entry.credit;
                credit_ = std::clamp(credit_ + (paid ? credit_step : -2 * credit_step), least_credit, most_credit);
            }
            const float among_keys = static_cast<float>(entry.hash % 16) / 16;
            const auto most = static_cast<std::uint32_t>(credit_ + among_keys);
            entry.credit = (std::min)(std::uint32_t{hits} - 1, most) & 3U;
            return static_cast<std::uint8_t>(entry.credit);
        }
        void move_to_main(CacheSlot slot) noexcept {
            list_of(entries_[slot]).remove(entries_, slot);
            entries_[slot].in_main = true;
            main_.push_newest(entries_, slot);
        }
        /// Doubles, so that ghosts are forgotten seldom, and at most up to the capacity.
        void grow(CacheSlot slot) {
            const std::size_t needed = std::size_t{slot} + 1;
            const std::size_t size = (std::max)(needed, (std::min)(entries_.size() * 2, capacity_));
            left_small_.remember(size + size / 2);
            left_main_.remember((std::max)(size / 4, std::size_t{1}));
            entries_.resize(size);
        }

        std::size_t capacity_;
        std::vector<Entry> entries_;  // by slot
        detail::SlotList small_;
        detail::SlotList main_;
        detail::Ghosts left_small_;
        detail::Ghosts left_main_;
        float share_ = first_share;   // of the entries, how many the small queue is to have
        float credit_ = most_credit;  // rounds, in the mean over the keys: see credit_for
        CacheSlot named_ = no_slot;   // the last victim: its erasure is an eviction
        bool has_evicted_ = false;
    };
};

JOINLY_NAMESPACE_END
#endif
