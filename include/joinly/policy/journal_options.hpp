#ifndef JOINLY_POLICY_JOURNAL_OPTIONS_HPP
#define JOINLY_POLICY_JOURNAL_OPTIONS_HPP
// Where write-behind keeps its journal, what an acknowledged write survives, and how large the journal may become.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>

#include <chrono>
#include <cstddef>
#include <string>

JOINLY_NAMESPACE_BEGIN

struct JournalOptions {
    /// A directory of the journal's own, created when it is not there; its parent must exist. Empty: no journal. It belongs
    /// to one open store at a time. On the disk of the backend or on another; a local one, for it is mapped into memory.
    std::string path;

    /// What an acknowledged write survives. `process_crash` costs some 50 ns a write: it is in a page of the operating
    /// system's. `power_loss` waits for an fdatasync, some milliseconds, shared by all who wait at the same time. When that fails
    /// the save answers `io`, and yet counts as made: it is readable and will be stored, but only then survives a power loss.
    Sync sync = Sync::process_crash;

    /// With `process_crash`: make everything durable so often, by a thread of its own, so that a power loss costs no more than
    /// this and what was saved while the disk was at it. A store that its caller drives does so in `pump`. 0: never; a power
    /// loss may then cost what the backend has not stored, and `salvage_journal` may be needed afterwards.
    std::chrono::milliseconds sync_interval{0};

    /// The size of a segment file, from 64 KiB to 1 GiB. Each is allocated in full before it is used. Larger ones are changed
    /// less often; smaller ones are given back sooner and are read faster when a store opens.
    std::size_t segment_bytes = std::size_t{16} << 20;

    /// All segments together; what is below two of them counts as two. At this limit writes fail with `full` until the
    /// backend has stored the oldest ones. A batch that is larger than this by itself is an `invalid_argument`, and changes
    /// nothing. Checkpoints and dead letters are not counted, nor, while it is being replaced, a newest segment that the backend
    /// has stored.
    std::size_t limit_bytes = std::size_t{1} << 30;
};

JOINLY_NAMESPACE_END
#endif
