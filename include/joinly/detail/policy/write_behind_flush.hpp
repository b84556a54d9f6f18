#ifndef JOINLY_DETAIL_POLICY_WRITE_BEHIND_FLUSH_HPP
#define JOINLY_DETAIL_POLICY_WRITE_BEHIND_FLUSH_HPP
// How write-behind takes what is pending to the backend, generation by generation, and what it does with what the backend
// will not take. Locks: see write_behind_state.hpp.

#include <joinly/config.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/dead_letters.hpp>
#include <joinly/detail/policy/deadline.hpp>
#include <joinly/detail/policy/flush_part.hpp>
#include <joinly/detail/policy/flusher.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/detail/thrown.hpp>
#include <joinly/policy/journal_options.hpp>
#include <joinly/policy/stats.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class State>
class WriteBehindFlush {
public:
    WriteBehindFlush(State& state, Version stored_version)
        : state_{state}, flusher_{state.access, state.journal.mark(), stored_version, needed_sync(state.options.journal)} {}

    /// Before there are other threads.
    void resume_from(Version stored_version) noexcept { flusher_.resume_from(stored_version); }

    /// Takes one generation to the backend, the one that is under way or everything that is pending now, in one transaction if
    /// it can. Begins no second transaction after the deadline, and makes each so small that it should be over by then.
    [[nodiscard]] Status flush_generation(Deadline deadline) {
        const Turn turn{state_, deadline};
        if (!turn.is_ours()) return failure(Errc::timed_out, "another flush is still under way");
        Result<bool> goes_on = begin_flush(deadline);
        Status done = goes_on && !*goes_on ? end_idle_turn() : Status{};
        while (goes_on && *goes_on && done) {
            const auto began = std::chrono::steady_clock::now();
            FlushStep step = watched_step(entries_until(deadline));
            cost_of_entry_ = (std::chrono::steady_clock::now() - began) / (step.part.slots.size() + 1);
            done = end_step(step);
            goes_on = std::chrono::steady_clock::now() < deadline ? begin_flush_of_the_rest(deadline) : Result<bool>{false};
        }
        if (!goes_on) return failure(std::move(goes_on).error());
        return done;
    }

    /// At the end: see count_on.
    void leave_newest_version() {
        const Turn turn{state_, forever};
        count_on();
    }

    /// Before there are other threads: sets aside what is pending, for the reason, and goes on from what is in the backend.
    [[nodiscard]] Status begin_behind_another_writer(const Error& reason) {
        const auto begun = begin_flush(forever);
        return begun && *begun ? give_way(reason) : go_on_from_backend();
    }

    /// Nothing is pending. Nothing is taken, either, before a journal has marked the backend as its own again: opening would take
    /// what is flushed from now on for another writer's.
    [[nodiscard]] Status go_on_from_backend() {
        const Version newest = [&] {
            const std::scoped_lock lock{state_.mutex};
            return state_.newest_version;
        }();
        const auto last = state_.journal.mark_anew(state_.access, newest);
        if (!last) return failure(last.error());
        std::unique_lock lock{state_.mutex};
        flusher_.resume_from(*last);
        state_.newest_version = (std::max)(state_.newest_version, *last);
        state_.settled_version = state_.newest_version;
        state_.gate.overtake_all();
        state_.cache.clear();
        state_.note_taken_back();
        state_.retry.succeeded();
        state_.last_error.clear();
        state_.overtaken = false;
        lock.unlock();
        state_.settled.notify_all();
        count_on();
        return {};
    }

    [[nodiscard]] Result<std::shared_ptr<const DeadWrites>> find_dead_letter(Version id) const {
        const std::scoped_lock lock{state_.mutex};
        if (auto letter = state_.dead_letters.find(id)) return letter;
        return DeadLetters::none_with(id);
    }

    /// The journal forgets it before memory does.
    [[nodiscard]] Status drop_dead_letter(Version id) {
        const std::scoped_lock changing{state_.letters_mutex};  // nobody else changes them meanwhile
        const auto letter = find_dead_letter(id);
        if (!letter) return failure(letter.error());
        DeadLetters::Removal removal{**letter};
        if (auto dropped = state_.journal.drop_dead_letter(**letter, state_.dead_letters); !dropped) return dropped;
        const std::scoped_lock lock{state_.mutex};
        (void)state_.dead_letters.drop(id, std::move(removal));  // whom we found has it, too
        state_.room.notify_all();                                // its entries counted
        return {};
    }

private:
    using Nanoseconds = std::chrono::nanoseconds;

    /// A journal that survives a power loss may let go only of what the backend has as safely.
    [[nodiscard]] static Sync needed_sync(const JournalOptions& journal) noexcept {
        const bool survives_power_loss = journal.sync == Sync::power_loss || journal.sync_interval.count() > 0;
        return !journal.path.empty() && survives_power_loss ? Sync::power_loss : Sync::process_crash;
    }

    /// Holds the turn from its construction on, if it was free before the deadline.
    class Turn {
    public:
        Turn(State& state, Deadline deadline) : state_{state} {
            std::unique_lock lock{state_.mutex};
            is_ours_ = wait_until(state_.turn_is_free, lock, deadline, [&] { return !state_.turn_taken; });
            if (is_ours_) state_.turn_taken = true;
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() {
            if (!is_ours_) return;
            const std::scoped_lock lock{state_.mutex};
            state_.turn_taken = false;
            state_.turn_is_free.notify_one();
        }
        [[nodiscard]] bool is_ours() const noexcept { return is_ours_; }

    private:
        State& state_;
        bool is_ours_ = false;
    };

    [[nodiscard]] std::size_t entries_until(Deadline deadline) const {
        if (deadline == forever) return (std::numeric_limits<std::size_t>::max)();
        const Nanoseconds left = (std::max)(deadline - std::chrono::steady_clock::now(), Deadline::duration{0});
        return static_cast<std::size_t>(left / (cost_of_entry_ + Nanoseconds{1})) + 1;
    }

    /// One transaction with the backend, told to the observer and counted: before anybody hears that it has been made.
    [[nodiscard]] FlushStep watched_step(std::size_t most_entries) {
        const Nanoseconds began = state_.monotonic();
        auto begun = state_.observer.begin(Operation::flush);
        FlushStep step = flusher_.step(state_.overlay.flushing(), most_entries);
        state_.observer.end(Operation::flush, std::move(begun),
                            step.status ? std::nullopt : std::optional{step.status.error().code()});
        const std::scoped_lock lock{state_.mutex};
        ++state_.flush_tries;
        if (step.outcome != FlushStep::Outcome::stored) return step;
        FlushStats& stats = state_.flush_stats;
        state_.flushed_at = state_.monotonic();
        stats.newest = *state_.flushed_at - began;
        stats.total += stats.newest;
        stats.longest = (std::max)(stats.longest, stats.newest);
        stats.entries += step.part.slots.size();
        ++stats.count;
        return step;
    }

    /// @return whether there is anything to flush; `timed_out` when a scan that has yet to begin held it up until then
    [[nodiscard]] Result<bool> begin_flush(Deadline deadline) {
        std::unique_lock lock{state_.mutex};
        if (!state_.overlay.flushing().slots.empty()) return true;
        if (state_.overlay.active().slots.empty()) return false;
        if (!state_.scan_barrier.begin_generation(lock, deadline))
            return failure(Errc::timed_out, "a scan has yet to begin, and no flush may overtake it");
        state_.overlay.begin_flush();
        return true;
    }

    /// After another writer, the active generation goes the way of the flushing one at once.
    [[nodiscard]] Result<bool> begin_flush_of_the_rest(Deadline deadline) {
        {
            const std::scoped_lock lock{state_.mutex};
            if (!state_.overtaken) return !state_.overlay.flushing().slots.empty();
        }
        return begin_flush(deadline);
    }

    /// Nothing is pending.
    [[nodiscard]] Status end_idle_turn() {
        make_room_in_journal();
        {
            const std::scoped_lock lock{state_.mutex};
            if (!state_.overtaken) return {};
        }
        Status done;
        JOINLY_TRY { done = go_on_from_backend(); }
        JOINLY_CATCH_ALL { done = failure(thrown_error()); }
        if (!done) try_later(done.error());
        return done;
    }

    /// Nothing is pending, and yet a write found the journal full: of frames that have been stored.
    void make_room_in_journal() {
        Version stored = absent;
        {
            const std::scoped_lock lock{state_.mutex};
            if (!std::exchange(state_.journal_is_full, false)) return;
            stored = state_.settled_version;
        }
        state_.journal.stored(state_.access.backend(), stored, true);
        state_.room.notify_all();
    }

    [[nodiscard]] Status end_step(FlushStep& step) {
        Status done;
        JOINLY_TRY {
            switch (step.outcome) {
                case FlushStep::Outcome::stored:
                    end_part(step.part);
                    forget_dropped_letters();
                    (void)state_.journal.keep_id();  // the backend is marked; until the id is kept it is tried again
                    done = {};
                    break;
                case FlushStep::Outcome::refused:
                    done = set_aside(step.part, step.status.error());
                    if (done) count_on();
                    break;
                case FlushStep::Outcome::overtaken: done = give_way(step.status.error()); break;
                case FlushStep::Outcome::narrowed: done = {}; break;
                case FlushStep::Outcome::failed: done = std::move(step.status); break;
            }
        }
        JOINLY_CATCH_ALL { done = failure(thrown_error()); }
        if (!done) try_later(done.error());
        return done;
    }

    void try_later(const Error& error) {
        const std::scoped_lock lock{state_.mutex};
        ++state_.flush_failures;
        JOINLY_TRY { state_.last_error = error.message(); }
        JOINLY_CATCH_ALL {}
        state_.retry.failed(state_.monotonic());
    }

    /// The part is in the backend, or set aside. Nothing in here may be left out, so what may fail for want of memory is let be:
    /// the journal then keeps for longer what it need not.
    void end_part(const FlushPart& part, bool is_taken_back = false) noexcept {
        std::vector<Overlay::Slot::Owner> done;
        JOINLY_TRY {
            if (!part.is_whole) done.reserve(part.slots.size());
        }
        JOINLY_CATCH_ALL {}
        std::optional<Overlay::Generation> whole;  // both are destroyed after the lock is let go
        bool make_room = false;
        {
            const std::scoped_lock lock{state_.mutex};
            if (is_taken_back) state_.note_taken_back();
            if (part.is_whole) {
                whole = state_.overlay.end_flush();
            } else {
                state_.overlay.end_part(part.slots, done);
            }
            flusher_.done_with(part);
            // Nothing pending: what was acknowledged above the part was set aside in an earlier run.
            state_.settled_version = state_.overlay.size() == 0 ? state_.newest_version : part.last;
            state_.retry.succeeded();
            state_.last_error.clear();
            make_room = std::exchange(state_.journal_is_full, false);
            state_.writer_was_refused = false;
            if (state_.journal.has_failed() && state_.overlay.size() == 0) restart_journal();
        }
        JOINLY_TRY { state_.journal.stored(state_.access.backend(), part.last, make_room); }
        JOINLY_CATCH_ALL {}
        state_.room.notify_all();
        state_.settled.notify_all();
        state_.wake.notify_one();  // the worker may be asleep until a retry that is no longer due
    }

    /// Under the mutex.
    void restart_journal() noexcept {
        JOINLY_TRY { (void)state_.journal.restart(state_.access.backend(), state_.settled_version); }
        JOINLY_CATCH_ALL {}  // it is tried again
    }

    /// The backend will never take the part: it leaves the overlay, and the store answers as if it had not been written.
    [[nodiscard]] Status set_aside(const FlushPart& part, const Error& reason) {
        {
            const std::scoped_lock changing{state_.letters_mutex};
            DeadLetters::Addition letter{std::make_shared<const DeadWrites>(dead_writes(part, reason))};
            if (auto kept = state_.journal.keep_dead_letter(letter.letter(), state_.dead_letters); !kept) return kept;
            const std::scoped_lock lock{state_.mutex};
            state_.dead_letters.add(std::move(letter));
            for (const Overlay::Slot* slot : part.slots) {
                if (state_.overlay.active().slots.contains(slot->key())) {
                    state_.dead_letters.note(slot->key());
                } else {
                    state_.cache.erase(slot->key());
                }
            }
        }
        end_part(part, true);
        return {};
    }

    /// Another writer has written to the database. What was pending was decided against what he has changed, so it is set
    /// aside, and the store goes on from what he left.
    [[nodiscard]] Status give_way(const Error& reason) {
        {
            const std::scoped_lock lock{state_.mutex};
            state_.overtaken = true;
        }
        if (auto aside = set_aside(whole_of(state_.overlay.flushing()), reason); !aside) return aside;
        {
            const std::scoped_lock lock{state_.mutex};
            state_.dead_letters.doubt_all();
            if (!state_.overlay.active().slots.empty()) return {};
        }
        return go_on_from_backend();
    }

    /// The newest versions were set aside, and nothing is pending that would take the backend beyond them: it is told of them, for
    /// none is given twice, over restarts too. A journal keeps them itself. Where the backend fails, the next flush makes up for
    /// it.
    void count_on() {
        if (state_.journal.mark().is_kept()) return;
        const Version newest = [&] {
            const std::scoped_lock lock{state_.mutex};
            return state_.overlay.size() == 0 ? state_.newest_version : absent;
        }();
        if (newest > flusher_.stored_version()) flusher_.count_on_from(newest);
    }

    /// The journal forgets them when its list is written anew; until then they are passed over when it is opened.
    void forget_dropped_letters() {
        using Backend = std::remove_cvref_t<decltype(state_.access.backend())>;
        const Version kept = state_.journal.template kept_version<Backend>(flusher_.stored_version());
        const std::scoped_lock changing{state_.letters_mutex};
        const std::scoped_lock lock{state_.mutex};
        state_.dead_letters.forget_dropped(kept);
    }

    State& state_;
    Flusher<typename State::Access> flusher_;  // whoever has the turn, as below
    Nanoseconds cost_of_entry_{10'000};        // in the newest transaction
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
