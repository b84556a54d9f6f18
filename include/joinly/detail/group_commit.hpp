#ifndef JOINLY_DETAIL_GROUP_COMMIT_HPP
#define JOINLY_DETAIL_GROUP_COMMIT_HPP
// Concurrent writers share one engine transaction, and so one fsync. Callers queue; the one at the front leads: it takes
// those behind it along, applies them all, wakes them with their results and hands the lead to the next in the queue.
//
// One lock: mutex_ guards the queue and the links and `done` flags of what is queued. It is not held while a group is
// applied. A queued PendingWrite's `result` belongs to the leader until `done` is set, then to the caller who queued it.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A batch whose caller waits for it.
struct PendingWrite {
    const Batch* batch;
    Result<Version> result{absent};  // what the caller gets: the leader sets it

    std::size_t bytes = 0;         // of keys and values
    PendingWrite* next = nullptr;  // guarded by mutex_, as is `done`
    bool done = false;
    std::condition_variable wake{};  // of its own, so that only those wake who can go on
};

class GroupCommit {
public:
    static constexpr std::size_t max_group_batches = 128;
    static constexpr std::size_t max_group_bytes = std::size_t{4} << 20;  // what one caller may wait for on behalf of others

    /// Queues `batch`, waits until some caller's `apply` has dealt with it, and returns its result.
    ///
    /// `apply(std::span<PendingWrite* const>)` gets a group in the order of submission, never empty, and sets every
    /// result. No two run at once. It must be noexcept: the callers in the group have nobody else to wake them.
    /// @par Thread safety  Any thread; not from within `apply`.
    template <class Apply>
    Result<Version> submit(const Batch& batch, Apply&& apply) {
        static_assert(std::is_nothrow_invocable_v<Apply&, std::span<PendingWrite* const>>,
                      "apply must be noexcept and take std::span<PendingWrite* const>");
        PendingWrite own{&batch, absent, size_of(batch)};
        std::unique_lock lock{mutex_};
        append(own);
        own.wake.wait(lock, [&] { return own.done || front_ == &own; });
        if (own.done) return std::move(own.result);

        Group group{};
        const std::size_t count = collect(group);
        lock.unlock();
        apply(std::span<PendingWrite* const>{group.data(), count});
        lock.lock();
        release(count);
        return std::move(own.result);
    }

    /// How many callers wait or are being served at this moment.
    [[nodiscard]] std::size_t queued() const {
        const std::lock_guard lock{mutex_};
        std::size_t count = 0;
        for (const PendingWrite* write = front_; write; write = write->next) ++count;
        return count;
    }

private:
    using Group = std::array<PendingWrite*, max_group_batches>;

    static std::size_t size_of(const Batch& batch) noexcept {
        std::size_t bytes = 0;
        for (const Change& change : batch.changes) bytes += change.key.size() + (change.value ? change.value->size() : 0);
        return bytes;
    }

    void append(PendingWrite& write) noexcept {
        (front_ ? back_->next : front_) = &write;
        back_ = &write;
    }

    // The group stays queued while it is applied, so that nobody who comes meanwhile finds itself at the front.
    std::size_t collect(Group& group) const noexcept {
        std::size_t count = 0;
        std::size_t bytes = 0;
        for (PendingWrite* write = front_; write && count < group.size(); write = write->next) {
            bytes += write->bytes;
            if (count > 0 && bytes > max_group_bytes) break;
            group[count++] = write;
        }
        return count;
    }

    // Wakes under the lock: a caller that sees `done` is free to go, and its PendingWrite with it.
    void release(std::size_t count) noexcept {
        for (; count > 0; --count) {
            PendingWrite* const write = front_;
            front_ = write->next;
            write->done = true;
            write->wake.notify_one();
        }
        if (front_) front_->wake.notify_one();
    }

    mutable std::mutex mutex_;
    PendingWrite* front_ = nullptr;
    PendingWrite* back_ = nullptr;  // meaningful while front_ is set
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
