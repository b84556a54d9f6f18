#ifndef JOINLY_DETAIL_SQLITE_BACKUP_HPP
#define JOINLY_DETAIL_SQLITE_BACKUP_HPP
// Copying a database while it is in use. Copying the files instead loses what is in the log: SQLite itself makes the copy.

#include <joinly/backend/concepts.hpp>
#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/examine.hpp>
#include <joinly/detail/sqlite/files.hpp>
#include <joinly/detail/sqlite/open.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A copy of the pages of `source`, as they are in the read transaction that it is in; a few at a time.
class SqlitePageCopy {
public:
    SqlitePageCopy(const std::string& path, SqliteConnection& source)
        : file_{path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX} {
        // Nobody knows the copy yet: what a crash leaves of it is of no use to anybody.
        file_.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
        backup_.reset(sqlite3_backup_init(file_.getHandle(), "main", source.handle(), "main"));
        if (!backup_) throw SQLite::Exception{file_.getHandle()};
    }

    /// @return whether there is more. After a few MiB the disk takes what was written: an fsync of somebody else's would have to
    /// wait for all of it otherwise.
    [[nodiscard]] bool step() {
        constexpr int pages_at_once = 256;
        const int code = sqlite3_backup_step(backup_.get(), pages_at_once);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            throw SQLite::Exception{"copying pages: " + std::string{sqlite3_errstr(code)}, code};
        sqlite3_file* file = nullptr;
        if (sqlite3_file_control(file_.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file &&
            file->pMethods) {
            if (const int synced = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL); synced != SQLITE_OK)
                throw SQLite::Exception{"syncing the copy: " + std::string{sqlite3_errstr(synced)}, synced};
        }
        return code == SQLITE_OK;
    }

private:
    struct Finish {
        void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
    };
    SQLite::Database file_;
    std::unique_ptr<sqlite3_backup, Finish> backup_;
};

/// Copies into a file beside `target`, checks the copy, syncs it, and only then gives it its name.
class SqliteBackup {
public:
    explicit SqliteBackup(std::string target)
        : target_{std::move(target)},
          partial_{target_ + ".partial-" + random_name()},
          left_overs_{sqlite_path(partial_), sqlite_path(partial_ + "-wal"), sqlite_path(partial_ + "-shm")} {}
    SqliteBackup(const SqliteBackup&) = delete;
    SqliteBackup& operator=(const SqliteBackup&) = delete;
    ~SqliteBackup() {
        std::error_code ignored;
        for (const auto& path : left_overs_) std::filesystem::remove(path, ignored);
    }

    /// Nothing may be at the target, nor a log that SQLite would take for the copy's own.
    [[nodiscard]] Status validate() const {
        for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
            if (sqlite_file_exists(target_ + ending))
                return failure(Errc::invalid_argument, target_ + ending + " is there already: a backup replaces nothing");
        }
        return sqlite_place(target_, true);
    }

    /// Copies the pages of one moment, and shows and checks the records of the same moment on the way. Not by VACUUM INTO: that
    /// tells nobody what it has copied, and cannot be stopped. What fails here is taken for the target's fault: the next read
    /// will tell if it was the source's.
    [[nodiscard]] Status copy_from(SqliteConnection& source, ScanVisitor visit) const {
        const SqliteRollbackAtEnd at_end{source};
        return sqlite_attempt(target_, [&] { return copy_pages_and_look(source, visit); });
    }

    /// The copy's header says, as the original's does, that there is a log, which a file to be kept has no use for.
    /// @return the newest version that the copy has allocated.
    [[nodiscard]] Result<Version> verify_copy(ScanVisitor visit) const {
        SqliteOptions options;
        options.path = partial_;
        return sqlite_attempt(partial_, [&]() -> Result<Version> {
            SqliteConnection copy{options, SQLite::OPEN_READWRITE, options.busy_timeout};
            copy.database().exec("PRAGMA synchronous = OFF");  // it is synced as a whole
            const std::string mode = copy.database().execAndGet("PRAGMA journal_mode = DELETE").getString();
            if (mode != "delete") return failure(Errc::io, partial_ + ": the journal mode stays '" + mode + '\'');
            const Result<SqliteState> state = sqlite_state(copy, partial_);
            if (!state) return failure(state.error());
            copy.expect_first_format(*state == SqliteState::first_format);
            Status flaw;
            const Status examined = sqlite_examine(copy, partial_, visit, [&](std::string_view, const Error& error) {
                flaw = failure(error);
                return false;
            });
            if (!flaw) return failure(flaw.error());
            if (!examined) return failure(examined.error());
            return sqlite_last_version(copy);
        });
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
    [[nodiscard]] Status copy_pages_and_look(SqliteConnection& source, ScanVisitor visit) const {
        constexpr int records_a_step = 4096;  // about as many as there are in the pages of a step
        source.run(SqliteSql::begin_read);
        SqliteTableScan scan{source};
        if (auto made = create_like(sqlite3_db_filename(source.handle(), "main"), partial_); !made) return made;
        SqlitePageCopy copy{partial_, source};
        bool more_records = true;
        for (bool more_pages = true; more_pages || more_records;) {
            for (int i = 0; more_records && i < records_a_step; ++i) {
                const Result<bool> more = scan.next();
                if (!more) return failure(more.error());
                more_records = *more;
                if (more_records && !visit(scan.key(), scan.record())) return failure(Errc::cancelled);
            }
            if (more_pages) more_pages = copy.step();
        }
        return {};
    }

    [[nodiscard]] static std::string random_name() {
        std::uint64_t number = 0;
        sqlite3_randomness(sizeof number, &number);
        return std::to_string(number);
    }

    std::string target_;
    std::string partial_;
    std::array<std::filesystem::path, 3> left_overs_;  // at hand, for there may be no memory to name them at the end
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
