#ifndef JOINLY_DETAIL_POLICY_JOURNAL_LOG_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_LOG_HPP
// Appends frames to a journal's newest segment, and makes them durable for all who wait.
//
// Locks, in the order they are taken:
//   the caller's mutex  append is called under it: it alone uses active_, and takes no lock while the frame fits
//   sync_mutex_         guards syncing_, failure_ and the number below; not held during an fdatasync, one at a time
//   the segments' own   see journal_segments.hpp
// stored, prepare and restart are called one at a time (Journal's maintenance_mutex_), restart not beside append.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_segment.hpp>
#include <joinly/detail/policy/journal_segments.hpp>
#include <joinly/policy/journal_options.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class JournalLog {
public:
    JournalLog(const JournalDirectory& directory, const JournalOptions& options)
        : directory_{directory}, segments_{directory, options} {}

    /// Goes on after what was found at open.
    void begin(JournalFound found) {
        segments_.begin(std::move(found.segments), found.next_number, found.id);
        appended_ = found.last;
        durable_ = (std::min)(found.durable, found.last);
    }

    void set_id(std::uint64_t id) { segments_.set_id(id); }

    [[nodiscard]] Status append(Version version, std::string_view payload) {
        if (failed_.load(std::memory_order_acquire)) return failure(failure_text());
        const Version last = appended_.load(std::memory_order_relaxed);
        if (version <= last) return not_newer(version, last);
        if (!active_ || !active_->fits(payload.size())) {
            auto next = segments_.next(payload.size(), last, durable_);
            if (!next) return failure(std::move(next).error());
            active_ = std::move(*next);
        }
        active_->append(version, durable_.load(std::memory_order_relaxed), payload);
        appended_.store(version, std::memory_order_release);
        return {};
    }

    [[nodiscard]] Status make_durable(Version version) {
        std::unique_lock lock{sync_mutex_};
        version = (std::min)(version, appended_.load(std::memory_order_acquire));
        while (true) {
            if (durable_ >= version) return {};
            if (failed_) return failure(failure_);
            if (!syncing_) return sync_for_all(lock);
            sync_done_.wait(lock);
        }
    }

    void stored(Version version) { segments_.stored(version, !failed_); }

    [[nodiscard]] bool wants_spare() const noexcept { return segments_.wants_spare(); }
    void prepare() {
        if (auto prepared = segments_.prepare(); !prepared) {
            const std::scoped_lock lock{sync_mutex_};
            fail(prepared.error());
        }
    }

    /// Takes nothing more until it begins again, and says why, whatever it has said before.
    void refuse(const Error& error) {
        const std::scoped_lock lock{sync_mutex_};
        failed_ = true;
        failure_ = failure_of(error);
    }

    [[nodiscard]] Status restart(Version stored) {
        std::unique_lock lock{sync_mutex_};
        sync_done_.wait(lock, [&] { return !syncing_; });
        if (appended_ > stored) {
            return failure(Errc::invalid_argument, directory_.path() + ": frames up to " + std::to_string(appended_) +
                                                       " were appended, and only " + std::to_string(stored) + " is stored");
        }
        active_.reset();
        if (auto cleared = segments_.clear(); !cleared) return cleared;
        appended_ = stored;
        durable_ = stored;
        failure_ = Error{Errc::io};
        failed_ = false;
        return {};
    }

    [[nodiscard]] Version durable_version() const noexcept { return durable_; }
    [[nodiscard]] Version last_version() const noexcept { return appended_; }
    [[nodiscard]] std::size_t bytes() const { return segments_.bytes(); }

private:
    [[nodiscard]] Error failure_text() const {
        const std::scoped_lock lock{sync_mutex_};
        return failure_;
    }
    [[nodiscard]] tl::unexpected<Error> not_newer(Version version, Version last) const {
        return failure(Errc::invalid_argument, directory_.path() + ": version " + std::to_string(version) +
                                                   " is not above the last one, " + std::to_string(last));
    }

    /// Under sync_mutex_. Whatever happens to the text, it has failed.
    void fail(const Error& error) {
        if (failed_.exchange(true, std::memory_order_acq_rel)) return;
        failure_ = failure_of(error);
    }
    [[nodiscard]] static Error failure_of(const Error& error) {
        return Error{Errc::io, std::string{error.message()} + "; the journal takes no more until it begins again"};
    }

    /// One caller's fdatasync, for all who wait. Under sync_mutex_, which it gives up meanwhile. When it does not come to its
    /// end, be it for want of memory, nothing is taken for durable ever after.
    [[nodiscard]] Status sync_for_all(std::unique_lock<std::mutex>& lock) {
        struct Turn {
            JournalLog& log;
            std::unique_lock<std::mutex>& lock;
            bool ended = false;
            ~Turn() {
                if (!lock.owns_lock()) lock.lock();
                if (!ended) log.failed_ = true;
                log.syncing_ = false;
                log.sync_done_.notify_all();
            }
        };
        const Version target = appended_.load(std::memory_order_acquire);
        const auto unsynced = segments_.since(synced_up_to_);
        Turn turn{*this, lock};
        syncing_ = true;
        lock.unlock();
        auto synced = sync(unsynced);
        lock.lock();
        if (!synced) {
            fail(synced.error());
            return failure(failure_);
        }
        durable_ = (std::max)(durable_.load(), target);
        if (!unsynced.empty()) synced_up_to_ = unsynced.back().number;
        turn.ended = true;
        return {};
    }

    /// Oldest first, so that what is durable is a prefix at any moment; then the names of those that are new.
    [[nodiscard]] Status sync(const std::vector<JournalSegmentFile>& segments) const {
        for (const auto& segment : segments) {
            auto synced = segment.live ? segment.live->sync(segment.path) : sync_found(segment.path);
            if (!synced) return synced;
        }
        const bool named = segments.empty() || segments.back().number <= synced_up_to_;
        return named ? Status{} : directory_.sync();
    }
    /// The last process may have left it to the operating system.
    [[nodiscard]] static Status sync_found(const std::string& path) {
        auto file = open_for_reading(path);
        if (file) return sync_data(*file, path);
        const auto exists = file_exists(path);
        return exists && !*exists ? Status{} : failure(std::move(file).error());  // gone: stored meanwhile
    }

    const JournalDirectory& directory_;
    JournalSegments segments_;

    std::shared_ptr<JournalSegment> active_;
    std::atomic<Version> appended_{absent};
    std::atomic<Version> durable_{absent};
    std::atomic<bool> failed_{false};

    mutable std::mutex sync_mutex_;
    std::condition_variable sync_done_;
    bool syncing_ = false;
    Error failure_{Errc::io};
    std::uint64_t synced_up_to_ = 0;  // the newest segment at the last fdatasync: older ones are durable, and its name is; written
                                      // only by the one who syncs
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
