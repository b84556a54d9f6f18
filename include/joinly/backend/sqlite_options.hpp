#ifndef JOINLY_BACKEND_SQLITE_OPTIONS_HPP
#define JOINLY_BACKEND_SQLITE_OPTIONS_HPP
// How a SqliteBackend opens its database. Free of the engine's headers.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>

#include <chrono>
#include <cstddef>
#include <string>

JOINLY_NAMESPACE_BEGIN

struct SqliteOptions {
    /// The database file, UTF-8; created when missing, its directory is not. Three more files live beside it while it is
    /// open: `path-wal`, `path-shm` and, unless all have it open read-only, `path-lock`. No database in memory: each connection
    /// would see one of its own.
    std::string path;

    /// What a returned write has survived. `power_loss` costs an fsync per group of concurrent writes (milliseconds);
    /// `process_crash` costs none, and a power failure may take the newest writes, always whole batches.
    Sync sync = Sync::power_loss;

    /// Refuses every write and creates no database. The directory must still be writable, or `path-wal` and `path-shm` present.
    bool read_only = false;

    /// How long a call waits for a lock that another process holds before it answers `busy`.
    std::chrono::milliseconds busy_timeout{5000};

    /// Pages that each connection keeps in memory: one for writing, one for each read that runs or idles.
    std::size_t page_cache_bytes = std::size_t{4} << 20;

    /// Reader connections kept open while nobody reads. More readers than these may run at once; those in excess are
    /// opened for one read (a tenth of a millisecond) and closed after it. Set it to the number of reading threads;
    /// 1 to 1024.
    std::size_t max_idle_readers = 8;
};

JOINLY_NAMESPACE_END
#endif
