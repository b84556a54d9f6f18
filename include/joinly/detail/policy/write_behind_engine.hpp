#ifndef JOINLY_DETAIL_POLICY_WRITE_BEHIND_ENGINE_HPP
#define JOINLY_DETAIL_POLICY_WRITE_BEHIND_ENGINE_HPP
// The engine of WriteBehind: a cache, an overlay of pending writes, a thread that takes them to the backend, and a journal
// if there is to be one, with a thread that syncs it if that is to happen now and then. Locks: see write_behind_state.hpp.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/detail/policy/deadline.hpp>
#include <joinly/detail/policy/load_gate.hpp>
#include <joinly/detail/policy/merged_follow.hpp>
#include <joinly/detail/policy/merged_scan.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/detail/policy/write_behind_flush.hpp>
#include <joinly/detail/policy/write_behind_intake.hpp>
#include <joinly/detail/policy/write_behind_state.hpp>
#include <joinly/detail/policy/write_journal.hpp>
#include <joinly/policy/concepts.hpp>
#include <joinly/policy/health.hpp>
#include <joinly/policy/write_behind_options.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Backend, class Traits>
class WriteBehindEngine {
    using Milliseconds = std::chrono::milliseconds;
    using Microseconds = std::chrono::microseconds;
    using Nanoseconds = std::chrono::nanoseconds;

public:
    using Options = WriteBehindOptions;
    static constexpr bool keeps_objects = true;

    [[nodiscard]] static Result<std::unique_ptr<WriteBehindEngine>> open(Backend backend, const Options& options,
                                                                         const Traits& traits) {
        if constexpr (claims_sole_writer<Backend>) {
            if (auto claimed = backend.claim_sole_writer(); !claimed) return failure(std::move(claimed).error());
        }
        const auto last_version = backend.last_version();
        if (!last_version) return failure(last_version.error());
        std::unique_ptr<WriteBehindEngine> engine{new WriteBehindEngine{std::move(backend), options, traits, *last_version}};
        if (auto recovered = engine->open_journal(); !recovered) return failure(std::move(recovered).error());
        engine->state_.journal.prepare();
        if (options.drive == Drive::thread) {
            if (auto started = engine->start_threads(); !started) return failure(std::move(started).error());
        }
        engine->is_open_ = true;
        return engine;
    }

    WriteBehindEngine(const WriteBehindEngine&) = delete;
    WriteBehindEngine& operator=(const WriteBehindEngine&) = delete;
    ~WriteBehindEngine() {
        if (!is_open_) return;
        JOINLY_TRY { (void)close(); }
        JOINLY_CATCH_ALL {}  // no memory is left: what is pending is lost, as if nobody had closed the store
    }

    /// @tparam Key  a std::string_view or a KeyBuffer
    template <class Key>
    [[nodiscard]] Result<LoadedObject> load(const Key& key, const ObjectType& type) {
        return load_by_visit(*this, key, type);
    }
    /// As above, but `on_hit(const LoadedObject&)` is called with what the cache answers: see ObjectCache::visit.
    /// @return what a load found, unless the cache answered.
    template <class Key, class OnHit>
    [[nodiscard]] std::optional<Result<LoadedObject>> load(const Key& key, const ObjectType& type, OnHit&& on_hit) {
        if (state_.cache.visit(key, type, on_hit)) return std::nullopt;
        return state_.gate.load(
            key, [&] { return enter(key, type); }, [&] { return state_.access.load(key, type); }, fill());
    }

    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
        return load_many_by_visit(*this, keys, type, sink);
    }
    /// As above, but `on_hit(position, const LoadedObject&)` is called with what the cache answers, and `sink` with the rest.
    template <class OnHit>
    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, OnHit&& on_hit, LoadSink sink) {
        return state_.cache.visit_many(keys, type, on_hit, sink, [&](std::span<const std::string_view> missing, LoadSink rest) {
            return state_.gate.load_many(
                missing, rest, [&](std::string_view key) { return enter(key, type); },
                [&](std::string_view key) { return state_.access.load(key, type); },
                [&](std::span<const std::string_view> asked, LoadSink landed) {
                    return state_.access.load_many(asked, type, landed);
                },
                fill());
        });
    }

    [[nodiscard]] Result<Version> write(const WriteSet& set) { return intake_.write(set); }
    /// As a set of one write, of `key` at the version that is expected, if any is.
    template <class Key>
    [[nodiscard]] Result<Version> write_one(const Key& key, Object object, Expiry expires_at,
                                            const std::optional<Version>& expect) {
        return intake_.write_one(key, std::move(object), expires_at, expect);
    }

    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) {
        ScanStart start{state_, range};
        MergedScan merged{start.take_pending(), range.direction, state_.now(), visit};
        const Status scanned = state_.access.scan_all(range, [&](const ScanItem& item) {
            start.release();
            return merged.meet(item);
        });
        start.release();
        if (!scanned) return scanned;
        merged.finish();
        return {};
    }

    [[nodiscard]] Status follow(const KeyRange& range, IndexedVisitor visit) {
        const std::string kind{kind_of_entry(range.begin)};
        ScanStart start{state_, kind_range(kind)};
        MergedFollow merged{start.take_pending(), range, visit};
        if (auto prepared = merged.prepare(range); !prepared) return prepared;
        const Status followed = state_.access.follow(range, [&](const IndexedItem& found) {
            start.release();
            return merged.meet(found);
        });
        start.release();
        if (!followed) return followed;
        merged.finish();
        return {};
    }

    /// Has a range watched from now on, for a set that is going to be written.
    [[nodiscard]] std::shared_ptr<RangeWatch> watch(const KeyRange& range) {
        const std::scoped_lock lock{state_.mutex};
        return state_.watches.add(range);
    }
    /// Has no more watched than that part of its range.
    void narrow_watch(RangeWatch& watch, const KeyRange& range) {
        const std::scoped_lock lock{state_.mutex};
        watch.range = range;
    }

    /// Returns when everything acknowledged before the call is in the backend, or with the backend's error: what could not
    /// be stored stays pending and readable, and is tried again. What the call had to set aside is an error as well.
    [[nodiscard]] Status flush() {
        std::unique_lock lock{state_.mutex};
        const Version target = state_.newest_version;
        const Version before = state_.settled_version;
        for (bool makes_room = state_.journal_is_full; makes_room || !state_.is_settled(target); makes_room = false) {
            lock.unlock();
            if (auto flushed = flush_.flush_generation(forever); !flushed) return flushed;
            lock.lock();
        }
        return state_.dead_letters.status_within(before + 1, target);
    }

    /// As above, but it tries for so long before it gives up with `timed_out`, and waits no longer than that.
    [[nodiscard]] Status flush(Milliseconds timeout) {
        std::unique_lock lock{state_.mutex};
        const Version target = state_.newest_version;
        const Version before = state_.settled_version;
        if (auto settled = settle(lock, target, deadline_after(timeout)); !settled) return settled;
        return state_.dead_letters.status_within(before + 1, target);
    }

    /// Returns when the batch of that version is in the backend, or when nobody will take it there any more; hurries nothing.
    [[nodiscard]] Status wait(Version version, Milliseconds timeout) {
        std::unique_lock lock{state_.mutex};
        if (version > state_.newest_version)
            return failure(Errc::invalid_argument, "no save has returned version " + std::to_string(version) + " yet");
        const auto is_settled = [&] { return state_.settled_version >= version; };
        const auto is_given_up = [&] { return state_.close_has_failed && !state_.worker_runs; };
        if (!wait_until(state_.settled, lock, deadline_after(timeout), [&] { return is_settled() || is_given_up(); }))
            return still_pending();
        if (!is_settled()) {
            return failure(Errc::closed, "the store is closed, and " + std::to_string(state_.overlay.size()) +
                                             " acknowledged writes are still pending: close it again to store them");
        }
        return state_.dead_letters.status_within(version, version);
    }

    /// Flushes if a flush is due: what the store's own thread would do now. With a budget it begins no further transaction
    /// once so much time has passed, and makes each so large as it takes that long, reckoning by the one before.
    [[nodiscard]] Status pump(Microseconds budget = (Microseconds::max)()) {
        std::unique_lock lock{state_.mutex};
        const bool sync_is_due = has_come(state_.sync_due_in());
        const bool flush_is_due = has_come(state_.flush_due_in());
        lock.unlock();
        if (sync_is_due) sync_journal();
        if (sync_is_due || flush_is_due || state_.journal.wants_spare()) state_.journal.prepare();
        return flush_is_due ? flush_.flush_generation(deadline_after(budget)) : Status{};
    }

    /// Ends the worker, refuses further writes and flushes. What could not be stored stays pending, and calling again
    /// tries again.
    [[nodiscard]] Status close() {
        const std::uint64_t stored_before = begin_close();
        {
            std::unique_lock lock{state_.mutex};
            end_threads();
            state_.settled.wait(lock, [&] { return !state_.threads_run(); });
        }
        join_threads();
        Status flushed = flush();
        flush_.leave_newest_version();
        return report_close(std::move(flushed), stored_before).status;
    }

    /// As above, trying for so long, and waiting no longer than that even when the backend does not answer.
    [[nodiscard]] CloseReport close(Milliseconds timeout) {
        const Deadline deadline = deadline_after(timeout);
        const std::uint64_t stored_before = begin_close();
        std::unique_lock lock{state_.mutex};
        Status settled = settle(lock, state_.newest_version, deadline);
        if (settled) end_threads();  // else it goes on trying: a caller who stored for it could not return in time
        const bool have_ended = wait_until(state_.settled, lock, deadline, [&] { return !state_.threads_run(); });
        lock.unlock();
        if (have_ended) join_threads();
        if (settled && state_.options.drive == Drive::caller) flush_.leave_newest_version();  // a worker has done so
        return report_close(std::move(settled), stored_before);
    }

    [[nodiscard]] StoreStats stats() const {
        const std::scoped_lock lock{state_.mutex};
        StoreStats stats{.cache = state_.cache.stats(),
                         .backend_reads = state_.access.reads(),
                         .backend_writes = state_.access.writes(),
                         .pending_entries = state_.overlay.size(),
                         .flush_failures = state_.flush_failures,
                         .last_flush_error = state_.last_error,
                         .flushes = state_.flush_stats};
        stats.operations[Operation::load] = stats.cache.hits + stats.cache.misses;
        stats.operations[Operation::flush] = state_.flush_tries;
        return stats;
    }

    [[nodiscard]] StoreHealth health() const {
        StoreHealth health;
        health.journal_bytes = state_.journal.bytes();
        const std::scoped_lock lock{state_.mutex};
        health.pending_entries = state_.overlay.size();
        health.pending_bytes = state_.overlay.bytes();
        if (const auto oldest = state_.overlay.oldest())
            health.oldest_pending = std::chrono::floor<Milliseconds>(state_.monotonic() - *oldest);
        health.retries = state_.flush_failures;
        health.last_error = state_.last_error;
        if (state_.flushed_at) health.since_flush = std::chrono::floor<Milliseconds>(state_.monotonic() - *state_.flushed_at);
        health.dead_letters = state_.dead_letters.size();
        return health;
    }

    [[nodiscard]] std::vector<DeadLetter> dead_letters() const {
        const std::scoped_lock lock{state_.mutex};
        return state_.dead_letters.list();
    }

    /// Writes a dead letter's writes again, as if they were saved now, and drops it if they were acknowledged. Where the journal
    /// cannot drop it, it stays, and is in doubt: its keys have been written since.
    [[nodiscard]] Result<Version> retry_dead_letter(Version id, bool may_overwrite) {
        const auto letter = flush_.find_dead_letter(id);
        if (!letter) return failure(letter.error());
        auto version = intake_.retry(**letter, may_overwrite);
        if (version) (void)drop_dead_letter(id);
        return version;
    }

    /// `conflict` when a retry that may not overwrite would be one now.
    [[nodiscard]] Status check_retry(Version id) const {
        const auto letter = flush_.find_dead_letter(id);
        if (!letter) return failure(letter.error());
        const std::scoped_lock lock{state_.mutex};
        return DeadLetters::check_retry(**letter);
    }

    /// The kinds of what a dead letter holds as bytes, as it came out of the journal, or as a type without indexes. Empty when
    /// there is no such letter.
    [[nodiscard]] std::vector<std::string> kinds_of_unindexed_letter(Version id) const {
        std::vector<std::string> kinds;
        const auto letter = flush_.find_dead_letter(id);
        if (!letter) return kinds;
        for (const Write& write : (*letter)->writes) {
            const ObjectType* const type = write.object.type;
            const bool is_raw = type == nullptr || type == &bytes_type || type == &text_type || type == &indexed_bytes_type ||
                                type == &indexed_text_type;
            if (is_raw || type->index_terms == nullptr) kinds.push_back(write.key.substr(0, write.key.find(':')));
        }
        return kinds;
    }
    [[nodiscard]] Status drop_dead_letter(Version id) { return flush_.drop_dead_letter(id); }

    [[nodiscard]] Backend& backend() noexcept { return state_.access.backend(); }

private:
    using State = WriteBehindState<Backend, Traits>;
    using Outcome = Result<LoadedObject>;

    WriteBehindEngine(Backend backend, const Options& options, const Traits& traits, Version last_version)
        : state_{std::move(backend), options, traits, last_version}, intake_{state_}, flush_{state_, last_version} {}

    // --- loading and scanning ------------------------------------------------------------------------------------------

    /// The last look and the start of a flight are one step under the mutex, so that no save can slip in between them.
    [[nodiscard]] LoadGate::Ticket enter(std::string_view key, const ObjectType& type) {
        LoadedObject pending;
        {
            const std::scoped_lock lock{state_.mutex};
            const LoadedObject* found = state_.overlay.find(key);
            if (found == nullptr) return state_.gate.enter(key, type, [&] { return state_.cache.peek(key, type); });
            pending = *found;
        }
        return {pending_outcome(key, std::move(pending), type), nullptr, false};
    }

    [[nodiscard]] Outcome pending_outcome(std::string_view key, LoadedObject pending, const ObjectType& type) const {
        if (!pending.object.value || pending.expires_at.has_passed(state_.now())) return failure(Errc::not_found);
        return as_type(key, std::move(pending), type);
    }

    [[nodiscard]] auto fill() {
        return [this](std::string_view key, const Outcome& outcome) { state_.cache.fill(key, outcome); };
    }

    /// What is pending, copied at the moment that the scan is to see; see scan_barrier.hpp.
    class ScanStart {
    public:
        ScanStart(State& state, const KeyRange& range) : state_{state} {
            std::unique_lock lock{state_.mutex};
            state_.scan_barrier.wait_to_scan(lock);
            pending_ = state_.overlay.within(range);
            state_.scan_barrier.begin_scan();
        }
        ScanStart(const ScanStart&) = delete;
        ScanStart& operator=(const ScanStart&) = delete;
        ~ScanStart() { release(); }

        [[nodiscard]] MergedScan::PendingWrites take_pending() noexcept { return std::move(pending_); }
        void release() noexcept {
            if (std::exchange(released_, true)) return;
            const std::scoped_lock lock{state_.mutex};
            state_.scan_barrier.scan_has_snapshot();
        }

    private:
        State& state_;
        MergedScan::PendingWrites pending_;
        bool released_ = false;
    };

    // --- the threads: one that flushes, and one that keeps to the journal's interval while the other waits for the backend --

    [[nodiscard]] Status start_threads() {
        const JournalOptions& journal = state_.options.journal;
        JOINLY_TRY {
            state_.worker_runs = true;
            worker_ = std::thread{[this] { flush_when_due(); }};
            if (!journal.path.empty() && journal.sync_interval.count() > 0) {
                state_.syncer_runs = true;
                syncer_ = std::thread{[this] { sync_when_due(); }};
            }
            return {};
        }
        JOINLY_CATCH_ALL {
            std::unique_lock lock{state_.mutex};
            (worker_.joinable() ? state_.syncer_runs : state_.worker_runs) = false;
            end_threads();
            lock.unlock();
            join_threads();
        }
        return failure(Errc::io, "the operating system gave no thread for write-behind");
    }

    /// Flushes when that is due, and sees to it that the journal has a segment to spare as soon as one was taken.
    void flush_when_due() {
        bool flush_is_due = false;
        const auto due_in = [&] {
            const auto due = state_.flush_due_in();
            flush_is_due = has_come(due);
            return state_.journal.wants_spare() ? std::optional{Nanoseconds{0}} : due;
        };
        const auto flush = [&] {
            if (flush_is_due) (void)flush_.flush_generation(forever);  // a failure is kept, and tried again
            state_.journal.prepare();
        };
        work(state_.wake, due_in, flush, state_.worker_runs, [&] { flush_.leave_newest_version(); });
    }
    void sync_when_due() {
        const auto sync = [this] {
            sync_journal();
            if (!state_.journal.has_failed()) return;
            const std::scoped_lock lock{state_.mutex};  // or the worker might go to sleep after a look, and miss it
            state_.wake.notify_one();                   // a flush of everything is due
        };
        work(
            state_.sync_wake, [this] { return state_.sync_due_in(); }, sync, state_.syncer_runs, [] {});
    }

    /// Does it whenever it is due, until the end, and then the last thing.
    template <class Due, class Work, class LastThing>
    void work(std::condition_variable& wake, Due due_in, Work do_it, bool& runs, LastThing do_last) {
        constexpr Nanoseconds longest_sleep = std::chrono::hours{1};
        std::unique_lock lock{state_.mutex};
        while (!state_.ending) {
            const auto due = due_in();
            if (has_come(due)) {
                lock.unlock();
                JOINLY_TRY { do_it(); }
                JOINLY_CATCH_ALL {}  // no memory for the journal: the write that needs what is missing says so
                lock.lock();
            } else if (due) {
                wake.wait_for(lock, (std::min)(*due, longest_sleep));
            } else {
                wake.wait(lock);
            }
        }
        lock.unlock();
        JOINLY_TRY { do_last(); }
        JOINLY_CATCH_ALL {}
        lock.lock();
        runs = false;
        state_.settled.notify_all();
    }

    [[nodiscard]] static bool has_come(const std::optional<Nanoseconds>& in) noexcept { return in && in->count() <= 0; }

    /// A failure shows at the next write: the journal then refuses, and a flush of everything is due.
    void sync_journal() {
        Version newest = absent;
        {
            const std::scoped_lock lock{state_.mutex};
            state_.journal_sync_at.reset();
            newest = state_.newest_version;
        }
        (void)state_.journal.make_durable(newest);
    }

    // --- waiting, closing, opening -------------------------------------------------------------------------------------

    /// Has everything up to a version flushed, by the worker if there is one. Under the mutex.
    [[nodiscard]] Status settle(std::unique_lock<std::mutex>& lock, Version target, Deadline deadline) {
        const auto is_settled = [&] { return state_.is_settled(target); };
        for (bool makes_room = state_.journal_is_full; makes_room || !is_settled(); makes_room = false) {
            if (state_.worker_runs) {
                state_.wanted_version = (std::max)(state_.wanted_version, target);
                state_.wake.notify_one();
                if (!wait_until(state_.settled, lock, deadline, [&] { return is_settled() || !state_.worker_runs; })) break;
                continue;
            }
            lock.unlock();
            const Status flushed = flush_.flush_generation(deadline);
            lock.lock();
            const auto now = std::chrono::steady_clock::now();
            if (now >= deadline) break;
            if (!flushed && state_.retry.until()) {
                const Nanoseconds delay = (std::max)(*state_.retry.until() - state_.monotonic(), Nanoseconds{0});
                (void)state_.settled.wait_until(lock, (std::min)(deadline, now + delay), is_settled);
            }
        }
        return is_settled() ? Status{} : still_pending();
    }

    /// Under the mutex.
    [[nodiscard]] Status still_pending() const {
        const std::size_t pending = state_.overlay.size();
        std::string text = pending == 0 && state_.overtaken ? state_.overtaken_text()
                                                            : std::to_string(pending) + " acknowledged writes are still pending";
        text += ", and time is up";
        if (!state_.last_error.empty()) text += ": " + state_.last_error;
        return failure(Errc::timed_out, std::move(text));
    }

    /// @return how many entries have been stored so far
    [[nodiscard]] std::uint64_t begin_close() {
        const std::scoped_lock lock{state_.mutex};
        state_.closed = true;
        state_.close_has_failed = false;
        state_.wake.notify_all();
        state_.room.notify_all();
        return state_.flush_stats.entries;
    }

    /// Under the mutex.
    void end_threads() noexcept {
        state_.ending = true;
        state_.wake.notify_all();
        state_.sync_wake.notify_all();
    }

    void join_threads() {
        const std::scoped_lock joining{join_mutex_};
        if (worker_.joinable()) worker_.join();
        if (syncer_.joinable()) syncer_.join();
    }

    [[nodiscard]] CloseReport report_close(Status flushed, std::uint64_t stored_before) {
        if (state_.options.journal.sync_interval.count() > 0) sync_journal();
        const std::scoped_lock lock{state_.mutex};
        const auto stored = static_cast<std::size_t>(state_.flush_stats.entries - stored_before);
        CloseReport report{stored, state_.dead_letters.load().entries, state_.overlay.size(), std::move(flushed)};
        if (report.left != 0 && !report.status) {
            state_.close_has_failed = true;
            state_.settled.notify_all();
            const Error& error = report.status.error();
            report.status = failure(error.code(), std::to_string(report.left) +
                                                      " acknowledged writes could not be stored: " + std::string{error.message()});
        } else if (report.status && report.failed != 0) {
            report.status = state_.dead_letters.status();
        }
        return report;
    }

    /// Brings back what was acknowledged and not stored when the store was last open. Nobody else is here yet.
    [[nodiscard]] Status open_journal() {
        if (state_.options.journal.path.empty()) return {};
        auto recovered = state_.journal.open(state_.options.journal, backend());
        if (!recovered) return failure(std::move(recovered).error());
        const auto stored = backend().last_version();
        if (!stored) return failure(stored.error());
        flush_.resume_from(*stored);
        state_.settled_version = recovered->settled_version;
        state_.newest_version = recovered->newest_version;
        state_.dead_letters.restore(recovered->dead_letters);
        auto replayed =
            state_.journal.replay(state_.settled_version, [&](Version version, const std::vector<Write>& writes) -> Status {
                if (state_.dead_letters.has(version)) return {};
                std::vector<Overlay::Weighed> weighed;
                for (const Write& write : writes)
                    weighed.push_back(state_.overlay.weighed(write, *WriteJournal::measure(write.key, write.object)));
                Overlay::Addition{state_.overlay, weighed}.commit(version, state_.monotonic(), true);
                return {};
            });
        if (!replayed) return replayed;
        if (recovered->overtaken) return flush_.begin_behind_another_writer(*recovered->overtaken);
        if (state_.overlay.size() != 0) return {};
        state_.settled_version = state_.newest_version;
        return state_.journal.has_id() ? Status{} : begin_marking(*stored);
    }

    /// The journal is new, or of an older library. While something of that is pending the first flush sees to it. A database that
    /// takes no writes now is marked later, and until then the store takes none.
    [[nodiscard]] Status begin_marking(Version stored) {
        if (stored == absent) return state_.journal.keep_id();
        state_.overtaken = true;
        const Status marked = flush_.flush_generation(forever);
        const bool may_come = marked || marked.error() == Errc::busy || marked.error() == Errc::io || marked.error() == Errc::full;
        return may_come ? Status{} : marked;
    }

    State state_;
    WriteBehindIntake<State> intake_;
    WriteBehindFlush<State> flush_;
    std::mutex join_mutex_;  // guards both below; see write_behind_state.hpp
    std::thread worker_;
    std::thread syncer_;
    bool is_open_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
