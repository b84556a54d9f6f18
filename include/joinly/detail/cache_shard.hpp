#ifndef JOINLY_DETAIL_CACHE_SHARD_HPP
#define JOINLY_DETAIL_CACHE_SHARD_HPP
// One shard of a Cache: entries in a vector, found through an open-addressing index (linear probing, and erasing shifts
// the rest of the run back, so that there are no tombstones).

#include <joinly/cache/concepts.hpp>
#include <joinly/cache/stats.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Value, class Eviction>
class alignas(64) CacheShard {  // a cache line of its own, so that one shard's lock does not slow its neighbour's
public:
    mutable std::mutex mutex;  // guards everything below; the Cache takes it

    void set_capacity(std::size_t entries) noexcept { capacity_ = entries; }

    template <class Clock>
    [[nodiscard]] const Value* find_and_count(std::string_view key, std::uint64_t hash, const Clock& clock) {
        const CacheSlot slot = find_live_slot(key, hash, clock);
        if (slot == no_slot) {
            ++stats_.misses;
            return nullptr;
        }
        ++stats_.hits;
        queue_.hit(slot);
        return &*entries_[slot].value;
    }

    template <class Clock>
    [[nodiscard]] const Value* find_live(std::string_view key, std::uint64_t hash, const Clock& clock) {
        const CacheSlot slot = find_live_slot(key, hash, clock);
        return slot == no_slot ? nullptr : &*entries_[slot].value;
    }

    void set(std::string_view key, std::uint64_t hash, Value value, Expiry expires_at) {
        if (capacity_ == 0) return;
        if (const CacheSlot slot = find(key, hash); slot != no_slot) {
            entries_[slot].value = std::move(value);
            entries_[slot].expires_at = expires_at;
            queue_.hit(slot);
        } else {
            insert({std::string{key}, std::move(value), hash, expires_at});
        }
        ++stats_.insertions;
    }

    bool erase(std::string_view key, std::uint64_t hash) {
        const CacheSlot slot = find(key, hash);
        if (slot == no_slot) return false;
        remove(slot);
        return true;
    }

    void clear() {
        entries_.clear();
        free_.clear();
        index_.clear();
        queue_ = {};
        size_ = 0;
    }

    void add_to(CacheStats& sum) const noexcept {
        sum.hits += stats_.hits;
        sum.misses += stats_.misses;
        sum.insertions += stats_.insertions;
        sum.evictions += stats_.evictions;
        sum.expirations += stats_.expirations;
        sum.size += size_;
    }

private:
    struct Entry {
        std::string key;
        std::optional<Value> value;  // of no account in a free slot
        std::uint64_t hash = 0;
        Expiry expires_at;
    };
    struct Cell {
        std::uint32_t tag = 0;  // the hash's high half: most mismatches end here, without a look at the entry
        CacheSlot slot = no_slot;
    };

    [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }
    [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return hash & (index_.size() - 1); }
    [[nodiscard]] std::size_t next(std::size_t cell) const noexcept { return (cell + 1) & (index_.size() - 1); }

    [[nodiscard]] CacheSlot find(std::string_view key, std::uint64_t hash) const noexcept {
        if (index_.empty()) return no_slot;
        for (std::size_t cell = home(hash); index_[cell].slot != no_slot; cell = next(cell)) {
            if (index_[cell].tag == tag_of(hash) && entries_[index_[cell].slot].key == key) return index_[cell].slot;
        }
        return no_slot;
    }

    template <class Clock>
    [[nodiscard]] CacheSlot find_live_slot(std::string_view key, std::uint64_t hash, const Clock& clock) {
        const CacheSlot slot = find(key, hash);
        if (slot == no_slot || entries_[slot].expires_at.is_never() || !entries_[slot].expires_at.has_passed(clock.now()))
            return slot;
        remove(slot);
        ++stats_.expirations;
        return no_slot;
    }

    /// Whatever may throw comes before the slot is taken, so that a failed insertion leaves the shard whole.
    void insert(Entry entry) {
        while (size_ >= capacity_) {
            remove(queue_.victim());
            ++stats_.evictions;
        }
        if ((size_ + 1) * 2 > index_.size()) grow_index();
        if (free_.empty()) {
            if (free_.capacity() <= entries_.size()) free_.reserve(2 * (entries_.size() + 1));
            entries_.emplace_back();
            free_.push_back(static_cast<CacheSlot>(entries_.size() - 1));
        }
        const CacheSlot slot = free_.back();
        entries_[slot] = std::move(entry);  // may throw, if moving a Value does; the slot is a free one still
        queue_.inserted(slot);
        free_.pop_back();
        link(index_, slot);
        ++size_;
    }

    void remove(CacheSlot slot) {
        std::size_t hole = home(entries_[slot].hash);
        while (index_[hole].slot != slot) hole = next(hole);
        for (std::size_t cell = next(hole); index_[cell].slot != no_slot; cell = next(cell)) {
            // A cell may move back into the hole only if that does not take it before its home.
            const std::size_t mask = index_.size() - 1;
            const std::size_t from_home = (cell - home(entries_[index_[cell].slot].hash)) & mask;
            if (from_home >= ((cell - hole) & mask)) {
                index_[hole] = index_[cell];
                hole = cell;
            }
        }
        index_[hole] = {};
        queue_.erased(slot);
        entries_[slot] = {};
        free_.push_back(slot);  // never allocates: insert() reserved a place for every slot
        --size_;
    }

    void grow_index() {
        constexpr std::size_t first_size = 16;
        std::vector<Cell> larger(index_.empty() ? first_size : index_.size() * 2);
        index_.swap(larger);
        for (const Cell& cell : larger) {
            if (cell.slot != no_slot) link(index_, cell.slot);
        }
    }

    void link(std::vector<Cell>& index, CacheSlot slot) const noexcept {
        std::size_t cell = home(entries_[slot].hash);
        while (index[cell].slot != no_slot) cell = next(cell);
        index[cell] = {tag_of(entries_[slot].hash), slot};
    }

    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    std::vector<Entry> entries_;
    std::vector<CacheSlot> free_;  // places in entries_ that hold nothing
    std::vector<Cell> index_;      // a power of two, at most half full
    typename Eviction::Queue queue_;
    CacheStats stats_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
