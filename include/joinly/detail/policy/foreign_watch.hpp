#ifndef JOINLY_DETAIL_POLICY_FOREIGN_WATCH_HPP
#define JOINLY_DETAIL_POLICY_FOREIGN_WATCH_HPP
// Whether a cache may still answer, or another process has written to the database beneath it. Backends that cannot tell
// are not asked, which costs nothing.
//
// mutex_ guards commits_ and whoever looks holds it; next_look_ is read without it. See through_engine.hpp for the order of locks.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Backend>
class ForeignWatch {
public:
    ForeignWatch(Backend&, std::chrono::milliseconds) noexcept {}

    template <class Clock, class DropAll>
    [[nodiscard]] constexpr bool is_current(Backend&, const Clock&, DropAll&&) const noexcept {
        return true;
    }
};

template <tells_foreign_commits Backend>
class ForeignWatch<Backend> {
public:
    /// What was committed before is no news to a cache that is empty yet.
    ForeignWatch(Backend& backend, std::chrono::milliseconds interval)
        : interval_{std::clamp(interval, std::chrono::milliseconds{0}, longest)}, commits_{backend.foreign_commits().value_or(0)} {}

    /// Whether everything that others had committed `interval` before this call is out of the cache: calls `drop_all`, which
    /// sees to that, if the backend has been asked and there was something. False while the backend cannot tell: then the cache
    /// must not answer.
    template <class Clock, class DropAll>
    [[nodiscard]] bool is_current(Backend& backend, const Clock& clock, DropAll&& drop_all) {
        const std::int64_t now = clock.monotonic().count();
        if (now < next_look_.load(std::memory_order_acquire)) return true;
        const std::scoped_lock lock{mutex_};
        if (now < next_look_.load(std::memory_order_relaxed)) return true;  // somebody has looked while this call waited
        const auto commits = backend.foreign_commits();
        if (!commits) return false;
        if (*commits != commits_) {
            drop_all();
            commits_ = *commits;
        }
        next_look_.store(now + interval_.count(), std::memory_order_release);  // last: until now the others wait above
        return true;
    }

private:
    static constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 365 * 100};  // can be added to a time

    const std::chrono::nanoseconds interval_;
    std::atomic<std::int64_t> next_look_{(std::numeric_limits<std::int64_t>::min)()};
    std::mutex mutex_;
    std::uint64_t commits_;  // as of the newest look
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
