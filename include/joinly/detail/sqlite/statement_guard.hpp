#ifndef JOINLY_DETAIL_SQLITE_STATEMENT_GUARD_HPP
#define JOINLY_DETAIL_SQLITE_STATEMENT_GUARD_HPP
// What SQLite asks while it compiles and runs a statement that somebody typed: may it do this, and may it go on.

#include <joinly/config.hpp>
#include <joinly/detail/sqlite/api.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class SqliteStatementGuard {
public:
    SqliteStatementGuard(std::chrono::milliseconds timeout, std::size_t max_memory_bytes) noexcept
        : timeout_{std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds{0}, std::chrono::hours{24 * 365})},
          deadline_{std::chrono::steady_clock::now() + timeout_},
          memory_limit_{sqlite3_memory_used() + static_cast<std::int64_t>((std::min)(max_memory_bytes, std::size_t{1} << 40))} {}
    SqliteStatementGuard(const SqliteStatementGuard&) = delete;
    SqliteStatementGuard& operator=(const SqliteStatementGuard&) = delete;

    /// The connection keeps a pointer to this object.
    void watch(sqlite3* database) noexcept {
        sqlite3_set_authorizer(database, &authorize, this);
        sqlite3_progress_handler(database, 100, &progress, this);
    }

    /// As given, within reason.
    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }

    /// What the statement wanted to do and may not; empty: nothing.
    [[nodiscard]] std::string refused() const { return refused_; }
    /// Whether it was ended, for time or for memory; whether for memory.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }

private:
    // Some are the sqlite3 shell's, and may have been added to every connection of the process. printf('%.*c', 2000000000, 'x')
    // counts to two thousand million before it finds that there is no room.
    static constexpr const char* refused_functions[] = {"load_extension", "fts3_tokenizer", "readfile", "writefile",
                                                        "edit",           "eval",           "zipfile",  "icu_load_collation",
                                                        "sqlite_log",     "printf",         "format"};
    static constexpr const char* refused_tables[] = {"fsdir", "zipfile", "csv", "sqlite_dbpage"};
    static constexpr const char* pragmas_of_one[] = {"table_info",  "table_xinfo", "index_list",      "index_info",
                                                     "index_xinfo", "table_list",  "foreign_key_list"};
    static constexpr const char* pragmas[] = {"application_id",  "user_version", "schema_version", "page_count",     "page_size",
                                              "freelist_count",  "encoding",     "function_list",  "collation_list", "data_version",
                                              "compile_options", "module_list",  "pragma_list",    "database_list"};

    static constexpr const char* schema_tables[] = {"sqlite_master", "sqlite_schema"};

    template <std::size_t size>
    [[nodiscard]] static bool is_one_of(const char* name, const char* const (&names)[size]) noexcept {
        return name != nullptr &&
               std::any_of(names, names + size, [&](const char* each) { return sqlite3_stricmp(name, each) == 0; });
    }

    static int authorize(void* self, int action, const char* first, const char* second, const char*, const char*) noexcept {
        auto& guard = *static_cast<SqliteStatementGuard*>(self);
        return guard.should_end() ? SQLITE_DENY : guard.decide(action, first, second);
    }
    int decide(int action, const char* first, const char* second) noexcept {
        switch (action) {
            case SQLITE_SELECT:
            case SQLITE_RECURSIVE: return SQLITE_OK;
            case SQLITE_READ: return is_one_of(first, refused_tables) ? refuse("the table", first) : SQLITE_OK;
            case SQLITE_FUNCTION: return is_one_of(second, refused_functions) ? refuse("the function", second) : SQLITE_OK;
            case SQLITE_PRAGMA: {
                const bool reads = is_one_of(first, pragmas_of_one) || (second == nullptr && is_one_of(first, pragmas));
                return reads ? SQLITE_OK : refuse("PRAGMA", first);
            }
            case SQLITE_INSERT:
            case SQLITE_UPDATE:
                // So much SQLite asks at the first use of json_each and its like. CREATE asks for more, and is refused; SQL that
                // writes to these tables itself SQLite refuses.
                if (is_one_of(first, schema_tables)) return SQLITE_OK;
                return refuse("writing to", first);
            case SQLITE_DELETE: return refuse("writing to", first);
            case SQLITE_ATTACH:
            case SQLITE_DETACH: return refuse("attaching", "a database");
            case SQLITE_TRANSACTION:
            case SQLITE_SAVEPOINT: return refuse("the transaction statement", first);
            default: return refuse("changing", "the database");
        }
    }
    /// The first refusal is what the statement is about. A buffer, because nothing may be thrown into SQLite.
    int refuse(const char* what, const char* name) noexcept {
        if (refused_[0] == '\0') sqlite3_snprintf(sizeof refused_, refused_, "%s %.60s", what, name == nullptr ? "" : name);
        return SQLITE_DENY;
    }

    static int progress(void* self) noexcept { return static_cast<SqliteStatementGuard*>(self)->should_end() ? 1 : 0; }
    /// Asked while it is compiled, too, for each table, column and function that it names.
    bool should_end() noexcept {
        out_of_memory_ = out_of_memory_ || sqlite3_memory_used() > memory_limit_;
        ended_ = ended_ || out_of_memory_ || std::chrono::steady_clock::now() >= deadline_;
        return ended_;
    }

    const std::chrono::milliseconds timeout_;
    const std::chrono::steady_clock::time_point deadline_;
    const std::int64_t memory_limit_;
    bool ended_ = false;
    bool out_of_memory_ = false;
    char refused_[96] = {};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
