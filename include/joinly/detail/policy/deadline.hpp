#ifndef JOINLY_DETAIL_POLICY_DEADLINE_HPP
#define JOINLY_DETAIL_POLICY_DEADLINE_HPP
// Moments until which a caller waits, on the steady clock; durations so long that they overflow mean for ever.

#include <joinly/config.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>

JOINLY_NAMESPACE_BEGIN
namespace detail {

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline forever = (Deadline::max)();

template <class Duration>
[[nodiscard]] Deadline deadline_after(Duration timeout) {
    const auto now = std::chrono::steady_clock::now();
    if (timeout <= Duration::zero()) return now;
    const auto longest = std::chrono::floor<std::chrono::milliseconds>(forever - now);
    return timeout >= longest ? forever : now + std::chrono::duration_cast<Deadline::duration>(timeout);
}

/// Whether the condition came true in time.
template <class Condition>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, Deadline deadline, Condition condition) {
    if (deadline != forever) return changed.wait_until(lock, deadline, condition);
    changed.wait(lock, condition);
    return true;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
