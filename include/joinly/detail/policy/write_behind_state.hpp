#ifndef JOINLY_DETAIL_POLICY_WRITE_BEHIND_STATE_HPP
#define JOINLY_DETAIL_POLICY_WRITE_BEHIND_STATE_HPP
// What the parts of write-behind share: the intake of writes, the flush, and the engine that joins them.
//
// Who may do what, and the locks in the order they are taken:
//   the turn        one thread at a time flushes; while it does, the flushing generation changes only by what it reports done
//   join_mutex      (the engine's) held while the threads are joined
//   letters_mutex   held while the list of dead letters changes, in the journal and in memory
//   mutex           guards everything below it; never held while the backend works, nor while the journal waits for the disk,
//                   but for a segment that append has to make itself, and a restart
//   the gate's stripes, then the cache's shards: see load_gate.hpp and cache.hpp; the journal's own locks: see journal.hpp
// A save updates journal, overlay and cache under mutex, so they never disagree about which of two writes is the newer one.

#include <joinly/config.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/detail/policy/dead_letters.hpp>
#include <joinly/detail/policy/load_gate.hpp>
#include <joinly/detail/policy/object_cache.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/detail/policy/range_watch.hpp>
#include <joinly/detail/policy/requirement_check.hpp>
#include <joinly/detail/policy/scan_barrier.hpp>
#include <joinly/detail/policy/write_journal.hpp>
#include <joinly/detail/retry_delay.hpp>
#include <joinly/policy/stats.hpp>
#include <joinly/policy/write_behind_options.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Backend, class Traits>
struct WriteBehindState {
    using Access = BackendAccess<Backend, typename Traits::Clock>;
    using Milliseconds = std::chrono::milliseconds;
    using Nanoseconds = std::chrono::nanoseconds;

    WriteBehindState(Backend backend, const WriteBehindOptions& given, const Traits& traits, Version last_version)
        : options{bounded(given)},
          access{std::move(backend), traits.clock},
          cache{given.capacity_entries, given.absence_ttl, traits},
          observer{observer_of(traits)},
          overlay{cache.hash()},
          retry{options.longest_backoff},
          newest_version{last_version},
          settled_version{last_version} {}
    WriteBehindState(const WriteBehindState&) = delete;
    WriteBehindState& operator=(const WriteBehindState&) = delete;

    [[nodiscard]] WallTime now() const { return access.clock().now(); }
    [[nodiscard]] Nanoseconds monotonic() const { return access.clock().monotonic(); }

    /// Under mutex, as the three below.
    [[nodiscard]] bool is_large() const {
        return overlay.active().slots.size() >= options.flush_entries || overlay.active().bytes >= options.flush_bytes;
    }

    /// How long until a flush is due; nullopt when there is nothing to do.
    [[nodiscard]] std::optional<Nanoseconds> flush_due_in() const {
        if (overlay.size() == 0 && !overtaken) return journal_is_full ? std::optional{Nanoseconds{0}} : std::nullopt;
        if (retry.until()) return *retry.until() - monotonic();
        const bool lacks_room = writers_waiting > 0 || writer_was_refused || journal_is_full;
        const bool is_wanted = lacks_room || wanted_version > settled_version || overtaken || journal.has_failed();
        if (is_wanted || !overlay.flushing().slots.empty() || is_large()) return Nanoseconds{0};
        return overlay.active().first_at + options.max_delay - monotonic();
    }

    /// How long until what the journal has is to be made durable; nullopt when that is not asked for, or nothing is new.
    [[nodiscard]] std::optional<Nanoseconds> sync_due_in() const {
        if (!journal_sync_at) return std::nullopt;
        return *journal_sync_at - monotonic();
    }

    /// Under mutex: whether all up to a version is in the backend or set aside, and more is taken.
    [[nodiscard]] bool is_settled(Version version) const noexcept { return settled_version >= version && !overtaken; }

    /// Under mutex: acknowledged writes were taken back, or another writer was met.
    void note_taken_back() noexcept {
        watches.trip_all();
        checks.forget_answers();
    }

    /// Under mutex, while `overtaken`: why nothing is taken.
    [[nodiscard]] std::string overtaken_text() const {
        if (overlay.size() != 0) return "another writer has written to the database: what is pending is being set aside";
        if (journal.mark().is_kept()) return "the journal has yet to mark the database as it is now";
        return "another writer has written to the database, whose version is yet to be read";
    }

    [[nodiscard]] bool threads_run() const noexcept { return worker_runs || syncer_runs; }

    const WriteBehindOptions options;
    Access access;
    LoadGate gate;
    ObjectCache<Traits> cache;
    WriteJournal journal;
    JOINLY_NO_UNIQUE_ADDRESS typename ObserverOf<Traits>::type observer;

    std::mutex letters_mutex;
    mutable std::mutex mutex;
    Overlay overlay;
    DeadLetters dead_letters;
    ScanBarrier scan_barrier;
    RangeWatches watches;
    RequirementChecks checks;
    RetryDelay retry;
    Version newest_version;           // acknowledged
    Version settled_version;          // in the backend, or set aside
    Version wanted_version = absent;  // somebody waits until it is settled
    std::uint64_t flush_tries = 0;    // transactions with the backend, whatever became of them
    std::uint64_t flush_failures = 0;
    FlushStats flush_stats;
    std::optional<Nanoseconds> flushed_at;  // the newest of these
    std::string last_error;
    std::optional<Nanoseconds> journal_sync_at;
    std::size_t writers_waiting = 0;  // for room
    bool writer_was_refused = false;  // for want of room, since something was stored
    bool journal_is_full = false;     // a write waits for the backend to store what it holds
    bool turn_taken = false;
    bool overtaken = false;  // another writer was here: what is pending is being set aside, and nothing more taken; or nothing is
                             // pending, and the journal has yet to mark the database
    bool closed = false;
    bool close_has_failed = false;  // the newest, with something pending; a worker that runs may store it all the same
    bool ending = false;            // the threads are to end
    bool worker_runs = false;
    bool syncer_runs = false;

    std::condition_variable wake;          // the worker: something is pending, a flush is due, or the end has come
    std::condition_variable sync_wake;     // the syncer: an interval has begun, or the end has come
    std::condition_variable room;          // writers: the overlay or the journal has shrunk
    std::condition_variable settled;       // those who wait for a version, or for the threads' end
    std::condition_variable turn_is_free;  // those who want to flush

private:
    /// With delays that can be added to a time: a century stands for ever.
    [[nodiscard]] static WriteBehindOptions bounded(WriteBehindOptions options) {
        constexpr Milliseconds longest = std::chrono::hours{24 * 365 * 100};
        options.max_delay = std::clamp(options.max_delay, Milliseconds{0}, longest);
        options.full_timeout = std::clamp(options.full_timeout, Milliseconds{0}, longest);
        options.longest_backoff = std::clamp(options.longest_backoff, Milliseconds{1}, longest);
        options.journal.sync_interval = std::clamp(options.journal.sync_interval, Milliseconds{0}, longest);
        return options;
    }
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
