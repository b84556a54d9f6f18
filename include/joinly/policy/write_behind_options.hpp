#ifndef JOINLY_POLICY_WRITE_BEHIND_OPTIONS_HPP
#define JOINLY_POLICY_WRITE_BEHIND_OPTIONS_HPP
// How WriteBehind caches, delays and bounds what it has not stored yet.

#include <joinly/config.hpp>
#include <joinly/policy/journal_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

JOINLY_NAMESPACE_BEGIN

/// Who takes pending writes to the backend.
enum class Drive : std::uint8_t {
    thread,  ///< a thread of the store's own
    caller   ///< nobody but the caller, through Store::pump(): for a game loop that wants no other threads
};

struct WriteBehindOptions {
    /// Objects the cache holds at most, as in ThroughOptions. Pending writes are held besides.
    std::size_t capacity_entries = 10'000;

    /// How long the answer "there is none" may be kept; 0: not at all.
    std::chrono::milliseconds absence_ttl{0};

    /// A write is on its way to the backend at most this long after it was acknowledged: what a crash can lose without a
    /// journal. A key that is written again keeps its first time. Longer delays coalesce more and cost less.
    std::chrono::milliseconds max_delay{200};

    /// So many pending entries, or bytes of keys and encoded values, start a flush at once.
    std::size_t flush_entries = 1'000;
    std::size_t flush_bytes = std::size_t{8} << 20;

    /// So many pending entries or bytes (dead letters' count too) make writers wait, so that a slow backend cannot fill the memory.
    /// A set that is larger than what dead letters leave of them is taken when nothing is pending. A write over one that is
    /// pending, and not under way, counts by what it is larger.
    std::size_t pending_limit_entries = 100'000;
    std::size_t pending_limit_bytes = std::size_t{256} << 20;

    /// How long a writer waits at a limit before its save fails with `full`; 0: not at all, nor under Drive::caller.
    std::chrono::milliseconds full_timeout{5'000};

    /// A flush that failed is tried again after 10 ms, then after twice as long each time, up to this.
    std::chrono::milliseconds longest_backoff{5'000};

    /// Who takes pending writes to the backend, and encodes them for it; flush() and close() without a timeout do both in the
    /// thread that calls them. A saver only measures its object, to learn what it weighs and that it can be encoded. Where the
    /// codec has no `measure` (measuring_codec_for: Binary has one, Json has none), the saver encodes the object once for that.
    Drive drive = Drive::thread;

    /// Where acknowledged writes survive a crash of the process, and, by its own options, of the machine; none unless it has a
    /// path. With it the saver encodes for the journal, and who flushes once more for the backend.
    JournalOptions journal = {};
};

JOINLY_NAMESPACE_END
#endif
