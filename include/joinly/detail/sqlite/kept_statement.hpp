#ifndef JOINLY_DETAIL_SQLITE_KEPT_STATEMENT_HPP
#define JOINLY_DETAIL_SQLITE_KEPT_STATEMENT_HPP
// A prepared statement that is used again and again. These functions throw SQLite::Exception; sqlite_attempt turns that into an
// Error.

#include <joinly/config.hpp>
#include <joinly/detail/sqlite/api.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Whether a read of `database` failed in the operating system. SQLite calls that a malformed database as well.
[[nodiscard]] inline bool sqlite_could_not_read(sqlite3* database) noexcept {
    for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
        sqlite3_file* file = nullptr;
        int error = 0;
        if (sqlite3_file_control(database, "main", which, &file) != SQLITE_OK || !file || !file->pMethods) continue;
        if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK && error != 0) return true;
    }
    return false;
}

struct SqliteFinalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
/// SQLite's own and not SQLiteCpp's: a column of that one's costs as much as reading it.
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteFinalize>;

/// A kept statement in use. It is reset at the end, whatever happened, so that an idle connection holds no lock. What is
/// bound must live as long; what is read lasts until the next step.
class SqliteQuery {
public:
    SqliteQuery(sqlite3_stmt* statement, sqlite3* database) noexcept : statement_{statement}, database_{database} {}
    ~SqliteQuery() { sqlite3_reset(statement_); }
    SqliteQuery(const SqliteQuery&) = delete;
    SqliteQuery& operator=(const SqliteQuery&) = delete;

    void set_bytes(int index, std::string_view bytes) {
        // A null pointer would bind NULL instead of an empty blob.
        must(sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
    }
    void set_text(int index, std::string_view text) {
        must(sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
    }
    void set_number(int index, std::int64_t number) { must(sqlite3_bind_int64(statement_, index, number)); }
    void set_null(int index) { must(sqlite3_bind_null(statement_, index)); }

    /// @return whether there is a row.
    bool next() {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW || code == SQLITE_DONE) return code == SQLITE_ROW;
        if ((code & 0xff) == SQLITE_CORRUPT && sqlite_could_not_read(database_))
            throw SQLite::Exception{"the operating system could not read the file", SQLITE_IOERR_CORRUPTFS};
        throw SQLite::Exception{database_, code};
    }

    [[nodiscard]] std::string_view bytes(int index) const {
        const void* const data = sqlite3_column_blob(statement_, index);  // null when empty
        return data ? std::string_view{static_cast<const char*>(data),
                                       static_cast<std::size_t>(sqlite3_column_bytes(statement_, index))}
                    : "";
    }
    [[nodiscard]] std::int64_t number(int index) const { return sqlite3_column_int64(statement_, index); }
    [[nodiscard]] bool is_null(int index) const { return sqlite3_column_type(statement_, index) == SQLITE_NULL; }

private:
    void must(int code) const {
        if (code != SQLITE_OK) throw SQLite::Exception{database_, code};
    }

    sqlite3_stmt* statement_;
    sqlite3* database_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
