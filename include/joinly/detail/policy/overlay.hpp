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
#include <joinly/detail/policy/pending_slots.hpp>
#include <joinly/policy/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class Overlay {
public:
    using Slot = PendingSlot;

    /// Writes that reach the backend together. A key written twice is stored once, at the time the first one was due.
    struct Generation {
        explicit Generation(KeyHash hash) noexcept : slots{hash} {}
        PendingSlots slots;
        Version newest = absent;
        std::chrono::nanoseconds first_at{0};
        std::size_t bytes = 0;
    };

    /// A write, how many bytes it takes while it is pending, its key's hash, and, once there is one, its slot. When it is
    /// committed, its object is exchanged for the one that was pending: for the caller to let go of outside the lock.
    struct Weighed {
        std::string_view key;
        Object object;
        Expiry expires_at;
        std::size_t bytes = 0;
        std::uint64_t hash = 0;
        Slot* slot = nullptr;
    };

    /// `hash`: what the keys' hashes are made by.
    explicit Overlay(KeyHash hash = {}) noexcept : hash_{hash} {}

    [[nodiscard]] Weighed weighed(const Write& write, std::size_t bytes) const {
        return {write.key, write.object, write.expires_at, bytes, hash_(write.key)};
    }

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
    [[nodiscard]] const LoadedObject* find(std::string_view key, std::uint64_t hash) const noexcept {
        if (const Slot* const slot = active_.slots.find(key, hash)) return &slot->newest;
        if (const Slot* const slot = flushing_.slots.find(key, hash)) return &slot->newest;
        return nullptr;
    }
    [[nodiscard]] const LoadedObject* find(std::string_view key) const noexcept { return find(key, hash_(key)); }

    /// Asks for the memory where a write of a key with this hash will look first. Needs no lock.
    void prefetch(std::uint64_t hash) const noexcept { active_.slots.prefetch(hash); }

    /// Slots of the active generation for a set that is about to be acknowledged: all of them or, when memory runs out, none.
    /// Destroyed without `commit`, it leaves everything as it was.
    class Addition {
    public:
        Addition(Overlay& overlay, std::span<Weighed> set) : Addition{overlay.active_, set} {
            for (Weighed& one : set) {
                one.slot = &generation_.slots.find_or_add(one.key, one.hash);
                one.slot->prefetch_object();
            }
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
            for (Weighed& one : set_) {
                Slot& slot = *one.slot;
                std::swap(slot.newest.object, one.object);
                slot.newest.version = version;
                slot.newest.expires_at = one.expires_at;
                if (slot.first_version == absent) slot.first_version = version;
                slot.is_conditional |= is_conditional;
                generation_.bytes += one.bytes - slot.bytes;
                slot.bytes = one.bytes;
            }
            committed_ = true;
        }

    private:
        /// Delegated to, so that the destructor runs even when the public constructor throws.
        Addition(Generation& generation, std::span<Weighed> set) noexcept : generation_{generation}, set_{set} {}

        /// No slot that was acknowledged has the version `absent`.
        void roll_back() noexcept {
            for (const Weighed& one : set_) {
                const Slot* const slot = generation_.slots.find(one.key, one.hash);
                if (slot != nullptr && slot->first_version == absent) (void)generation_.slots.extract(*slot);
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
    void end_part(std::span<const Slot* const> part, std::vector<Slot::Owner>& done) noexcept {
        for (const Slot* slot : part) {
            flushing_.bytes -= slot->bytes;
            auto taken = flushing_.slots.extract(*slot);
            if (done.size() < done.capacity()) done.push_back(std::move(taken));
        }
    }

    /// Copies of the newest pending writes within a range, in no order.
    [[nodiscard]] std::vector<std::pair<std::string, LoadedObject>> within(const KeyRange& range) const {
        std::vector<std::pair<std::string, LoadedObject>> found;
        active_.slots.for_each([&](const Slot& slot) {
            if (range.contains(slot.key())) found.emplace_back(slot.key(), slot.newest);
        });
        flushing_.slots.for_each([&](const Slot& slot) {
            if (range.contains(slot.key()) && !active_.slots.contains(slot.key())) found.emplace_back(slot.key(), slot.newest);
        });
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
