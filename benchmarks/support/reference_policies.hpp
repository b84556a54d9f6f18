#ifndef JOINLY_BENCHMARKS_SUPPORT_REFERENCE_POLICIES_HPP
#define JOINLY_BENCHMARKS_SUPPORT_REFERENCE_POLICIES_HPP
// How often eviction policies that are not ours miss, on caches that hold keys only, and the least that is possible.

#include <benchmarks/support/traces.hpp>
#include <joinly/cache/concepts.hpp>
#include <joinly/detail/cache/slot_list.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace joinly::bench {

/// Belady's optimum: who is used again latest leaves. Belady, "A study of replacement algorithms" (IBM Systems Journal, 1966).
[[nodiscard]] inline std::size_t optimal_misses(const Trace& trace, std::size_t capacity) {
    constexpr std::uint32_t never = 0xffff'ffff;
    std::vector<std::uint32_t> next_use(trace.keys.size());
    std::vector<std::uint32_t> seen(trace.distinct, never);
    for (std::size_t i = trace.keys.size(); i-- > 0;) {
        next_use[i] = std::exchange(seen[trace.keys[i]], static_cast<std::uint32_t>(i));
    }
    std::vector<std::uint32_t> held(trace.distinct, 0);  // each key's next use and 1; 0: not held
    std::priority_queue<std::pair<std::uint64_t, std::uint32_t>> latest;
    std::size_t misses = 0;
    std::size_t size = 0;
    for (std::size_t i = 0; i < trace.keys.size(); ++i) {
        const std::uint32_t key = trace.keys[i];
        if (held[key] == 0) {
            ++misses;
            for (++size; size > capacity; latest.pop()) {
                const auto [use, candidate] = latest.top();
                if (held[candidate] == use + 1) held[candidate] = 0, --size;
            }
        }
        const std::uint32_t use = (std::min)(next_use[i], never - 1);
        held[key] = use + 1;
        latest.emplace(use, key);
    }
    return misses;
}

/// Keys in one of several lists each, or in none.
class KeyLists {
public:
    static constexpr std::uint8_t nowhere = 0;

    explicit KeyLists(std::size_t keys) : entries_(keys) {}

    [[nodiscard]] std::uint8_t list_of(std::uint32_t key) const { return entries_[key].list; }
    [[nodiscard]] std::size_t size(std::uint8_t list) const { return lists_[list].size(); }
    [[nodiscard]] std::uint32_t oldest(std::uint8_t list) const { return lists_[list].oldest(); }
    void move(std::uint32_t key, std::uint8_t list) {
        if (entries_[key].list != nowhere) lists_[entries_[key].list].remove(entries_, key);
        entries_[key].list = list;
        if (list != nowhere) lists_[list].push_newest(entries_, key);
    }
    void move_oldest(std::uint8_t from, std::uint8_t to) { move(oldest(from), to); }

private:
    struct Entry {
        CacheSlot newer = no_slot;
        CacheSlot older = no_slot;
        std::uint8_t list = nowhere;
    };
    std::vector<Entry> entries_;
    std::array<detail::SlotList, 5> lists_;
};

[[nodiscard]] inline std::size_t fifo_misses(const Trace& trace, std::size_t capacity) {
    KeyLists lists{trace.distinct};
    std::size_t misses = 0;
    for (const std::uint32_t key : trace.keys) {
        if (lists.list_of(key) != KeyLists::nowhere) continue;
        ++misses;
        lists.move(key, 1);
        if (lists.size(1) > capacity) lists.move_oldest(1, KeyLists::nowhere);
    }
    return misses;
}

/// Second chance: who was hit goes round once more.
[[nodiscard]] inline std::size_t clock_misses(const Trace& trace, std::size_t capacity) {
    KeyLists lists{trace.distinct};
    std::vector<char> hit(trace.distinct, 0);
    std::size_t misses = 0;
    for (const std::uint32_t key : trace.keys) {
        if (lists.list_of(key) != KeyLists::nowhere) {
            hit[key] = 1;
            continue;
        }
        ++misses;
        if (lists.size(1) == capacity) {
            while (std::exchange(hit[lists.oldest(1)], 0) != 0) lists.move_oldest(1, 1);
            lists.move_oldest(1, KeyLists::nowhere);
        }
        lists.move(key, 1);
    }
    return misses;
}

/// Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache" (FAST 2003).
[[nodiscard]] inline std::size_t arc_misses(const Trace& trace, std::size_t capacity) {
    enum : std::uint8_t { once = 1, often, once_ghosts, often_ghosts };
    KeyLists lists{trace.distinct};
    const auto room = static_cast<double>(capacity);
    double target = 0;  // of the keys that were used once
    std::size_t misses = 0;
    const auto replace = [&](bool came_back_often) {
        const auto size = static_cast<double>(lists.size(once));
        const bool from_once = size > 0 && (size > target || (came_back_often && size == target) || lists.size(often) == 0);
        lists.move_oldest(from_once ? once : often, from_once ? once_ghosts : often_ghosts);
    };
    for (const std::uint32_t key : trace.keys) {
        const std::uint8_t list = lists.list_of(key);
        if (list == once || list == often) {
            lists.move(key, often);
            continue;
        }
        ++misses;
        if (list != KeyLists::nowhere) {
            const double by_ghosts = static_cast<double>(lists.size(often_ghosts)) / static_cast<double>(lists.size(once_ghosts));
            target = std::clamp(target + (list == once_ghosts ? (std::max)(1.0, by_ghosts) : -(std::max)(1.0, 1 / by_ghosts)), 0.0,
                                room);
            replace(list == often_ghosts);
            lists.move(key, often);
            continue;
        }
        const std::size_t all = lists.size(once) + lists.size(often) + lists.size(once_ghosts) + lists.size(often_ghosts);
        if (lists.size(once) == capacity) {
            lists.move_oldest(once, KeyLists::nowhere);
        } else if (lists.size(once) + lists.size(once_ghosts) == capacity) {
            lists.move_oldest(once_ghosts, KeyLists::nowhere);
            replace(false);
        } else if (all >= capacity) {
            if (all == 2 * capacity) lists.move_oldest(often_ghosts, KeyLists::nowhere);
            replace(false);
        }
        lists.move(key, once);
    }
    return misses;
}

/// W-TinyLFU with a window of 1 per cent, and exact counts in place of a sketch. Einziger, Friedman and Manes, "TinyLFU: a highly
/// efficient cache admission policy" (ACM TOS 2017).
[[nodiscard]] inline std::size_t tiny_lfu_misses(const Trace& trace, std::size_t capacity) {
    enum : std::uint8_t { window = 1, probation, safe };
    KeyLists lists{trace.distinct};
    std::vector<std::uint8_t> counts(trace.distinct, 0);
    const std::size_t window_size = (std::max)(capacity / 100, std::size_t{1});
    const std::size_t main_size = capacity - window_size;
    std::size_t misses = 0;
    std::size_t counted = 0;
    for (const std::uint32_t key : trace.keys) {
        if (counts[key] < 15) ++counts[key];
        if (++counted % (10 * capacity) == 0) {
            for (std::uint8_t& count : counts) count /= 2;
        }
        if (const std::uint8_t list = lists.list_of(key); list != KeyLists::nowhere) {
            lists.move(key, list == window ? window : safe);
            if (lists.size(safe) > main_size * 8 / 10) lists.move_oldest(safe, probation);
            continue;
        }
        ++misses;
        lists.move(key, window);
        if (lists.size(window) <= window_size) continue;
        const std::uint32_t candidate = lists.oldest(window);
        const bool full = lists.size(probation) + lists.size(safe) >= main_size;
        const std::uint32_t victim = lists.oldest(lists.size(probation) > 0 ? probation : safe);
        const bool admitted = !full || (victim != no_slot && counts[candidate] > counts[victim]);
        if (full && admitted) lists.move(victim, KeyLists::nowhere);
        lists.move(candidate, admitted ? std::uint8_t{probation} : KeyLists::nowhere);
    }
    return misses;
}

}  // namespace joinly::bench
#endif
