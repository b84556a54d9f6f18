#ifndef JOINLY_DETAIL_POLICY_OVERLAY_HPP
#define JOINLY_DETAIL_POLICY_OVERLAY_HPP
// The writes that write-behind has acknowledged and not yet stored, in two generations: the active one takes new writes,
// the flushing one is on its way to the backend and takes none. Generations are stored one after the other, each whole or in
// runs of whole batches, so the backend always holds a prefix of what was acknowledged, and a flush can never clear the slot
// of a newer write.
//
// Takes no lock: its owner's mutex guards it (see write_behind_state.hpp).

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class Overlay {
public:
    /// What is pending for a key: its newest write, which batches of this generation wrote it, and what it weighs.
    struct Slot {
        LoadedObject newest;
        Version first_version = absent;
        std::size_t bytes = 0;
        bool is_conditional = false;  ///< one of them depended on more than the keys it wrote
    };
    using Slots = std::unordered_map<std::string, Slot, KeyHash, KeyEqual>;

    /// Writes that reach the backend together. A key written twice is stored once, at the time the first one was due.
    struct Generation {
        explicit Generation(KeyHash hash) : slots(0, hash) {}
        Slots slots;
        Version newest = absent;
        std::chrono::nanoseconds first_at{0};
        std::size_t bytes = 0;
    };

    /// A write, how many bytes it takes while it is pending, and, once there is one, its slot.
    struct Weighed {
        const Write* write;
        std::size_t bytes;
        Slot* slot = nullptr;
    };

    [[nodiscard]] const Generation& active() const noexcept { return active_; }
    [[nodiscard]] const Generation& flushing() const noexcept { return flushing_; }
    [[nodiscard]] std::size_t size() const noexcept { return active_.slots.size() + flushing_.slots.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return active_.bytes + flushing_.bytes; }

    /// When the oldest pending write was made; nullopt when none is pending.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> oldest() const noexcept {
        if (!flushing_.slots.empty()) return flushing_.first_at;
        if (!active_.slots.empty()) return active_.first_at;
        return std::nullopt;
    }

    /// The newest pending write of `key`, or null.
    [[nodiscard]] const LoadedObject* find(std::string_view key) const {
        if (const auto at = active_.slots.find(key); at != active_.slots.end()) return &at->second.newest;
        if (const auto at = flushing_.slots.find(key); at != flushing_.slots.end()) return &at->second.newest;
        return nullptr;
    }

    /// Slots of the active generation for a set that is about to be acknowledged: all of them or, when memory runs out, none.
    /// Destroyed without `commit`, it leaves everything as it was.
    class Addition {
    public:
        Addition(Overlay& overlay, std::span<Weighed> set) : Addition{overlay.active_, set} {
            for (Weighed& one : set) one.slot = &generation_.slots.try_emplace(one.write->key).first->second;
        }
        Addition(const Addition&) = delete;
        Addition& operator=(const Addition&) = delete;
        ~Addition() {
            if (!committed_) roll_back();
        }

        /// `is_conditional`: the set depended on more than the keys it writes, or nobody knows.
        void commit(Version version, std::chrono::nanoseconds now, bool is_conditional = false) noexcept {
            if (generation_.newest == absent) generation_.first_at = now;
            generation_.newest = version;
            for (const auto& [write, bytes, slot] : set_) {
                slot->newest = {write->object, version, write->expires_at};
                if (slot->first_version == absent) slot->first_version = version;
                slot->is_conditional |= is_conditional;
                generation_.bytes += bytes - slot->bytes;
                slot->bytes = bytes;
            }
            committed_ = true;
        }

    private:
        /// Delegated to, so that the destructor runs even when the public constructor throws.
        Addition(Generation& generation, std::span<Weighed> set) noexcept : generation_{generation}, set_{set} {}

        /// No slot that was acknowledged has the version `absent`.
        void roll_back() noexcept {
            for (const Weighed& one : set_) {
                const auto at = generation_.slots.find(one.write->key);
                if (at != generation_.slots.end() && at->second.first_version == absent) generation_.slots.erase(at);
            }
        }

        Generation& generation_;
        std::span<Weighed> set_;
        bool committed_ = false;
    };

    /// The active generation becomes the flushing one, which must be empty.
    void begin_flush() noexcept { std::swap(active_, flushing_); }

    /// The flushing generation is done with. It is handed back, so that its objects need not be destroyed under a lock.
    [[nodiscard]] Generation end_flush() {
        Generation done{hash_};
        std::swap(done, flushing_);
        return done;
    }

    /// A part of the flushing generation is done with. Its slots are handed back as far as `done` has room for them.
    void end_part(std::span<const Slots::value_type* const> part, std::vector<Slots::node_type>& done) noexcept {
        for (const auto* entry : part) {
            flushing_.bytes -= entry->second.bytes;
            auto slot = flushing_.slots.extract(flushing_.slots.find(entry->first));
            if (done.size() < done.capacity()) done.push_back(std::move(slot));
        }
    }

    /// Copies of the newest pending writes within a range, in no order.
    [[nodiscard]] std::vector<std::pair<std::string, LoadedObject>> within(const KeyRange& range) const {
        std::vector<std::pair<std::string, LoadedObject>> found;
        for (const auto& [key, slot] : active_.slots) {
            if (range.contains(key)) found.emplace_back(key, slot.newest);
        }
        for (const auto& [key, slot] : flushing_.slots) {
            if (range.contains(key) && !active_.slots.contains(key)) found.emplace_back(key, slot.newest);
        }
        return found;
    }

private:
    KeyHash hash_;
    Generation active_{hash_};
    Generation flushing_{hash_};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
