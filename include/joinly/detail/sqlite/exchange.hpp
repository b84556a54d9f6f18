#ifndef JOINLY_DETAIL_SQLITE_EXCHANGE_HPP
#define JOINLY_DETAIL_SQLITE_EXCHANGE_HPP
// Putting one database file in the place of another that nobody may have open.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/files.hpp>
#include <joinly/detail/sqlite/lock.hpp>

#include <chrono>
#include <optional>
#include <string>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Makes sure that nobody has the database open, also not for reading or by other means than this library, and keeps it so; its log
/// is written back and goes. `busy`: somebody has. Another error: it is too damaged for that, and nothing is kept.
[[nodiscard]] inline Status sqlite_hold_alone(std::optional<SQLite::Database>& hold, const std::string& path) {
    return sqlite_attempt(path, [&]() -> Status {
        hold.emplace(path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX);
        sqlite3_db_config(hold->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        hold->exec("PRAGMA locking_mode = EXCLUSIVE");
        if (hold->execAndGet("PRAGMA journal_mode = DELETE").getString() == "wal")
            return failure(Errc::io, path + ": its log cannot be written back");
        hold->exec("BEGIN EXCLUSIVE");
        return {};
    });
}

/// Exchanges the database at `path`, if one is there, for the one at `other`, which is closed; both paths are absolute and on one
/// file system. What a log of the old one holds is written back before; where that cannot be, its log goes with it. At every moment
/// one of the two is at `path`.
[[nodiscard]] inline Status sqlite_exchange(const std::string& path, const std::string& other) {
    if (is_directory(path)) return failure(Errc::invalid_argument, path + " is a directory, not a database file");
    SqliteWriterLock writers{path};
    if (Status alone = writers.claim(std::chrono::milliseconds{0}); !alone) {
        if (alone.error() != Errc::busy) return alone;
        return failure(Errc::busy, path + ": somebody has it open, in this process or another");
    }
    std::optional<SQLite::Database> hold;
    const bool exists = sqlite_file_exists(path);
    if (exists) {
        const Status alone = sqlite_hold_alone(hold, path);
        if (!alone && alone.error() == Errc::busy)
            return failure(Errc::busy,
                           path + ": somebody has it open, in this process or another; " + std::string{alone.error().message()});
        if (!alone) hold.reset();
    }
    const auto move_logs = [](const std::string& from, const std::string& to) -> Status {
        for (const char* ending : {"-wal", "-shm", "-journal"}) {
            if (!sqlite_file_exists(from + ending)) continue;
            if (auto moved = rename_path(from + ending, to + ending); !moved) return moved;
        }
        return {};
    };
    Status exchanged = move_logs(path, other);
    if (exchanged) exchanged = exchange_durably(path, other);
    if (!exchanged) (void)move_logs(other, path);
    return exchanged;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
