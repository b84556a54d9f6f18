#ifndef JOINLY_DETAIL_POLICY_FLUSH_PART_HPP
#define JOINLY_DETAIL_POLICY_FLUSH_PART_HPP
// Which writes of a flushing generation go to the backend in one transaction: all of them, or the first few runs.
//
// A run is the smallest group of consecutive batches that can be stored apart from the others: batches that wrote the same
// key were coalesced there, so they and those between them belong together. Runs are stored in order, so the backend holds
// a prefix of the batches after each.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/policy/overlay.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct FlushPart {
    std::vector<const Overlay::Slot*> slots;
    Version first = absent;
    Version last = absent;
    std::size_t runs = 0;   ///< how many it is made of; 0: it is the whole generation, and nobody counted
    bool is_whole = false;  ///< of what is left of the generation
};

[[nodiscard]] inline FlushPart whole_of(const Overlay::Generation& generation) {
    FlushPart part;
    part.slots.reserve(generation.slots.size());
    part.first = generation.newest;
    part.last = generation.newest;
    generation.slots.for_each([&](const Overlay::Slot& slot) {
        part.slots.push_back(&slot);
        part.first = (std::min)(part.first, slot.first_version);
    });
    part.is_whole = true;
    return part;
}

/// What is left of a generation, in the order of its batches, for taking it apart.
class FlushQueue {
public:
    /// O(n log n) in the size of the generation.
    explicit FlushQueue(const Overlay::Generation& generation) : slots_{whole_of(generation).slots} {
        std::sort(slots_.begin(), slots_.end(), [](const auto* a, const auto* b) { return a->first_version < b->first_version; });
    }

    /// The first runs: at least one, then as long as they are no more than so many and hold no more than so many entries.
    [[nodiscard]] FlushPart first(std::size_t most_runs, std::size_t most_entries) const {
        FlushPart part;
        part.first = slots_[begin_]->first_version;
        std::size_t end = begin_;
        while (end < slots_.size() && part.runs < most_runs) {
            const auto [run_end, last] = run_from(end);
            if (part.runs != 0 && run_end - begin_ > most_entries) break;
            end = run_end;
            part.last = last;
            ++part.runs;
        }
        part.slots.assign(slots_.begin() + static_cast<std::ptrdiff_t>(begin_), slots_.begin() + static_cast<std::ptrdiff_t>(end));
        part.is_whole = end == slots_.size();
        return part;
    }

    /// The part that `first` gave is done with.
    void pop(const FlushPart& part) noexcept { begin_ += part.slots.size(); }

private:
    /// Where the run that begins at a slot ends, and its last version.
    [[nodiscard]] std::pair<std::size_t, Version> run_from(std::size_t at) const {
        Version last = slots_[at]->newest.version;
        for (; at < slots_.size() && slots_[at]->first_version <= last; ++at) {
            last = (std::max)(last, slots_[at]->newest.version);
        }
        return {at, last};
    }

    std::vector<const Overlay::Slot*> slots_;
    std::size_t begin_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
