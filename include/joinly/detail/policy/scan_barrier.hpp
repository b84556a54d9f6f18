#ifndef JOINLY_DETAIL_POLICY_SCAN_BARRIER_HPP
#define JOINLY_DETAIL_POLICY_SCAN_BARRIER_HPP
// Between the copy of what is pending and the moment the backend's snapshot stands, a scan must not be overtaken by a new
// generation: it would be in the snapshot although it is newer than the copy. So scans that start and generations that set
// out wait for each other; a generation that waits goes before scans that come later.
//
// Everything here is guarded by the mutex of the caller's lock.

#include <joinly/config.hpp>
#include <joinly/detail/policy/deadline.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class ScanBarrier {
public:
    void wait_to_scan(std::unique_lock<std::mutex>& lock) {
        changed_.wait(lock, [&] { return !generation_waits_; });
    }
    /// Under the same lock as the wait before it.
    void begin_scan() noexcept { ++starting_scans_; }
    void scan_has_snapshot() noexcept {
        if (--starting_scans_ == 0) changed_.notify_all();
    }

    /// Returns, with the lock held, at a moment when no scan is starting: the generation sets out before it is let go. False: there
    /// was none before the deadline.
    [[nodiscard]] bool begin_generation(std::unique_lock<std::mutex>& lock, Deadline deadline) {
        generation_waits_ = true;
        const bool is_free = wait_until(changed_, lock, deadline, [&] { return starting_scans_ == 0; });
        generation_waits_ = false;
        changed_.notify_all();
        return is_free;
    }

private:
    std::condition_variable changed_;
    std::size_t starting_scans_ = 0;
    bool generation_waits_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
