#ifndef JOINLY_OPS_SWEEP_HPP
#define JOINLY_OPS_SWEEP_HPP
// A thread that erases what has expired, for programs that have no loop of their own to call Store::sweep from.
//
//     joinly::Sweeper sweeper{store, {.interval = 1s, .on_expired = [](const joinly::ExpiredEntity& expired) { ... }}};
//
// It ends, waiting for the sweep under way, when it is destroyed; the store must live longer and not be moved meanwhile.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/thrown.hpp>
#include <joinly/options.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

JOINLY_NAMESPACE_BEGIN

struct SweeperOptions {
    std::chrono::milliseconds interval{1'000};  ///< between the end of a sweep and the next one; at least one millisecond
    std::chrono::microseconds budget{10'000};   ///< so long a sweep goes on; what is left waits for the next one
    /// Called by the sweeper's thread for each record that it has erased. What it throws is dropped.
    std::function<void(const ExpiredEntity&)> on_expired = {};
};

struct SweeperStats {
    std::uint64_t sweeps = 0;
    std::uint64_t erased = 0;
    std::uint64_t failures = 0;  ///< sweeps that the store refused; the next one tries again
    std::string last_error;
};

/// One lock, mutex_, guards ending_ and stats_; it is not held during a sweep.
template <class Store>
class Sweeper {
public:
    explicit Sweeper(Store& store, SweeperOptions options = {})
        : store_{store}, options_{bounded(std::move(options))}, thread_{[this] { work(); }} {}
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;
    ~Sweeper() {
        {
            const std::scoped_lock lock{mutex_};
            ending_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    [[nodiscard]] SweeperStats stats() const {
        const std::scoped_lock lock{mutex_};
        return stats_;
    }

private:
    /// An interval that leaves the processor to others, and that can be added to a time: a century stands for ever.
    [[nodiscard]] static SweeperOptions bounded(SweeperOptions options) {
        constexpr std::chrono::milliseconds shortest{1};
        constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 365 * 100};
        options.interval = std::clamp(options.interval, shortest, longest);
        return options;
    }

    void work() {
        std::unique_lock lock{mutex_};
        while (!wake_.wait_for(lock, options_.interval, [this] { return ending_; })) {
            lock.unlock();
            Result<SweepReport> report{SweepReport{}};
            JOINLY_TRY {
                report = store_.sweep(options_.budget, [this](const ExpiredEntity& expired) { tell(expired); });
            }
            JOINLY_CATCH_ALL { report = failure(detail::thrown_error()); }
            lock.lock();
            ++stats_.sweeps;
            if (report) {
                stats_.erased += report->erased;
            } else {
                ++stats_.failures;
                JOINLY_TRY { stats_.last_error = report.error().message(); }
                JOINLY_CATCH_ALL {}
            }
        }
    }

    void tell(const ExpiredEntity& expired) {
        if (!options_.on_expired) return;
        JOINLY_TRY { options_.on_expired(expired); }
        JOINLY_CATCH_ALL {}
    }

    Store& store_;
    const SweeperOptions options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    SweeperStats stats_;
    std::thread thread_;  // last: it uses the others
};

JOINLY_NAMESPACE_END
#endif
