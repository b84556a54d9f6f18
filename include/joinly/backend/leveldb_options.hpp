#ifndef JOINLY_BACKEND_LEVELDB_OPTIONS_HPP
#define JOINLY_BACKEND_LEVELDB_OPTIONS_HPP
// What can be chosen when a LevelDB database is opened. Apart from the backend, so that it can be passed about without the
// engine's headers.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>

#include <cstddef>
#include <string>

JOINLY_NAMESPACE_BEGIN

/// There is no `.read_only`: LevelDB writes to its directory as soon as it opens it.
struct LevelDbOptions {
    /// The database's directory, created when it is not there; its parent must exist.
    std::string path;

    /// `power_loss` costs an fsync a group of writes, some milliseconds; writers that come at the same time share it.
    /// `process_crash` costs none, and after a power failure the newest writes may be gone, always whole batches, or the database
    /// is `corrupt` until it is repaired.
    Sync sync = Sync::power_loss;

    /// Refuse to open a database whose log is damaged or lacks something, and stop at the first damage found later. Without this
    /// LevelDB opens it and silently leaves the damaged records out: only for saving what can be saved. Damaged blocks it then
    /// takes for sound when it compacts, and may end the process. `repair` has the checks on, whatever stands here.
    bool paranoid_checks = true;

    /// Check the engine's checksum of every block read from disk. Records have one of their own besides, always checked; but a
    /// damaged block may make LevelDB end the process before it comes to that.
    bool verify_checksums = true;

    /// Memory for the filter that tells, without reading, that a table does not hold a key; 10 is wrong once in 100 times.
    /// 0: no filter, for those who never ask for what is not there.
    int bloom_bits_per_key = 10;

    /// Uncompressed blocks kept in memory. Small helps little where a cache policy stands above the backend.
    std::size_t block_cache_bytes = std::size_t{32} << 20;

    /// Writes collected in memory before they become a table, from 64 KiB to 1 GiB; up to twice this is in use. Larger
    /// makes the longest write shorter (36 ms instead of 104 ms at LevelDB's own default of 4 MiB) and opening after a crash
    /// longer, since that much log is read again.
    std::size_t write_buffer_bytes = std::size_t{64} << 20;

    /// Compress blocks with Snappy. Leave it out for values that are compressed already.
    bool compression = true;
};

JOINLY_NAMESPACE_END
#endif
