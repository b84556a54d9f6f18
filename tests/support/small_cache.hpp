#ifndef JOINLY_TESTS_SUPPORT_SMALL_CACHE_HPP
#define JOINLY_TESTS_SUPPORT_SMALL_CACHE_HPP
// A cache of numbers without values, as simple as can be around an eviction policy's queue.

#include <joinly/cache/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace joinly::test {

/// What a cache keeps with its entries, by slot.
class CountedUses {
public:
    [[nodiscard]] std::uint8_t get(CacheSlot slot) const { return uses_.at(slot); }
    void set(CacheSlot slot, std::uint8_t uses) { uses_[slot] = uses; }

private:
    std::map<CacheSlot, std::uint8_t> uses_;
};

template <eviction_policy Policy>
class SmallCache {
public:
    explicit SmallCache(std::size_t capacity) : queue_{capacity} {
        for (std::size_t slot = capacity; slot > 0; --slot) free_.push_back(static_cast<CacheSlot>(slot - 1));
    }

    /// Looks the key up and inserts it when it is not there, in the place of a victim when there is no room.
    /// @return whether it was there.
    bool use(std::uint64_t key) {
        if (const auto found = slots_.find(key); found != slots_.end()) {
            hit(found->second);
            return true;
        }
        if (free_.empty()) evict();
        const CacheSlot slot = free_.back();  // the one that was freed last is used first
        free_.pop_back();
        uses_.set(slot, 0);
        queue_.inserted(slot, hash_of(key));
        slots_[key] = slot;
        keys_[slot] = key;
        return false;
    }
    /// @return how many of the keys from `first` to before `last` were not there.
    std::size_t use_all(std::uint64_t first, std::uint64_t last) {
        std::size_t misses = 0;
        for (std::uint64_t key = first; key < last; ++key)
            if (!use(key)) ++misses;
        return misses;
    }
    std::uint64_t evict() {
        const std::uint64_t key = next_victim();
        erase(key);
        return key;
    }
    [[nodiscard]] std::uint64_t next_victim() { return keys_.at(queue_.victim(uses_)); }
    void erase(std::uint64_t key) {
        const CacheSlot slot = slots_.at(key);
        queue_.erased(slot);
        slots_.erase(key);
        keys_.erase(slot);
        free_.push_back(slot);
    }

    [[nodiscard]] bool has(std::uint64_t key) const { return slots_.count(key) != 0; }
    [[nodiscard]] bool is_full() const { return free_.empty(); }
    [[nodiscard]] const std::map<std::uint64_t, CacheSlot>& keys() const { return slots_; }

private:
    void hit(CacheSlot slot) {
        if constexpr (Policy::most_uses == 0) {
            queue_.hit(slot);
        } else if (const std::uint8_t uses = uses_.get(slot); uses < Policy::most_uses) {
            uses_.set(slot, static_cast<std::uint8_t>(uses + 1));
        }
    }
    /// splitmix64's.
    [[nodiscard]] static std::uint64_t hash_of(std::uint64_t key) {
        std::uint64_t mixed = (key + 1) * 0x9e3779b97f4a7c15U;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31U);
    }

    typename Policy::Queue queue_;
    CountedUses uses_;
    std::map<std::uint64_t, CacheSlot> slots_;
    std::map<CacheSlot, std::uint64_t> keys_;
    std::vector<CacheSlot> free_;
};

}  // namespace joinly::test
#endif
