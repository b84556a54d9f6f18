#ifndef JOINLY_DETAIL_SQLITE_OPEN_HPP
#define JOINLY_DETAIL_SQLITE_OPEN_HPP
// Opening a database: is it ours, is it of a format that we know, and if there is none yet, making one. What is not ours is
// left as it is.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/files.hpp>

#include <chrono>
#include <memory>
#include <string>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr int sqlite_application_id = 0x4a4f494e;  // "JOIN"
inline constexpr int sqlite_format = 1;                   // kept as user_version

using SqliteConnectionPtr = std::unique_ptr<SqliteConnection>;

/// Names that people write SQL against: see backend/README.md.
inline constexpr const char* sqlite_schema = R"sql(
CREATE TABLE record(
    key BLOB PRIMARY KEY NOT NULL,
    value ANY NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX record_expires_at ON record(expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;
INSERT INTO meta(name, value) VALUES('format', 1), ('last_version', 0);
PRAGMA application_id = 0x4a4f494e;
PRAGMA user_version = 1;
)sql";

/// @return whether the database is still empty; false: it is one of ours, and usable. `incompatible` when it is neither.
[[nodiscard]] inline Result<bool> sqlite_is_empty(SqliteConnection& connection, const std::string& path) {
    SQLite::Statement row{
        connection.database(),
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM sqlite_schema),"
        " (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('record', 'meta'))"};
    row.executeStep();
    const int application = row.getColumn(0).getInt();
    const int format = row.getColumn(1).getInt();
    if (application == 0 && format == 0 && row.getColumn(2).getInt() == 0) return true;
    if (application != sqlite_application_id) {
        return failure(Errc::incompatible, path + " is an SQLite database of something else (application_id " +
                                               std::to_string(application) + "): it was left as it is");
    }
    if (format != sqlite_format) {
        return failure(Errc::incompatible, path + " has format version " + std::to_string(format) + "; this library knows " +
                                               std::to_string(sqlite_format));
    }
    if (row.getColumn(3).getInt() != 2) return failure(Errc::corrupt, path + " lacks the table record or meta");
    return false;
}

/// Another process may be doing the same at this moment: whoever gets the write lock second finds it done.
[[nodiscard]] inline Status sqlite_create(SqliteConnection& connection, const std::string& path) {
    const SqliteRollbackAtEnd unless_committed{connection};
    connection.run(SqliteSql::begin_write);
    const Result<bool> empty = sqlite_is_empty(connection, path);
    if (!empty) return failure(empty.error());
    if (*empty) connection.database().exec(sqlite_schema);
    connection.run(SqliteSql::commit);
    return {};
}

/// Settles how the connection writes: a write-ahead log, synced as the options say.
[[nodiscard]] inline Status sqlite_prepare_writing(SqliteConnection& connection, const SqliteOptions& options) {
    if (sqlite3_db_readonly(connection.handle(), "main") == 1)
        return failure(Errc::read_only, options.path + " cannot be written: set read_only, or the file's permissions");
    const std::string mode = connection.database().execAndGet("PRAGMA journal_mode = WAL").getString();
    if (mode != "wal") {
        return failure(Errc::unsupported, options.path + ": no write-ahead log is possible here (the journal mode stays '" + mode +
                                              "'); is it a network file system?");
    }
    connection.database().exec(options.sync == Sync::power_loss ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    connection.database().exec("PRAGMA journal_size_limit = 67108864");  // a log that one large batch blew up shrinks again
    return {};
}

/// Makes a new connection ready for use, and the database if there is none yet. `log_is_there`: before it was opened.
[[nodiscard]] inline Status sqlite_settle(SqliteConnection& connection, const SqliteOptions& options, bool may_create,
                                          bool log_is_there) {
    const Result<bool> empty = sqlite_is_empty(connection, options.path);
    if (!empty) {
        if (log_is_there) connection.forbid_checkpoint_on_close();
        return failure(empty.error());
    }
    if (*empty && !may_create) return failure(Errc::incompatible, options.path + " is empty: there is no database to read");
    if (!options.read_only) {
        if (Status ready = sqlite_prepare_writing(connection, options); !ready) return ready;
        if (*empty) {
            if (Status made = sqlite_create(connection, options.path); !made) return made;
        }
    }
    if (const Result<Version> version = sqlite_last_version(connection); !version)
        return failure(version.error().code(), options.path + ": " + std::string{version.error().message()});
    connection.database().setBusyTimeout(sqlite_milliseconds(options.busy_timeout));
    return {};
}

/// One try, which may wait `busy_timeout` for locks.
[[nodiscard]] inline Result<SqliteConnectionPtr> sqlite_open_once(const SqliteOptions& options, bool may_create,
                                                                  std::chrono::milliseconds busy_timeout) {
    const bool log_is_there = sqlite_file_bytes(options.path + "-wal") > 0;
    const int mode = options.read_only ? SQLite::OPEN_READONLY : SQLite::OPEN_READWRITE | (may_create ? SQLite::OPEN_CREATE : 0);
    auto connection = std::make_unique<SqliteConnection>(options, mode, busy_timeout);
    try {
        if (Status settled = sqlite_settle(*connection, options, may_create, log_is_there); !settled)
            return failure(std::move(settled).error());
    } catch (const SQLite::Exception& error) {
        if (sqlite_is_damage(sqlite_code(error)) && sqlite_could_not_read(connection->handle()))
            throw SQLite::Exception{"the operating system could not read the file", SQLITE_IOERR_CORRUPTFS};
        throw;
    }
    return connection;
}

/// What went wrong in opening, told better than SQLite can.
[[nodiscard]] inline Error sqlite_explain_opening(const Error& error, int code, const std::string& path) {
    if ((code & 0xff) == SQLITE_NOTADB)
        return {Errc::incompatible, path + " is not an SQLite database, or its first bytes are damaged: it was left as it is"};
    if ((code & 0xff) == SQLITE_CANTOPEN) {
        sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
        const std::string directory = sqlite_path(path).parent_path().string();
        std::error_code refused;  // SQLite does not tell why a file cannot be opened; its directory cannot for the same reason
        (void)std::filesystem::directory_iterator{directory, refused};
        if (refused) return {Errc::io, std::string{error.message()} + ": " + refused.message()};
        int writable = 0;
        if (system->xAccess(system, directory.c_str(), SQLITE_ACCESS_READWRITE, &writable) == SQLITE_OK && writable == 0) {
            return {Errc::read_only, path +
                                         ": the directory cannot be written, and SQLite keeps its log and the log's index there; " +
                                         std::string{error.message()}};
        }
    }
    return error;
}

/// Opens `options.path`, which is absolute, for writing unless the options say otherwise.
///
/// Two processes that open a new database at the same moment get SQLITE_BUSY at once, whatever the busy timeout: so opening
/// is tried again until that time is over.
[[nodiscard]] inline Result<SqliteConnectionPtr> sqlite_open(const SqliteOptions& options, bool may_create) {
    using std::chrono::milliseconds;
    using Steady = std::chrono::steady_clock;
    may_create = may_create && !options.read_only;
    if (Status place = sqlite_place(options.path, may_create); !place) return failure(std::move(place).error());
    const auto deadline = Steady::now() + milliseconds{sqlite_milliseconds(options.busy_timeout)};
    for (;;) {
        int code = SQLITE_OK;
        const auto left = (std::max)(std::chrono::ceil<milliseconds>(deadline - Steady::now()), milliseconds{1});
        auto connection = sqlite_attempt(
            options.path, [&] { return sqlite_open_once(options, may_create, left); }, [&code](int told) { code = told; });
        if (connection) return connection;
        if (connection.error() != Errc::busy) return failure(sqlite_explain_opening(connection.error(), code, options.path));
        if (Steady::now() >= deadline) return connection;
        sqlite3_sleep(2);
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
