#ifndef JOINLY_BACKEND_SQLITE_HPP
#define JOINLY_BACKEND_SQLITE_HPP
// SqliteBackend: records in one SQLite database file, the default for keeps. Any SQLite tool reads it; the table is described
// in backend/README.md. Several processes may have the same file open, and each sees the others' commits.
//
// Any thread may call anything. Reads run beside each other and beside a write; concurrent writes share one transaction and
// one fsync.
//
// Never copy, open, read or close a live database file by other means than SQLite: in the same process that drops SQLite's
// locks, and a copy lacks what is in the log. backup_to() makes copies. A child after fork() must not use its parent's backend.

#include <joinly/backend/concepts.hpp>
#include <joinly/backend/sqlite_options.hpp>
#include <joinly/backend/sqlite_query.hpp>
#include <joinly/backend/sqlite_salvage.hpp>
#include <joinly/backend/sqlite_views.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/backup.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/engine.hpp>
#include <joinly/detail/sqlite/examine.hpp>
#include <joinly/detail/sqlite/exchange.hpp>
#include <joinly/detail/sqlite/files.hpp>
#include <joinly/detail/sqlite/index.hpp>
#include <joinly/detail/sqlite/query.hpp>
#include <joinly/detail/sqlite/salvage.hpp>
#include <joinly/detail/sqlite/scan.hpp>
#include <joinly/detail/sqlite/views.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// Keeps records in an SQLite database. The contract is that of `storage_backend`; errors that any call may give besides:
///
/// - `busy`: another process held a lock for longer than the busy timeout; nothing changed;
/// - `io`: the disk failed. What the failed call was to write may or may not be there: read it. The next call reopens the
///   database; until that works, and until reads that are under way have ended, every call gives `io`. A write and a
///   transaction always try; of reads after an attempt that failed only one now and then, 10 ms later at first and a second later
///   at most;
/// - `corrupt`: a record does not match its checksum, or the file's structure is damaged;
/// - `full`: no room on the disk, or no memory; nothing changed.
class SqliteBackend {
public:
    using Options = SqliteOptions;
    static constexpr std::string_view engine_name = "sqlite";

    /// Opens the database, or makes one where nothing is. What is there and is not ours is left as it is. One of an older format
    /// is upgraded first, in one transaction that may read all of it; read_only leaves it as it is, and reads it all the same.
    ///
    /// @return otherwise:
    ///         invalid_argument  the path is empty, ":memory:", a directory or no regular file;
    ///         not_found         there is nothing to open read-only;
    ///         io                the directory does not exist, or the operating system refused;
    ///         incompatible      not a database, a database of something else, or of a newer format;
    ///         corrupt           damaged, or a log without its database;
    ///         read_only         the file, its directory, or a log that another user has left there cannot be written;
    ///         busy              another process kept it locked throughout the busy timeout, or somebody has claimed
    ///                           to be its sole writer: a store under write-behind, here or in another process. Or it is
    ///                           to be upgraded, and somebody else has it open for writing;
    ///         unsupported       the file system allows no write-ahead log.
    [[nodiscard]] static Result<SqliteBackend> open(const SqliteOptions& options) {
        auto engine = detail::SqliteEngine::open(options);
        if (!engine) return failure(std::move(engine).error());
        return SqliteBackend{std::move(*engine)};
    }

    /// Makes a new database at `to`, where nothing may be yet, of every record that can be read of the damaged one that `from`
    /// names, which is left as it is: a copy of its files is read, in a directory `<to>.salvage-*` that is removed afterwards; that
    /// of one which was killed the next salvage to `to` removes. A page that cannot be read costs the records in it; a record that
    /// does not match its checksum is left out. Index entries are made anew; versions go on above all that were read. What a
    /// program has added of its own is not in it. Nobody may have `from` open. Those can read what is at `to` who can read `from`.
    ///
    /// @return what was saved and what was not. Otherwise nothing is at `to`:
    ///         corrupt           not even the schema can be read: only a backup helps;
    ///         busy              somebody has it open;
    ///         cancelled         `on_progress` said so;
    ///         not_found, invalid_argument, incompatible, full, io.
    [[nodiscard]] static Result<SqliteSalvage> salvage(const SqliteOptions& from, const std::string& to,
                                                       const SqliteSalvageOptions& options = {}) {
        return detail::sqlite_salvage<SqliteBackend>(from, to, options);
    }

    /// Exchanges the database at `path`, if one is there, for the one at `other`, which is closed and lies on the same file system:
    /// for joinly::restore. Both are absolute. `busy`: somebody has the one at `path` open; nothing has changed then.
    [[nodiscard]] static Status exchange(const std::string& path, const std::string& other) {
        return detail::sqlite_exchange(path, other);
    }

    [[nodiscard]] Result<Record> read(std::string_view key) {
        return engine_->with_reader([&](auto& connection) { return detail::sqlite_read(connection, key); });
    }

    /// All keys are read in one transaction. A damaged record is `corrupt` for its own key only.
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) {
        auto reader = engine_->reader();
        if (!reader) return failure(std::move(reader).error());
        const detail::SqliteRollbackAtEnd at_end{**reader};
        const Status begun = engine_->attempt([&]() -> Status {
            (*reader)->run(detail::SqliteSql::begin_read);
            return {};
        });
        if (!begun) return begun;
        for (std::size_t position = 0; position < keys.size(); ++position) {
            auto record = engine_->attempt([&] { return detail::sqlite_read(**reader, keys[position]); });
            if (!record && record.error() != Errc::not_found && record.error() != Errc::corrupt)
                return failure(std::move(record).error());
            sink(position, std::move(record));
        }
        return {};
    }

    /// @return the batch's version. Otherwise nothing changed, but see `io` above:
    ///         conflict          a requirement does not hold, `batch.version` is not above the last one, or
    ///                           `batch.after` is not the last one;
    ///         invalid_argument  an empty key, a record too large for SQLite (1 GB), a version beyond 63 bits, a
    ///                           change's version above the batch's, or a constraint of the program's own (see
    ///                           execute()) is violated; the message has SQLite's words;
    ///         read_only         the database was opened for reading.
    /// @par Complexity  O(log n) a change, and one fsync for all the writes that wait at that moment.
    [[nodiscard]] Result<Version> write(const Batch& batch) { return engine_->write(batch); }

    /// An index range scan on a connection of its own. While it runs the log cannot be written back and grows with every
    /// write, so a visitor should not dawdle.
    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) {
        auto reader = engine_->reader();
        if (!reader) return failure(std::move(reader).error());
        detail::SqliteScan rows{**reader, range};
        return visit_each([&] { return rows.next(); }, [&] { return visit(rows.key(), rows.record()); });
    }

    /// As scan, and one look-up for each entry.
    /// @return `corrupt`, naming the entry, when a key of the range is none, or its record is missing or lacks its term.
    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) {
        auto reader = engine_->reader();
        if (!reader) return failure(std::move(reader).error());
        detail::SqliteEntries entries{**reader, range};
        return visit_each([&] { return entries.next(); },
                          [&] { return visit(entries.key(), entries.record_key(), entries.record()); });
    }

    /// Keys of the library's own are left out; of records that expire at the same moment those with the lower keys come first.
    /// What is told is not checked for damage: a batch that requires the version that is told will find it.
    /// @par Complexity  An index range scan of up to `limit` steps.
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) {
        using Expired = Result<std::vector<ExpiredRecord>>;
        return engine_->with_reader([&](auto& connection) { return Expired{detail::sqlite_expired(connection, now, limit)}; });
    }

    [[nodiscard]] Result<Version> last_version() {
        return engine_->with_reader([](auto& connection) { return detail::sqlite_last_version(connection); },
                                    detail::ReopenFor::write);
    }

    /// The file and its log and the log's index, in bytes; none of them is opened.
    [[nodiscard]] Result<std::uint64_t> size_on_disk() const { return detail::sum_of_parts(size_by_part()); }

    /// "database", and beside it "wal", the write-ahead log, and "shm", the index of that.
    [[nodiscard]] Result<std::vector<StoragePart>> size_by_part() const {
        const std::string& path = engine_->options().path;
        if (!detail::sqlite_file_exists(path)) return failure(Errc::io, path + " is gone");
        return std::vector<StoragePart>{{"database", detail::sqlite_file_bytes(path)},
                                        {"wal", detail::sqlite_file_bytes(path + "-wal")},
                                        {"shm", detail::sqlite_file_bytes(path + "-shm")}};
    }

    /// Copies the database, as of one moment, to a file that does not exist yet, while others write; the copy is checked
    /// and synced before it gets its name. It is an ordinary database, page for page, without a log beside it: what a program has
    /// added of its own is in it. While it runs the log of the original cannot be written back and grows with every write.
    /// A crash half-way leaves `path.partial-*` behind.
    ///
    /// @return otherwise nothing is at `path`: `invalid_argument` when it, or a log of that name, is there already; `corrupt` when
    ///         a record of the original is damaged.
    /// @par Complexity  Reads the database twice and the copy twice, in the order of the disk.
    [[nodiscard]] Result<Version> backup_to(const std::string& path, const CopyWatch& watch) {
        auto target = detail::sqlite_absolute(path);
        if (!target) return failure(std::move(target).error());
        const detail::SqliteBackup backup{std::move(*target)};
        if (Status free = backup.validate(); !free) return failure(std::move(free).error());
        const Status copied = engine_->with_reader([&](auto& connection) { return backup.copy_from(connection, watch.copied); });
        if (!copied) return failure(copied.error());
        const Result<Version> version = backup.verify_copy(watch.read_back);
        if (!version) return version;
        if (Status published = backup.publish(); !published) return failure(std::move(published).error());
        return version;
    }
    [[nodiscard]] Status backup_to(const std::string& path) {
        const auto look = [](std::string_view, const RecordView&) { return true; };
        return backup_to(path, {look, look}).map([](Version) {});
    }

    /// SQLite's own check, every record's checksum, and whether index entries and records agree; the first damage found is
    /// `corrupt`, and names the key.
    /// @par Complexity  Reads the whole database, beside other calls.
    [[nodiscard]] Status verify_integrity() {
        return engine_->with_reader([&](auto& connection) { return detail::sqlite_verify(connection, engine_->options().path); });
    }

    /// As above in a fraction of the time, in the order of the disk; `visit` sees each sound record, and `on_flaw` each that is
    /// not. Of what a program has added of its own only the pages are checked; of a difference between an index and the table it
    /// tells only that there is one.
    [[nodiscard]] Status examine(ScanVisitor visit, FlawVisitor on_flaw) {
        return engine_->with_reader(
            [&](auto& connection) { return detail::sqlite_examine(connection, engine_->options().path, visit, on_flaw); });
    }

    /// Gives the space of erased records back, and erased bytes with it: they stay in the file and its log until then.
    /// @return `busy` when a scan kept the log in use for longer than the busy timeout; the file is compact, the log not yet
    ///         written back.
    /// @par Complexity  Rewrites the whole database, which needs its size again on the disk; other writers wait.
    [[nodiscard]] Status compact() {
        return engine_->with_writer([](auto& connection) -> Status {
            connection.database().exec("VACUUM");
            connection.checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
            return {};
        });
    }

    /// From now until this backend is destroyed nobody else can open the database for writing, in this process or another;
    /// to open it read-only, and database() and backup_to(), go on as before. Programs that write to it past this library are
    /// not kept off.
    ///
    /// @return `busy` when somebody else had it open for writing throughout the busy timeout; `read_only` when this backend
    ///         may not write, or cannot make the file `path-lock`.
    [[nodiscard]] Status claim_sole_writer() { return engine_->claim_sole_writer(); }

    /// A number that changes when another connection has committed since it was last asked for: another process, another
    /// backend in this one, or SQL of somebody else's. This backend's own writes do not change it; to reopen after an
    /// I/O error does.
    ///
    /// @return `busy` when it cannot be told at this moment: a write of this backend's has just committed, and another one
    ///         waits already or the log is being written back. Ask again.
    /// @par Complexity  About 1.3 us, and from the first call on as much for each write transaction. Waits for no write.
    [[nodiscard]] Result<std::uint64_t> foreign_commits() { return engine_->foreign_commits(); }

    /// Runs one SQL statement that reads, and may be what an administrator has typed: it can change nothing, touch no other file,
    /// and takes hardly longer and little more memory than the options say: at worst about twice, a large sort aside. It sees what
    /// is committed, as of one moment, and runs beside writes; under write-behind, what has been flushed. It checks no checksums.
    /// See "SQL" in backend/README.md.
    ///
    /// @return otherwise, besides what any call may give:
    ///         invalid_argument  SQLite does not take the statement, with its words; it does more than read, or there are
    ///                           two; the arguments are not as many as its parameters; a value is too long (see QueryOptions);
    ///         timed_out         after the options' timeout;
    ///         full              it, or the rows, took more memory than the options allow, or its program is too large.
    /// @par Complexity  The statement's own, and some tenths of a millisecond for a connection.
    template <class... Argument>
    [[nodiscard]] Result<SqlRows> query(const QueryOptions& options, std::string_view sql, const Argument&... arguments) {
        return detail::sqlite_collect(options, [&](SqlVisitor visit) { return run_query(sql, {arguments...}, visit, options); });
    }
    /// As above, with options of which none is set: a second, and 10,000 rows.
    template <class... Argument>
    [[nodiscard]] Result<SqlRows> query(std::string_view sql, const Argument&... arguments) {
        return query(QueryOptions{}, sql, arguments...);
    }
    /// As above, for results of any length: a row at a time, and `max_rows` does not count. While it runs the log cannot be
    /// written back, so a visitor should not dawdle.
    [[nodiscard]] Status query(std::string_view sql, std::initializer_list<SqlArgument> arguments, SqlVisitor visit,
                               const QueryOptions& options = {}) {
        auto columns = run_query(sql, arguments, visit, options);
        if (!columns) return failure(std::move(columns).error());
        return {};
    }

    /// Makes these views, or replaces those that it made with other columns, all in one transaction: for create_views() in
    /// joinly/ops/sql_views.hpp, which says more.
    [[nodiscard]] Status create_views(std::span<const SqlView> views) {
        for (const SqlView& view : views) {
            if (Status valid = detail::sqlite_validate_view(view); !valid) return valid;
        }
        const auto current =
            engine_->with_reader([&](auto& connection) { return detail::sqlite_views_are_current(connection, views); });
        if (!current) return failure(current.error());
        if (*current) return {};
        return engine_->with_writer([&](auto& connection) -> Status {
            engine_->begin_write(connection);
            if (Status put = detail::sqlite_put_views(connection, views); !put) return put;
            connection.run(detail::SqliteSql::commit);
            return {};
        });
    }

    /// A new read-only connection of the caller's own, for SQL on the tables that backend/README.md describes. It is
    /// independent of the backend and may outlive it. Its functions throw SQLite::Exception, and it is for one thread at a
    /// time. A transaction or a statement left open on it keeps the log from being written back.
    [[nodiscard]] Result<SQLite::Database> database() {
        return engine_->with_reader([&](auto&) {
            return Result<SQLite::Database>{
                detail::sqlite_connect(engine_->options(), SQLite::OPEN_READONLY, engine_->options().busy_timeout)};
        });
    }

    /// Runs SQL statements in one write transaction, for views, indexes and tables of the program's own. It must not change
    /// the tables `record` and `meta`, nor begin or end a transaction. A unique index or a trigger that refuses a batch fails
    /// that batch alone, but costs the writes that shared its transaction an fsync each.
    ///
    /// @return otherwise nothing changed: `invalid_argument` when a constraint is violated, `io` for other errors in the SQL.
    [[nodiscard]] Status execute(const std::string& sql) {
        return engine_->with_writer([&](auto& connection) -> Status {
            engine_->begin_write(connection);
            connection.database().exec(sql);
            connection.run(detail::SqliteSql::commit);
            return {};
        });
    }

private:
    explicit SqliteBackend(std::unique_ptr<detail::SqliteEngine> engine) noexcept : engine_{std::move(engine)} {}

    /// Calls `visit` after each `next` that found something. It runs outside attempt: what the user's visitor throws travels on.
    template <class Next, class Visit>
    [[nodiscard]] Status visit_each(Next next, Visit visit) {
        for (;;) {
            const Result<bool> more = engine_->attempt(next);
            if (!more) return failure(more.error());
            if (!*more) return {};
            if (engine_->has_failed()) return failure(Errc::io, "the scan ended: an I/O error elsewhere closes the connection");
            if (!visit()) return {};
        }
    }

    [[nodiscard]] Result<std::shared_ptr<const SqlRow::Columns>> run_query(std::string_view sql,
                                                                           std::initializer_list<SqlArgument> arguments,
                                                                           SqlVisitor visit, const QueryOptions& options) {
        const auto attempt = [&](auto&& work) { return engine_->attempt(work); };
        return detail::sqlite_query([&] { return database(); }, attempt, sql, arguments, visit, options);
    }

    std::unique_ptr<detail::SqliteEngine> engine_;
};

JOINLY_NAMESPACE_END
#endif
