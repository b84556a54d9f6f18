#ifndef JOINLY_DETAIL_SQLITE_BACKUP_HPP
#define JOINLY_DETAIL_SQLITE_BACKUP_HPP
// Checking a database from end to end, and copying it while it is in use. Copying the files instead loses what is in the
// log: SQLite itself makes the copy.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/files.hpp>
#include <joinly/detail/sqlite/index.hpp>
#include <joinly/detail/sqlite/open.hpp>
#include <joinly/detail/sqlite/scan.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// SQLite's own check of its pages and indexes, then every record's checksum and index entries, in one read transaction.
[[nodiscard]] inline Status sqlite_verify(SqliteConnection& connection, const std::string& path) {
    const SqliteRollbackAtEnd at_end{connection};
    connection.run(SqliteSql::begin_read);
    const std::string found = connection.database().execAndGet("PRAGMA integrity_check(1)").getString();
    if (found != "ok") return failure(Errc::corrupt, path + ": " + found);
    const Result<Version> last = sqlite_last_version(connection);
    if (!last) return failure(last.error());

    SqliteScan scan{connection, KeyRange{}};
    for (;;) {
        const Result<bool> more = scan.next();
        if (!more) return failure(more.error());
        if (!*more) return {};
        if (scan.record().version > *last) {
            return failure(Errc::corrupt, "key '" + printable(scan.key()) + "' is at version " +
                                              std::to_string(scan.record().version) + ", above the last one, " +
                                              std::to_string(*last));
        }
        if (Status indexed = sqlite_verify_index(connection, scan.key(), scan.record()); !indexed) return indexed;
    }
}

/// Copies into a file beside `target`, checks the copy, syncs it, and only then gives it its name.
class SqliteBackup {
public:
    explicit SqliteBackup(std::string target) : target_{std::move(target)}, partial_{target_ + ".partial-" + random_name()} {}
    SqliteBackup(const SqliteBackup&) = delete;
    SqliteBackup& operator=(const SqliteBackup&) = delete;
    ~SqliteBackup() {
        std::error_code ignored;
        std::filesystem::remove(sqlite_path(partial_), ignored);
    }

    /// Nothing may be at the target, nor a log that SQLite would take for the copy's own.
    [[nodiscard]] Status validate() const {
        for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
            if (sqlite_file_exists(target_ + ending))
                return failure(Errc::invalid_argument, target_ + ending + " is there already: a backup replaces nothing");
        }
        return sqlite_place(target_, true);
    }

    /// What fails here is taken for the target's fault: the next read will tell if it was the source's.
    [[nodiscard]] Status copy_from(SqliteConnection& source) const {
        return sqlite_attempt(target_, [&]() -> Status {
            SQLite::Statement copy{source.database(), "VACUUM INTO ?1"};
            copy.bind(1, partial_);
            copy.exec();
            return {};
        });
    }

    [[nodiscard]] Status verify_copy() const {
        SqliteOptions options;
        options.path = partial_;
        options.read_only = true;
        const auto copy = sqlite_open(options, false);
        if (!copy) return failure(copy.error());
        return sqlite_attempt(partial_, [&] { return sqlite_verify(**copy, partial_); });
    }

    [[nodiscard]] Status publish() const {
        const std::filesystem::path target = sqlite_path(target_);
        if (Status synced = sqlite_sync(sqlite_path(partial_)); !synced) return synced;
        std::error_code error;
        std::filesystem::rename(sqlite_path(partial_), target, error);
        if (error) return failure(Errc::io, target_ + ": " + error.message());
        Status named = sqlite_sync(target.parent_path());
        if (!named) std::filesystem::remove(target, error);  // a name that a power cut may take back
        return named;
    }

private:
    [[nodiscard]] static std::string random_name() {
        std::uint64_t number = 0;
        sqlite3_randomness(sizeof number, &number);
        return std::to_string(number);
    }

    std::string target_;
    std::string partial_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
