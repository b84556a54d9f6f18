#ifndef JOINLY_POLICY_JOURNAL_HPP
#define JOINLY_POLICY_JOURNAL_HPP
// The append-only files that let what write-behind has acknowledged survive a crash: segments of frames, one frame a batch;
// a checkpoint, for a backend that keeps nothing itself; and the dead letters. backend/README.md has the formats.
//
// Locks, in the order they are taken:
//   the caller's own mutex   append is called under it, one frame at a time
//   maintenance_mutex_       held while files are made, recycled, replaced or read: by everything but append and make_durable
//   the log's locks          see detail/policy/journal_log.hpp
// There is a journal on POSIX systems only: elsewhere `open` answers `unsupported`.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_contents.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_log.hpp>
#include <joinly/policy/journal_dead_letter.hpp>
#include <joinly/policy/journal_options.hpp>
#include <joinly/policy/journal_payload.hpp>
#include <joinly/policy/journal_salvage.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// See JournalPayload for the payload of a frame, journal_salvage.hpp for a damaged journal.
class Journal {
public:
    /// Opens the journal in `options.path`, which is created when it is not there, and reads what it holds from end to end.
    /// A torn tail (what was being written when the process or the machine died) is cut off. With `Sync::power_loss` all that
    /// it holds has been made durable when this returns.
    ///
    /// @param stored  the newest version that the backend holds: what lies below it may be damaged. It is kept all the same
    ///                until `stored` is called, for after a crash of the process the backend may not have it durably yet
    /// @return the journal, or
    ///         busy              another journal object has it open, in this process or another;
    ///         corrupt           something in the middle is damaged or missing; the message has file and offset. Nothing was
    ///                           changed; `salvage_journal` keeps what can be read;
    ///         incompatible      a newer version of the library wrote it, or the directory is something else's;
    ///         full, io, read_only, invalid_argument (an empty path), unsupported (not on this system).
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const JournalOptions& options, Version stored = absent) {
        return open(options, [&](std::uint64_t) { return Result<Version>{stored}; });
    }
    /// As above; `stored` is asked for once the journal's id is known.
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const JournalOptions& options, StoredVersion stored) {
        auto directory = detail::JournalDirectory::take(options.path, detail::JournalDirectory::Missing::is_created);
        if (!directory) return failure(std::move(directory).error());
        std::unique_ptr<Journal> journal{new Journal{std::move(*directory), options}};
        auto found = journal->contents_.read(stored);
        if (!found) return failure(std::move(found).error());
        journal->log_.begin(std::move(*found));
        journal->log_.stored(journal->contents_.checkpoint());
        journal->contents_.tidy();
        if (options.sync == Sync::power_loss) {  // what the last run has left to the operating system is about to be shown
            if (auto durable = journal->make_durable(journal->last_version()); !durable) return failure(std::move(durable).error());
        }
        return journal;
    }

    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() = default;

    /// What tells this journal from every other, as `lock` has it; 0: none has been kept, or somebody has removed that.
    [[nodiscard]] std::uint64_t id() const {
        const std::scoped_lock lock{maintenance_mutex_};
        return contents_.id();
    }
    /// Gives it its id, in the file `lock` and in each segment that begins from now on; durable when this returns.
    /// @par Thread safety  Any thread.
    [[nodiscard]] Status keep_id(std::uint64_t id) {
        const std::scoped_lock lock{maintenance_mutex_};
        if (auto held = hold(); !held) return held;
        auto kept = contents_.keep_id(id);
        if (kept) log_.set_id(id);
        return kept;
    }

    /// Visits every batch above `after`, oldest first, as they were found at open; what is appended later is not visited.
    /// @param present  up to here the journal need not have them: the backend is at this version, by whomever
    /// @return otherwise `corrupt`: the batches between these and the oldest one kept are in neither journal nor backend
    ///         (somebody put an older copy of the backend in place).
    [[nodiscard]] Status replay(Version after, ReplayVisitor visit, Version present = absent) {
        const std::scoped_lock lock{maintenance_mutex_};
        return contents_.replay(after, visit, present);
    }

    /// The version that the checkpoint stands for; `absent`: there is none.
    [[nodiscard]] Version checkpoint_version() const {
        const std::scoped_lock lock{maintenance_mutex_};
        return contents_.checkpoint();
    }

    /// Visits every record of the checkpoint, in the order they were written. Nothing to visit is no error.
    [[nodiscard]] Status replay_checkpoint(CheckpointSink visit) {
        const std::scoped_lock lock{maintenance_mutex_};
        return contents_.replay_checkpoint(visit);
    }

    /// Adds a frame. When it returns the frame survives the process; `make_durable` makes it survive more.
    ///
    /// The caller's mutex is held: one append at a time.
    /// @param version  above every one appended before
    /// @param payload  JournalPayload::bytes(), or anything else: it is not looked at
    /// @return nothing, or (and then nothing was appended)
    ///         full              the segments are at `limit_bytes`, or the disk is full;
    ///         io                the operating system's words; or an earlier fdatasync failed: see `restart`;
    ///         invalid_argument  the version is not above the last, or the payload larger than `limit_bytes`.
    /// @par Complexity  O(payload): some 50 ns for 200 bytes. When a segment is full, taking the next one costs some 30 us,
    ///                  and making one, where `prepare` has not, some milliseconds.
    [[nodiscard]] Status append(Version version, std::string_view payload) { return log_.append(version, payload); }

    /// Returns when every frame up to `version` survives a power loss: callers that wait at the same time share an fdatasync.
    /// After a failed one it is `io` for ever, for what is above `durable_version()`, and `append` refuses too: the operating
    /// system may have forgotten what it could not write. `restart` begins again.
    /// @par Thread safety  Any thread, beside append.
    [[nodiscard]] Status make_durable(Version version) { return log_.make_durable(version); }

    /// Every frame up to here survives a power loss.
    [[nodiscard]] Version durable_version() const noexcept { return log_.durable_version(); }

    /// The backend has durably stored everything up to `version`: segments with nothing newer are recycled.
    /// @par Thread safety  Any thread.
    void stored(Version version) {
        const std::scoped_lock lock{maintenance_mutex_};
        log_.stored(version);
    }

    /// Begins again with fresh files after an `io`, be it in a directory that was made anew, which is locked then. `io` when
    /// another journal has come there meanwhile. `invalid_argument` when frames above `stored` were appended: the backend must
    /// have them first.
    /// @par Thread safety  Not beside append.
    [[nodiscard]] Status restart(Version stored) {
        const std::scoped_lock lock{maintenance_mutex_};
        if (auto held = hold(); !held) return held;
        return log_.restart(stored);
    }

    /// Whether `append` has taken the last spare segment since `prepare` was called.
    /// @par Thread safety  Any thread.
    [[nodiscard]] bool wants_spare() const noexcept { return log_.wants_spare(); }

    /// Makes a spare segment ready, so that append need not: for the thread that takes writes to the backend. What goes
    /// wrong is told by the append that needs it. A directory that has vanished is noticed here.
    /// @par Thread safety  Any thread.
    void prepare() {
        const std::scoped_lock lock{maintenance_mutex_};
        log_.prepare();
    }

    /// The size of all segments, spare ones too, of the checkpoint and the dead letters.
    [[nodiscard]] std::size_t bytes() const { return log_.bytes() + contents_.bytes(); }

    [[nodiscard]] std::size_t checkpoint_bytes() const { return contents_.checkpoint_bytes(); }

    /// The newest frame, or the checkpoint's version or what was stored at open if that is newer. `absent`: none of these.
    [[nodiscard]] Version last_version() const noexcept { return log_.last_version(); }

    /// Replaces the checkpoint by the records that `produce` gives to its sink; frames up to `version` are not needed any
    /// more. The records must be those of one moment, the one after `version`; keys and values are taken, and expiry, form
    /// and version of each. An error (`produce`'s own, `full`, `io`): the old checkpoint is still there.
    /// @par Thread safety  Any thread; `produce` must not call this journal.
    [[nodiscard]] Status write_checkpoint(Version version, detail::FunctionRef<Status(CheckpointSink)> produce) {
        const std::scoped_lock lock{maintenance_mutex_};
        if (auto held = hold(); !held) return held;
        auto written = contents_.write_checkpoint(version, log_.last_version(), produce);
        if (written) log_.stored(version);
        return written;
    }

    /// Replaces the list of dead letters, atomically; durable when it returns. On an error the old list is still there.
    /// @par Thread safety  Any thread.
    [[nodiscard]] Status keep_dead_letters(std::span<const JournalDeadLetter> letters) {
        const std::scoped_lock lock{maintenance_mutex_};
        if (auto held = hold(); !held) return held;
        return contents_.keep_dead_letters(letters);
    }

    /// Adds to the list; durable when it returns, and costs what the letter does. One without changes takes the place of the one
    /// with its last version: that was dropped. False, and nothing has been added: the list is to be replaced as a whole, for it
    /// was not since opening, or an addition to it has failed, or it has grown to twice what it was then.
    /// @par Thread safety  Any thread.
    [[nodiscard]] Result<bool> add_dead_letter(const JournalDeadLetter& letter) {
        const std::scoped_lock lock{maintenance_mutex_};
        if (auto held = hold(); !held) return failure(std::move(held).error());
        return contents_.add_dead_letter(letter);
    }

    /// The list that was kept last, and what was added, read from its file.
    [[nodiscard]] Result<std::vector<JournalDeadLetter>> dead_letters() const {
        const std::scoped_lock lock{maintenance_mutex_};
        return contents_.dead_letters();
    }

private:
    Journal(detail::JournalDirectory directory, const JournalOptions& options)
        : directory_{std::move(directory)}, contents_{directory_}, log_{directory_, options} {}

    /// Under maintenance_mutex_, before anything is changed in the directory. When that is not the one that was locked, the log
    /// has lost its frames and takes no more until it begins again; the rest goes on in the new one, if it is empty.
    [[nodiscard]] Status hold() {
        const auto held = directory_.is_held();
        if (!held) return failure(held.error());
        if (!*held) {
            auto taken = take_again();
            if (!taken) return taken;
        }
        return contents_.bring_letters();
    }
    [[nodiscard]] Status take_again() {
        log_.refuse(Error{Errc::io, directory_.path() + ": the directory was removed while the journal was open"});
        auto taken = directory_.take_again(contents_.id());
        if (taken) {
            contents_.lose_files();
        } else {
            log_.refuse(taken.error());
        }
        return taken;
    }

    mutable std::mutex maintenance_mutex_;  // guards contents_, and log_ but for append and make_durable
    detail::JournalDirectory directory_;
    detail::JournalContents contents_;
    detail::JournalLog log_;
};

JOINLY_NAMESPACE_END
#endif
