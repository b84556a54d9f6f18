#ifndef JOINLY_DETAIL_POLICY_OVERLAY_HPP
#define JOINLY_DETAIL_POLICY_OVERLAY_HPP
// The writes that write-behind has acknowledged and not yet stored, in two generations: the active one takes new writes,
// the flushing one is on its way to the backend and does not change. A generation is stored whole, in one transaction, so
// the backend always holds a prefix of what was acknowledged, and a flush can never clear the slot of a newer write.
//
// Takes no lock: its owner's mutex guards it (see policy/write_behind.hpp).

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/policy/object.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class Overlay {
public:
    using Writes = std::unordered_map<std::string, LoadedObject, KeyHash, KeyEqual>;

    /// Writes that reach the backend together. A key written twice is stored once, at the time the first one was due.
    struct Generation {
        explicit Generation(KeyHash hash) : writes(0, hash) {}
        Writes writes;
        Version newest = absent;
        std::chrono::nanoseconds first_at{0};
    };

    [[nodiscard]] const Generation& active() const noexcept { return active_; }
    [[nodiscard]] const Generation& flushing() const noexcept { return flushing_; }
    [[nodiscard]] std::size_t size() const noexcept { return active_.writes.size() + flushing_.writes.size(); }

    /// The newest pending write of `key`, or null.
    [[nodiscard]] const LoadedObject* find(std::string_view key) const {
        if (const auto at = active_.writes.find(key); at != active_.writes.end()) return &at->second;
        if (const auto at = flushing_.writes.find(key); at != flushing_.writes.end()) return &at->second;
        return nullptr;
    }

    /// Adds a set to the active generation, all of it or, when memory runs out, nothing.
    void add(const std::vector<Write>& writes, Version version, std::chrono::nanoseconds now) {
        std::vector<LoadedObject*> slots;
        slots.reserve(writes.size());
        {
            Rollback rollback{active_.writes, writes};
            for (const Write& write : writes) slots.push_back(&active_.writes.try_emplace(write.key).first->second);
            rollback.dismiss();
        }
        if (active_.newest == absent) active_.first_at = now;
        active_.newest = version;
        for (std::size_t i = 0; i < writes.size(); ++i) *slots[i] = {writes[i].object, version, writes[i].expires_at};
    }

    /// The active generation becomes the flushing one, which must be empty.
    void begin_flush() noexcept { std::swap(active_, flushing_); }

    /// The flushing generation has been stored. It is handed back, so that its objects need not be destroyed under a lock.
    [[nodiscard]] Generation end_flush() {
        Generation stored{hash_};
        std::swap(stored, flushing_);
        return stored;
    }

    /// Copies of the newest pending writes within a range, in no order.
    [[nodiscard]] std::vector<std::pair<std::string, LoadedObject>> within(const KeyRange& range) const {
        std::vector<std::pair<std::string, LoadedObject>> found;
        for (const auto& [key, write] : active_.writes) {
            if (range.contains(key)) found.emplace_back(key, write);
        }
        for (const auto& [key, write] : flushing_.writes) {
            if (range.contains(key) && !active_.writes.contains(key)) found.emplace_back(key, write);
        }
        return found;
    }

private:
    /// Takes out the slots that were made for a set which then failed: no pending write has the version `absent`.
    class Rollback {
    public:
        Rollback(Writes& slots, const std::vector<Write>& writes) noexcept : slots_{slots}, writes_{&writes} {}
        Rollback(const Rollback&) = delete;
        Rollback& operator=(const Rollback&) = delete;
        ~Rollback() {
            if (writes_ == nullptr) return;
            for (const Write& write : *writes_) {
                if (const auto at = slots_.find(write.key); at != slots_.end() && at->second.version == absent) slots_.erase(at);
            }
        }
        void dismiss() noexcept { writes_ = nullptr; }

    private:
        Writes& slots_;
        const std::vector<Write>* writes_;
    };

    KeyHash hash_;
    Generation active_{hash_};
    Generation flushing_{hash_};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
