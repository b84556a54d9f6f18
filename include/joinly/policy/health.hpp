#ifndef JOINLY_POLICY_HEALTH_HPP
#define JOINLY_POLICY_HEALTH_HPP
// What a store tells about the writes that it has acknowledged and its backend does not have: how much is at risk, what was
// set aside, and what became of it all at the end. Plain values.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// What would be lost, or is waiting, at this moment. All zero under policies that wait for the backend anyway.
struct StoreHealth {
    std::size_t pending_entries = 0;                       ///< acknowledged and not yet stored
    std::size_t pending_bytes = 0;                         ///< their keys and encoded values
    std::chrono::milliseconds oldest_pending{0};           ///< how long the oldest of them has waited
    std::uint64_t retries = 0;                             ///< flushes that failed and were, or will be, tried again
    std::string last_error;                                ///< why the newest of these failed; empty after a flush that did not
    std::optional<std::chrono::milliseconds> since_flush;  ///< that stored something; nullopt before the first one
    std::size_t dead_letters = 0;                          ///< groups of batches that the backend will not take
    std::size_t journal_bytes = 0;                         ///< size of the journal's files; 0 without a journal
};

/// Batches that the backend refused for good, in a way that trying again cannot mend. Their writes are not in the store any
/// more; everything acknowledged after them is. It is kept until it is retried (see Store::retry_dead_letter) or dropped, over
/// restarts if there is a journal.
struct DeadLetter {
    Version id = absent;  ///< the newest version in it: what a retry or a drop names
    Errc code = Errc::invalid_argument;
    std::string reason;  ///< the backend's own words
    std::vector<std::string> keys;
};

/// What became of the writes that were pending when close began.
struct CloseReport {
    std::size_t flushed = 0;  ///< entries stored by this call
    std::size_t failed = 0;   ///< entries in dead letters, earlier ones included: lost now, unless there is a journal
    std::size_t left = 0;     ///< entries still pending: call close again, or lose them, unless there is a journal
    Status status;            ///< why anything failed or is left; `timed_out` when only time was lacking
};

JOINLY_NAMESPACE_END
#endif
