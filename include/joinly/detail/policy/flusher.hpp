#ifndef JOINLY_DETAIL_POLICY_FLUSHER_HPP
#define JOINLY_DETAIL_POLICY_FLUSHER_HPP
// Takes a flushing generation to the backend, part by part: encodes it, tells what is worth another try from what the backend
// will never take, and closes in on the smallest run of batches that it refuses.
//
// Takes no lock: one thread at a time flushes, and meanwhile the generation changes only by what that thread reports done.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/backend_access.hpp>
#include <joinly/detail/policy/flush_part.hpp>
#include <joinly/detail/policy/journal_mark.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/detail/policy/sort_by_key.hpp>
#include <joinly/detail/thrown.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What one try has come to, for the part of the generation that it was about.
struct FlushStep {
    enum class Outcome : std::uint8_t {
        stored,     ///< the backend has the part
        refused,    ///< it will never take it
        overtaken,  ///< another writer has written to the database: nothing that is pending can be stored as it is
        failed,     ///< not now: try again later
        narrowed    ///< it will not take all of it: try the next, smaller part at once
    };
    Outcome outcome = Outcome::failed;
    FlushPart part;
    Status status;
};

template <class Access>
class Flusher {
public:
    /// `mark`: is written with each part. `sync`: what a part must survive once it is stored, whatever the backend's own options
    /// say.
    Flusher(Access& access, const JournalMark& mark, Version stored_version, Sync sync)
        : access_{access}, mark_{mark}, stored_version_{stored_version}, sync_{sync} {}

    /// The backend's last version, as far as this store has brought it there.
    [[nodiscard]] Version stored_version() const noexcept { return stored_version_; }

    /// After another writer: goes on from what he left.
    void resume_from(Version version) noexcept { stored_version_ = version; }

    /// Has the backend allocate the versions up to this one, unless others have written meanwhile.
    void count_on_from(Version version) {
        Batch nothing;
        nothing.version = version;
        nothing.after = stored_version_;
        if (access_.write(std::move(nothing))) stored_version_ = version;
    }

    /// Tries to store the first part of a generation that is not empty: all of it, or at least a run, and no more than so many
    /// entries.
    [[nodiscard]] FlushStep step(const Overlay::Generation& generation, std::size_t most_entries) {
        FlushStep step{FlushStep::Outcome::failed, {}, {}};
        JOINLY_TRY {
            step.part = next_part(generation, most_entries);
            step.status = store(step.part);
            step.outcome = judge(generation, step);
        }
        JOINLY_CATCH_ALL { step.status = failure(thrown_error()); }
        return step;
    }

    /// The part is stored or set aside, and has left the generation.
    void done_with(const FlushPart& part) noexcept {
        if (part.is_whole) {
            queue_.reset();
            most_runs_ = unlimited;
            suspects_ = 0;
        } else {
            queue_->pop(part);
        }
    }

private:
    static constexpr std::size_t unlimited = (std::numeric_limits<std::size_t>::max)();

    /// A try whose outcome is unknown is repeated as it was, so that it can be recognised if it was stored.
    [[nodiscard]] FlushPart next_part(const Overlay::Generation& generation, std::size_t most_entries) {
        if (uncertain_) return *uncertain_;
        if (most_runs_ == unlimited && most_entries >= generation.slots.size()) return whole_of(generation);
        return queue_of(generation).first(most_runs_, most_entries);
    }

    [[nodiscard]] const FlushQueue& queue_of(const Overlay::Generation& generation) {
        if (!queue_) queue_.emplace(generation);
        return *queue_;
    }

    [[nodiscard]] FlushStep::Outcome judge(const Overlay::Generation& generation, FlushStep& step) {
        using Outcome = FlushStep::Outcome;
        if (step.status) {
            widen(step.part.runs);
            return Outcome::stored;
        }
        if (uncertain_) return Outcome::failed;  // whatever its code: nobody can tell yet what has become of the part
        if (step.status.error() == Errc::conflict) return Outcome::overtaken;
        if (!is_permanent(step.status.error().code())) return Outcome::failed;
        if (step.part.runs == 0) step.part = queue_of(generation).first(unlimited, unlimited);
        if (step.part.runs > 1) {
            suspects_ = step.part.runs;
            most_runs_ = suspects_ / 2;
            return Outcome::narrowed;
        }
        suspects_ = 0;
        most_runs_ = 1;
        return Outcome::refused;
    }

    /// Once the run that was refused is behind, parts grow again by doubling: where many runs are refused, each of them would else
    /// cost a try of all that is left.
    void widen(std::size_t stored_runs) noexcept {
        suspects_ -= (std::min)(suspects_, stored_runs);
        if (suspects_ == 0 && most_runs_ <= unlimited / 2) most_runs_ *= 2;
    }

    [[nodiscard]] static bool is_permanent(Errc code) noexcept {
        return code == Errc::invalid_argument || code == Errc::corrupt || code == Errc::unsupported || code == Errc::incompatible;
    }

    [[nodiscard]] Result<Batch> encode(const FlushPart& part) const {
        Batch batch;
        batch.version = part.last;
        batch.after = stored_version_;
        batch.sync = sync_;
        batch.changes.reserve(part.slots.size() + 1);
        // Neighbouring keys share the engine's pages: sorted, ten thousand puts cost SQLite 40 per cent less.
        auto sorted = part.slots;
        KeySort<Overlay::Slot>::sort(sorted);
        for (const Overlay::Slot* slot : sorted) {
            const auto& [object, version, expires_at] = slot->newest;
            auto change = encode_change(slot->key(), object, expires_at, version);
            if (!change) return failure(std::move(change).error());
            batch.changes.push_back(std::move(*change));
        }
        mark_.add_to(batch);
        return batch;
    }

    /// A try that failed may have been stored all the same, its answer lost on the way, and the next one meets a conflict with
    /// itself. And a backend that cannot even tell its last version refuses everybody: the part is not to blame.
    [[nodiscard]] Status store(const FlushPart& part) {
        auto batch = encode(part);
        const bool was_tried = uncertain_.has_value();
        if (!batch && !was_tried) return failure(std::move(batch).error());
        if (!was_tried) uncertain_ = part;
        const auto written = batch ? access_.write(std::move(*batch)) : Result<Version>{failure(std::move(batch).error())};
        bool is_stored = written.has_value();
        if (!written) {
            if (!has_ended(written.error().code())) return failure(written.error());
            const auto found = is_there(part);
            if (!found) return failure(found.error());
            is_stored = was_tried && *found;
        }
        uncertain_.reset();
        if (!is_stored) return failure(written.error());
        stored_version_ = part.last;
        return {};
    }

    /// Whether the part is the newest that the backend has. Without a mark its version may be another writer's, who had the
    /// database while it was busy: what he wrote are other records.
    [[nodiscard]] Result<bool> is_there(const FlushPart& part) const {
        const auto last = access_.backend().last_version();
        if (!last) return failure(last.error());
        if (mark_.is_kept()) return mark_.read(access_.backend()).map([&](Version newest) { return newest == part.last; });
        return *last == part.last ? has_records_of(part) : Result<bool>{false};
    }

    /// Whether each of its records is there, and none that it erases.
    [[nodiscard]] Result<bool> has_records_of(const FlushPart& part) const {
        const auto batch = encode(part);
        if (!batch) return false;  // then it is kept as a dead letter, stored or not
        std::vector<std::string_view> keys;
        keys.reserve(batch->changes.size());
        for (const Change& change : batch->changes) keys.push_back(change.key);
        bool has_all = true;
        const Status read = access_.backend().read_many(keys, [&](std::size_t position, Result<Record> record) {
            const Change& change = batch->changes[position];
            const bool is_as_written = record ? change.value && record->version == change.version && record->value == *change.value
                                              : !change.value && record.error() == Errc::not_found;
            has_all = has_all && is_as_written;
        });
        if (!read) return failure(read.error());
        return has_all;
    }

    /// Whether an error means that the backend surely changed nothing (see storage_backend).
    [[nodiscard]] static bool has_ended(Errc code) noexcept {
        return code == Errc::conflict || code == Errc::busy || is_permanent(code);
    }

    Access& access_;
    const JournalMark& mark_;
    Version stored_version_;
    const Sync sync_;
    std::optional<FlushPart> uncertain_;  // a try of it failed, and may have been stored
    std::optional<FlushQueue> queue_;     // of a generation that is taken apart
    std::size_t most_runs_ = unlimited;   // while closing in on a run that the backend refuses, and for some time after
    std::size_t suspects_ = 0;            // the first so many runs that are left, among which one was refused
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
