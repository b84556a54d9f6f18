#ifndef JOINLY_DETAIL_POLICY_WRITE_BEHIND_INTAKE_HPP
#define JOINLY_DETAIL_POLICY_WRITE_BEHIND_INTAKE_HPP
// How write-behind acknowledges a set of writes: decides its requirements, finds room for it, and has journal, overlay and
// cache take it, all of them or none. Locks: see write_behind_state.hpp.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/policy/dead_letters.hpp>
#include <joinly/detail/policy/deadline.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/detail/policy/requirement_check.hpp>
#include <joinly/detail/policy/write_behind_state.hpp>
#include <joinly/detail/policy/write_journal.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class State>
class WriteBehindIntake {
public:
    explicit WriteBehindIntake(State& state) noexcept : state_{state} {}

    [[nodiscard]] Result<Version> write(const WriteSet& set) { return write(set, nullptr, false); }

    /// As a set of one write, and of one requirement on its key if a version is expected.
    /// @tparam Key  a std::string_view or a KeyBuffer
    template <class Key>
    [[nodiscard]] Result<Version> write_one(const Key& key, Object object, Expiry expires_at,
                                            const std::optional<Version>& expect) {
        WeighedSet weighed{1};
        Overlay::Weighed& one = weighed.writes.front();
        one = {key, std::move(object), expires_at, 0, state_.cache.hash(key)};
        state_.overlay.prefetch(one.hash);
        state_.cache.prefetch(one.hash);
        return take(weighed, false, [&](std::unique_lock<std::mutex>& lock, std::optional<Deadline>& deadline) -> Status {
            if (is_plain(weighed, expect)) return {};
            WriteSet set;
            if (expect) set.requirements.push_back({std::string{key}, *expect, false});
            return admit(lock, set, weighed, deadline, nullptr);
        });
    }

    /// Writes a dead letter again: `conflict` when that is in doubt, unless it may overwrite what is there. Then the library's own
    /// records are left out: which indexes cover everything was found out before others wrote.
    [[nodiscard]] Result<Version> retry(const DeadWrites& letter, bool may_overwrite) {
        WriteSet set{letter.writes, {}, {}};
        const bool is_in_doubt = [&] {
            const std::scoped_lock lock{state_.mutex};
            return !letter.doubt.empty();
        }();
        if (is_in_doubt) std::erase_if(set.writes, [](const Write& write) { return write.key.starts_with(reserved_first_byte); });
        return write(set, &letter, may_overwrite);
    }

private:
    /// `retried`: the set is this letter's, whose entries take no more room.
    [[nodiscard]] Result<Version> write(const WriteSet& set, const DeadWrites* retried, bool may_overwrite) {
        WeighedSet weighed{set.writes.size()};
        auto next = weighed.writes.begin();
        for (const Write& write : set.writes)
            *next++ = {write.key, write.object, write.expires_at, 0, state_.cache.hash(write.key)};
        const auto admit_set = [&](std::unique_lock<std::mutex>& lock, std::optional<Deadline>& deadline) -> Status {
            auto admitted = admit(lock, set, weighed, deadline, retried);
            if (!admitted || retried == nullptr) return admitted;
            // Once dropped it hears of no newer write any more.
            if (state_.dead_letters.find(retried->last).get() != retried) return DeadLetters::none_with(retried->last);
            return may_overwrite ? admitted : DeadLetters::check_retry(*retried);
        };
        return take(weighed, is_conditional(set), admit_set);
    }

    /// `admit(lock, deadline)` returns with the mutex held.
    template <class Admit>
    [[nodiscard]] Result<Version> take(WeighedSet& weighed, bool conditional, Admit admit) {
        if (auto fit = state_.journal.weigh(weighed); !fit) return failure(std::move(fit).error());
        if (weighed.writes.size() == 1) state_.cache.prefetch_entry(weighed.writes.front().hash);
        std::optional<Deadline> deadline;
        bool has_made_room = false;
        std::unique_lock lock{state_.mutex};
        for (;;) {
            if (auto admitted = admit(lock, deadline); !admitted) return failure(std::move(admitted).error());
            if (weighed.writes.empty()) return state_.newest_version;
            auto acknowledged = acknowledge(weighed, conditional);
            if (acknowledged) break;
            state_.journal_is_full = acknowledged.error() == Errc::full;
            // With nothing pending one attempt to make room is all that can be done.
            const bool in_vain = state_.overlay.size() == 0 && std::exchange(has_made_room, true);
            if (!state_.journal_is_full || in_vain || !wait_for_room(lock, deadline))
                return failure(std::move(acknowledged).error());
        }
        const Version version = state_.newest_version;
        lock.unlock();
        if (state_.options.journal.sync == Sync::power_loss) {
            if (auto durable = state_.journal.make_durable(version); !durable) {
                lock.lock();
                state_.wake.notify_one();  // a flush of everything is due
                return failure(std::move(durable).error());
            }
        }
        return version;
    }

    /// Whether a set of one write can be taken without looking further. Under the mutex.
    [[nodiscard]] bool is_plain(const WeighedSet& weighed, const std::optional<Version>& expect) const {
        if (state_.closed || state_.overtaken || !has_room_for(weighed, nullptr)) return false;
        const Overlay::Weighed& one = weighed.writes.front();
        return !expect || known_version(one.key, one.hash, false) == expect;
    }

    /// Lets go of a lock and takes it again, whatever happens meanwhile.
    class Unlocked {
    public:
        explicit Unlocked(std::unique_lock<std::mutex>& lock) : lock_{lock} { lock_.unlock(); }
        Unlocked(const Unlocked&) = delete;
        Unlocked& operator=(const Unlocked&) = delete;
        ~Unlocked() { lock_.lock(); }

    private:
        std::unique_lock<std::mutex>& lock_;
    };

    /// Whether it depends on more than that the keys it writes are as they were: on other keys, or on ranges.
    [[nodiscard]] static bool is_conditional(const WriteSet& set) {
        if (!set.ranges.empty() || set.requirements.empty()) return !set.ranges.empty();
        if (set.writes.size() == 1 && set.requirements.size() == 1) return set.requirements[0].key != set.writes[0].key;
        std::vector<std::string_view> written;
        written.reserve(set.writes.size());
        for (const Write& write : set.writes) written.push_back(write.key);
        std::sort(written.begin(), written.end());
        return !std::all_of(set.requirements.begin(), set.requirements.end(), [&](const Requirement& requirement) {
            return std::binary_search(written.begin(), written.end(), std::string_view{requirement.key});
        });
    }

    /// Journal, overlay and cache take the set, or, with an error, none of them.
    [[nodiscard]] Status acknowledge(WeighedSet& set, bool conditional) {
        const bool worker_sleeps = state_.overlay.active().newest == absent;
        const bool begins_interval = state_.options.journal.sync_interval.count() > 0 && !state_.journal_sync_at;
        const Version version = state_.newest_version + 1;
        // A clock costs as much as a lock: the first of a generation, or of an interval, asks it for all.
        const auto now = worker_sleeps || begins_interval ? state_.monotonic() : std::chrono::nanoseconds{0};
        Overlay::Addition addition{state_.overlay, set.writes};
        if (auto appended = append(version, set); !appended) return appended;
        addition.commit(version, now, conditional);
        state_.newest_version = version;
        for (const Overlay::Weighed& one : set.writes) {
            const LoadedObject& written = one.slot->newest;
            state_.watches.note(one.key, written.object);
            state_.checks.note(one.key, written);
            state_.dead_letters.note(one.key);
            state_.gate.overtake(one.key);
            state_.cache.keep(one.key, one.hash, written);
        }
        if (begins_interval) state_.journal_sync_at = now + state_.options.journal.sync_interval;
        if (begins_interval) state_.sync_wake.notify_one();
        if (worker_sleeps || state_.is_large() || state_.journal.wants_spare()) state_.wake.notify_one();
        return {};
    }

    /// A journal that has failed begins again once nothing is pending; otherwise the flush sees to it.
    [[nodiscard]] Status append(Version version, const WeighedSet& set) {
        auto appended = state_.journal.append(version, set);
        if (appended || !state_.journal.has_failed()) return appended;
        const bool nothing_is_pending = state_.settled_version == state_.newest_version;
        if (!nothing_is_pending) state_.wake.notify_one();  // a flush is due now, and the worker may sleep
        if (!nothing_is_pending || !state_.journal.restart(state_.access.backend(), state_.settled_version)) return appended;
        return state_.journal.append(version, set);
    }

    /// Returns, with the mutex held, once there is room for the set and its requirements hold; or why not. Waiting for room
    /// and asking the backend for a version let go of the lock, after which everything is looked at anew.
    [[nodiscard]] Status admit(std::unique_lock<std::mutex>& lock, const WriteSet& set, const WeighedSet& weighed,
                               std::optional<Deadline>& deadline, const DeadWrites* retried) {
        RequirementCheck check{set.requirements, state_.checks};
        for (;;) {
            if (state_.closed) return failure(Errc::closed, "the store is closed");
            if (state_.overtaken) return failure(Errc::busy, state_.overtaken_text());
            if (!has_room_for(weighed, retried)) {
                if (wait_for_room(lock, deadline)) continue;
                return failure(Errc::full, limit_text());
            }
            for (const RangeRead& range : set.ranges) {
                if (range.watch->tripped || range.first_expiry.has_passed(state_.now())) return range_conflict(range.stored.range);
            }
            if (set.requirements.empty()) return {};
            auto decided = check.decide(state_.now(), [&](std::string_view key, bool even_expired) {
                return known_version(key, state_.cache.hash(key), even_expired);
            });
            if (!decided || check.is_decided()) return decided;
            if (auto follows = check.follow(); !follows) return follows;
            const auto answers = [&] {
                const Unlocked unlocked{lock};
                return check.ask(state_.access);
            }();
            if (!answers) return failure(answers.error());
            check.take(*answers);
        }
    }

    /// Makes a flush due, and waits for it to make room; false when nobody flushes, or when the deadline, which the first wait
    /// sets, has passed.
    [[nodiscard]] bool wait_for_room(std::unique_lock<std::mutex>& lock, std::optional<Deadline>& deadline) {
        if (!deadline) deadline = deadline_after(state_.options.full_timeout);
        state_.wake.notify_one();
        if (state_.options.drive == Drive::caller || std::chrono::steady_clock::now() >= *deadline) {
            state_.writer_was_refused = true;
            return false;
        }
        ++state_.writers_waiting;
        state_.room.wait_until(lock, *deadline);
        --state_.writers_waiting;
        return true;
    }

    /// A write to a key that waits for the next flush already takes no entry, and of bytes only those by which it is larger than
    /// what waits. A set that is larger than what dead letters leave of the limits is taken when nothing is pending.
    [[nodiscard]] bool has_room_for(const WeighedSet& set, const DeadWrites* retried) const {
        if (set.writes.empty()) return true;
        const Overlay& overlay = state_.overlay;
        const DeadLetters::Load dead = state_.dead_letters.load(retried);
        const std::size_t entries = overlay.size() + dead.entries;
        const std::size_t bytes = overlay.bytes() + dead.bytes;
        if (entries == 0) return true;
        const std::size_t limit = state_.options.pending_limit_entries;
        const std::size_t limit_bytes = state_.options.pending_limit_bytes;
        if (overlay.size() == 0 && ((entries < limit && bytes < limit_bytes) || is_own(set))) return true;
        const std::size_t room = limit - (std::min)(entries, limit);
        const std::size_t room_bytes = limit_bytes - (std::min)(bytes, limit_bytes);
        if (set.writes.size() <= room && set.bytes <= room_bytes) return true;
        const auto [new_entries, new_bytes] = growth_by(set);
        return new_entries <= room && new_bytes <= room_bytes;
    }

    /// At most what the active generation grows by when it takes the set: a key that is in it twice counts twice.
    [[nodiscard]] DeadLetters::Load growth_by(const WeighedSet& set) const {
        DeadLetters::Load growth;
        for (const Overlay::Weighed& one : set.writes) {
            const Overlay::Slot* const slot = state_.overlay.active().slots.find(one.key, one.hash);
            if (slot == nullptr) ++growth.entries;
            const std::size_t replaced = slot != nullptr ? slot->bytes : 0;
            growth.bytes += one.bytes - (std::min)(one.bytes, replaced);
        }
        return growth;
    }

    /// Nothing but records of the library's own, which are few and small: what lists the indexes must be changed before a dead
    /// letter can be retried, though dead letters fill the limit.
    [[nodiscard]] static bool is_own(const WeighedSet& set) {
        return std::all_of(set.writes.begin(), set.writes.end(),
                           [](const Overlay::Weighed& one) { return one.key.starts_with(reserved_first_byte); });
    }

    [[nodiscard]] std::string limit_text() const {
        std::string text =
            std::to_string(state_.overlay.size()) + " writes of " + std::to_string(state_.overlay.bytes()) + " bytes are pending";
        if (const DeadLetters::Load dead = state_.dead_letters.load(); dead.entries != 0) {
            text += " and " + std::to_string(dead.entries) + " of " + std::to_string(dead.bytes) +
                    " bytes are set aside as dead letters";
        }
        return text + ", the limit is " + std::to_string(state_.options.pending_limit_entries) + " or " +
               std::to_string(state_.options.pending_limit_bytes) + " bytes";
    }

    /// The newest acknowledged version of a key, or nullopt when only the backend knows.
    [[nodiscard]] std::optional<Version> known_version(std::string_view key, std::uint64_t hash, bool even_expired) const {
        if (const LoadedObject* pending = state_.overlay.find(key, hash)) {
            const Expiry expiry = pending->expires_at;
            const bool has_expired = !even_expired && !expiry.is_never() && expiry.has_passed(state_.now());
            return pending->object.value && !has_expired ? pending->version : absent;
        }
        if (even_expired) return std::nullopt;  // the cache forgets what has expired
        return state_.cache.version_of(key);
    }

    State& state_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
