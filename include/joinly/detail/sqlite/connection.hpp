#ifndef JOINLY_DETAIL_SQLITE_CONNECTION_HPP
#define JOINLY_DETAIL_SQLITE_CONNECTION_HPP
// One connection with its kept statements: a kept statement costs 1.5 us, a fresh one 7. For one thread at a time. These
// functions throw SQLite::Exception; sqlite_attempt turns that into an Error.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/checksum.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/kept_statement.hpp>
#include <joinly/detail/sqlite/own_records.hpp>
#include <joinly/detail/sqlite/texts.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline int sqlite_milliseconds(std::chrono::milliseconds time) noexcept {
    return static_cast<int>(std::clamp<std::int64_t>(time.count(), 0, (std::numeric_limits<int>::max)()));
}

/// A bare connection. The schema stays trusted, as it is by default: to SQLite 3.40 the functions for Json are no innocuous
/// ones, and an index on `value ->> 'name'` would make the whole schema unreadable.
[[nodiscard]] inline SQLite::Database sqlite_connect(const SqliteOptions& options, int flags,
                                                     std::chrono::milliseconds busy_timeout) {
    SQLite::Database database{options.path, flags | SQLite::OPEN_NOMUTEX, sqlite_milliseconds(busy_timeout)};
    sqlite3_extended_result_codes(database.getHandle(), 1);
    sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    const std::size_t kib = (std::min)(options.page_cache_bytes / 1024 + 1, std::size_t{(std::numeric_limits<int>::max)()});
    database.exec("PRAGMA cache_size = -" + std::to_string(kib));
    database.exec("PRAGMA cell_size_check = ON");
    return database;
}

class SqliteConnection {
public:
    SqliteConnection(const SqliteOptions& options, int flags, std::chrono::milliseconds busy_timeout)
        : database_{sqlite_connect(options, flags, busy_timeout)} {
        sqlite3_wal_hook(handle(), &note_log_pages, &log_pages_);  // replaces SQLite's own checkpoints
    }
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    [[nodiscard]] SQLite::Database& database() noexcept { return database_; }
    [[nodiscard]] sqlite3* handle() const noexcept { return database_.getHandle(); }

    /// Prepared at its first use.
    [[nodiscard]] sqlite3_stmt* statement(SqliteSql which) {
        const SqliteStatement& kept = statements_[static_cast<std::size_t>(which)];
        return kept ? kept.get() : prepare(which);
    }
    [[nodiscard]] SqliteQuery query(SqliteSql which) { return SqliteQuery{statement(which), handle()}; }
    void run(SqliteSql which) { query(which).next(); }

    /// For reading a database that was of the first format when it was opened; to be said before anything is read.
    void expect_first_format(bool expected) noexcept { first_format_ = expected; }
    [[nodiscard]] bool expects_first_format() const noexcept { return first_format_; }
    /// Whether there is a table of them. A database of the first format has none until somebody upgrades it.
    [[nodiscard]] bool has_index_entries() {
        return !first_format_ ||
               database_.execAndGet("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'index_entry'").getInt() !=
                   0;
    }

    [[nodiscard]] SqliteOwnRecords& own_records() noexcept { return own_records_; }

    [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle()) == 0; }
    /// @return false when the transaction could not be undone: the connection must go.
    bool try_rollback() noexcept { return !in_transaction() || database_.tryExec("ROLLBACK") == SQLITE_OK; }

    /// Pages in the write-ahead log after this connection's newest commit, 0 after a checkpoint.
    [[nodiscard]] int log_pages() const noexcept { return log_pages_; }
    void checkpoint(int mode) {
        const int code = sqlite3_wal_checkpoint_v2(handle(), nullptr, mode, nullptr, nullptr);
        if (code != SQLITE_OK) throw SQLite::Exception(handle(), code);
        log_pages_ = 0;
    }
    /// Closing the last connection of a database writes its log back, unless told not to.
    void forbid_checkpoint_on_close() noexcept { sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

private:
    sqlite3_stmt* prepare(SqliteSql which) {
        const std::string text = sqlite_texts[static_cast<std::size_t>(which)];
        sqlite3_stmt* made = nullptr;
        const int code = sqlite3_prepare_v3(handle(), (first_format_ ? sqlite_text_for_first_format(text) : text).c_str(), -1,
                                            SQLITE_PREPARE_PERSISTENT, &made, nullptr);
        SqliteStatement& kept = statements_[static_cast<std::size_t>(which)];
        kept.reset(made);
        if (code != SQLITE_OK) throw SQLite::Exception{handle(), code};
        return made;
    }

    static int note_log_pages(void* log_pages, sqlite3*, const char*, int pages) {
        *static_cast<int*>(log_pages) = pages;
        return SQLITE_OK;
    }

    SQLite::Database database_;  // before the statements, which must go first
    std::array<SqliteStatement, sqlite_texts.size()> statements_;
    SqliteOwnRecords own_records_;
    int log_pages_ = 0;
    bool first_format_ = false;
};

/// Undoes at its end whatever transaction the connection is in.
class SqliteRollbackAtEnd {
public:
    explicit SqliteRollbackAtEnd(SqliteConnection& connection) noexcept : connection_{connection} {}
    ~SqliteRollbackAtEnd() { connection_.try_rollback(); }
    SqliteRollbackAtEnd(const SqliteRollbackAtEnd&) = delete;
    SqliteRollbackAtEnd& operator=(const SqliteRollbackAtEnd&) = delete;

private:
    SqliteConnection& connection_;
};

/// The write-ahead log's file, once the connection has read from it; else null.
[[nodiscard]] inline sqlite3_file* sqlite_log(SqliteConnection& connection) noexcept {
    sqlite3_file* log = nullptr;
    sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    return log != nullptr && log->pMethods != nullptr ? log : nullptr;
}

/// A process that was killed between a commit and its fsync leaves a log which every reader believes and the disk need not have.
inline void sqlite_sync_log(SqliteConnection& connection) {
    sqlite3_file* const log = sqlite_log(connection);
    if (log == nullptr) return;
    const int code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    if (code == SQLITE_OK) return;
    connection.forbid_checkpoint_on_close();
    throw SQLite::Exception{"syncing the write-ahead log", code};
}

/// Writes the log's bytes once more, the same ones, and syncs them. After a failed fsync the operating system may hold pages
/// for written that the disk never got: only bytes that are written again are sure to be synced. The write lock keeps others,
/// this process's and other processes' connections, from adding to the log meanwhile.
inline void sqlite_rewrite_log(SqliteConnection& connection) {
    const SqliteRollbackAtEnd at_end{connection};
    connection.run(SqliteSql::begin_write);
    sqlite3_file* const log = sqlite_log(connection);
    if (log == nullptr) return;
    const auto must = [&](int code) {
        if (code != SQLITE_OK) throw SQLite::Exception{"rewriting the write-ahead log", code};
    };
    sqlite3_int64 bytes = 0;
    must(log->pMethods->xFileSize(log, &bytes));
    std::array<char, 1 << 16> part;
    for (sqlite3_int64 at = 0; at < bytes;) {
        const int size = static_cast<int>((std::min)(bytes - at, static_cast<sqlite3_int64>(part.size())));
        must(log->pMethods->xRead(log, part.data(), size, at));
        must(log->pMethods->xWrite(log, part.data(), size, at));
        at += size;
    }
    must(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
}

/// The record, or the index entry, in the current row; `corrupt`, naming the key, when a record's checksum says that it is not
/// what was written. Entries have no checksum: what one says is checked against the record that it leads to.
[[nodiscard]] inline Result<RecordView> sqlite_record(const SqliteQuery& row, std::string_view key) {
    RecordView record{row.bytes(0), static_cast<Version>(row.number(1)), Expiry{}, row.bytes(5)};
    if (is_index_entry(key)) return record;
    if (!row.is_null(2)) record.expires_at = Expiry{WallTime{std::chrono::milliseconds{row.number(2)}}};
    if (row.number(3) != record_checksum(key, record.value, record.version, record.expires_at, record.index_terms))
        return failure(Errc::corrupt, "the record of key '" + printable(key) + "' does not match its checksum");
    return record;
}

[[nodiscard]] inline Result<Record> sqlite_read(SqliteConnection& connection, std::string_view key) {
    if (is_index_entry(key) && !connection.has_index_entries()) return failure(Errc::not_found);
    SqliteQuery row = connection.query(is_index_entry(key) ? SqliteSql::read_entry : SqliteSql::read_record);
    row.set_bytes(1, key);
    if (!row.next()) return failure(Errc::not_found);
    const Result<RecordView> record = sqlite_record(row, key);
    if (!record) return failure(record.error());
    return Record{std::string{record->value}, record->version, record->expires_at};
}

/// What secondary indexes know the record of `key` by; nothing where there is none.
[[nodiscard]] inline std::string sqlite_index_terms(SqliteConnection& connection, std::string_view key) {
    SqliteQuery row = connection.query(SqliteSql::read_index_terms);
    row.set_bytes(1, key);
    return row.next() ? std::string{row.bytes(0)} : std::string{};
}

[[nodiscard]] inline Result<Version> sqlite_last_version(SqliteConnection& connection) {
    SqliteQuery row = connection.query(SqliteSql::last_version);
    if (!row.next() || row.number(0) < 0) return failure(Errc::corrupt, "the table meta has no valid row last_version");
    return static_cast<Version>(row.number(0));
}

/// A number that differs from what this connection was told before if another connection has committed since, and only then.
[[nodiscard]] inline std::int64_t sqlite_data_version(SqliteConnection& connection) {
    SqliteQuery row = connection.query(SqliteSql::data_version);
    row.next();
    return row.number(0);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
