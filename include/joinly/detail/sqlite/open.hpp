#ifndef JOINLY_DETAIL_SQLITE_OPEN_HPP
#define JOINLY_DETAIL_SQLITE_OPEN_HPP
// Opening a database: is it ours, is it of a format that we know, and if there is none yet, making one. One of an older format
// is upgraded, unless it is only read. What is not ours is left as it is.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/files.hpp>
#include <joinly/detail/sqlite/lock.hpp>

#include <chrono>
#include <memory>
#include <string>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr int sqlite_application_id = 0x4a4f494e;  // "JOIN"
inline constexpr int sqlite_format = 2;                   // kept as user_version

using SqliteConnectionPtr = std::unique_ptr<SqliteConnection>;

/// Names that people write SQL against: see backend/README.md.
inline constexpr const char* sqlite_schema = R"sql(
CREATE TABLE record(
    key BLOB PRIMARY KEY NOT NULL,
    value ANY NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER,
    checksum INTEGER NOT NULL,
    index_terms BLOB
) STRICT;
CREATE INDEX record_expires_at ON record(expires_at, key) WHERE expires_at IS NOT NULL;
CREATE TABLE index_entry(
    key BLOB PRIMARY KEY NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;
INSERT INTO meta(name, value) VALUES('format', 2), ('last_version', 0);
PRAGMA application_id = 0x4a4f494e;
PRAGMA user_version = 2;
)sql";

/// From format 1 to 2. Some versions of SQLite read the whole table to add a column to it.
inline constexpr const char* sqlite_upgrade = R"sql(
ALTER TABLE record ADD COLUMN index_terms BLOB;
DROP INDEX IF EXISTS record_expires_at;
CREATE INDEX record_expires_at ON record(expires_at, key) WHERE expires_at IS NOT NULL;
CREATE TABLE index_entry(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
UPDATE meta SET value = 2 WHERE name = 'format';
PRAGMA user_version = 2;
)sql";

enum class SqliteState { empty, first_format, current };

/// What the database is. `incompatible` when it is none of ours, or newer than this library.
[[nodiscard]] inline Result<SqliteState> sqlite_state(SqliteConnection& connection, const std::string& path) {
    SQLite::Statement row{
        connection.database(),
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM sqlite_schema),"
        " (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('record', 'meta', 'index_entry')),"
        " (SELECT count(*) FROM pragma_table_info('record') WHERE name = 'index_terms')"};
    row.executeStep();
    const int application = row.getColumn(0).getInt();
    const int format = row.getColumn(1).getInt();
    if (application == 0 && format == 0 && row.getColumn(2).getInt() == 0) return SqliteState::empty;
    if (application != sqlite_application_id) {
        return failure(Errc::incompatible, path + " is an SQLite database of something else (application_id " +
                                               std::to_string(application) + "): it was left as it is");
    }
    if (format < 1 || format > sqlite_format) {
        return failure(Errc::incompatible, path + " has format version " + std::to_string(format) + "; this library knows 1 to " +
                                               std::to_string(sqlite_format));
    }
    if (row.getColumn(3).getInt() != (format > 1 ? 3 : 2))
        return failure(Errc::corrupt, path + " lacks the table record, index_entry or meta");
    const bool has_index_terms = row.getColumn(4).getInt() != 0;
    if (has_index_terms != (format > 1))
        return failure(Errc::corrupt, path + ": the table record is not that of format " + std::to_string(format));
    return format == sqlite_format ? SqliteState::current : SqliteState::first_format;
}

/// Makes the tables, or brings them to the newest format, in one transaction. Another process may be doing the same at this
/// moment: whoever gets the write lock second finds it done.
[[nodiscard]] inline Status sqlite_make_current(SqliteConnection& connection, const std::string& path, SqliteState found) {
    const SqliteRollbackAtEnd unless_committed{connection};
    connection.run(SqliteSql::begin_write);
    const Result<SqliteState> now = sqlite_state(connection, path);
    if (!now) return failure(now.error());
    if (*now == SqliteState::current) return {};
    if (*now != found) return failure(Errc::busy, path + " is just being made by an older version of the library");
    connection.database().exec(found == SqliteState::empty ? sqlite_schema : sqlite_upgrade);
    connection.run(SqliteSql::commit);
    return {};
}

/// Nobody else may have the database open for writing meanwhile: an older version of the library would go on writing rows as it
/// knows them.
[[nodiscard]] inline Status sqlite_upgrade_alone(SqliteConnection& connection, const std::string& path) {
    SqliteWriterLock lock{path};
    Status alone = lock.claim(std::chrono::milliseconds{0});
    if (alone) return sqlite_make_current(connection, path, SqliteState::first_format);
    if (alone.error() != Errc::busy) return alone;
    return failure(Errc::busy, path +
                                   " has format 1, and cannot be upgraded while another store, in this process or another, has "
                                   "it open for writing");
}

/// Settles how the connection writes: a write-ahead log, synced as the options say.
[[nodiscard]] inline Status sqlite_prepare_writing(SqliteConnection& connection, const SqliteOptions& options) {
    if (sqlite3_db_readonly(connection.handle(), "main") == 1)
        return failure(Errc::read_only, options.path + " cannot be written: set read_only, or the file's permissions");
    // With a log that it may only read SQLite opens the database all the same, and refuses each write. Symbolic links are followed.
    const std::string file{sqlite3_db_filename(connection.handle(), "main")};
    for (const char* const log : {"-wal", "-shm"}) {
        if (sqlite_may_not_write(file + log)) {
            return failure(Errc::read_only, file + log +
                                                " cannot be written, and every write goes through it: another user has made it "
                                                "by opening the database, if only to read; give it to this one, or set read_only");
        }
    }
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
    const Result<SqliteState> found = sqlite_state(connection, options.path);
    if (!found) {
        if (log_is_there) connection.forbid_checkpoint_on_close();
        return failure(found.error());
    }
    const bool empty = *found == SqliteState::empty;
    if (empty && !may_create) return failure(Errc::incompatible, options.path + " is empty: there is no database to read");
    if (options.read_only) {
        connection.expect_first_format(*found == SqliteState::first_format);
    } else {
        if (Status ready = sqlite_prepare_writing(connection, options); !ready) return ready;
        if (log_is_there && options.sync == Sync::power_loss) sqlite_sync_log(connection);  // before anybody is shown what it holds
        if (*found != SqliteState::current) {
            Status made =
                empty ? sqlite_make_current(connection, options.path, *found) : sqlite_upgrade_alone(connection, options.path);
            if (!made) return made;
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
