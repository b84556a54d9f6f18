#ifndef JOINLY_DETAIL_SQLITE_STATEMENT_GUARD_HPP
#define JOINLY_DETAIL_SQLITE_STATEMENT_GUARD_HPP
// What SQLite asks while it compiles and runs a statement that somebody typed: may it do this, and may it go on.

#include <joinly/config.hpp>
#include <joinly/detail/sqlite/api.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
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
        sqlite3_progress_handler(database, 100, &should_end, this);
    }

    /// What the statement wanted to do and may not; empty: nothing.
    [[nodiscard]] std::string refused() const { return refused_; }
    [[nodiscard]] bool out_of_memory() const noexcept { return out_of_memory_; }

    /// The longest string for which one row of the statement, as far as it has been compiled, takes no more than its timeout.
    /// Nothing can end a function of SQLite's half-way.
    [[nodiscard]] std::size_t longest_value() const noexcept {
        if (picoseconds_ == 0) return (std::numeric_limits<std::size_t>::max)();
        const double picoseconds = std::chrono::duration<double, std::pico>{timeout_}.count();
        return static_cast<std::size_t>(std::sqrt(picoseconds / picoseconds_));
    }

private:
    struct Costly {
        const char* function;
        double picoseconds;  // for arguments of n bytes it takes so many times n * n, at worst
    };
    static constexpr Costly costly[] = {{"instr", 20},   {"replace", 20},     {"trim", 6000}, {"ltrim", 6000},
                                        {"rtrim", 6000}, {"json_patch", 600}, {"like", 1},    {"glob", 1}};

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
        return static_cast<SqliteStatementGuard*>(self)->decide(action, first, second);
    }
    int decide(int action, const char* first, const char* second) noexcept {
        switch (action) {
            case SQLITE_SELECT:
            case SQLITE_RECURSIVE: return SQLITE_OK;
            case SQLITE_READ: return is_one_of(first, refused_tables) ? refuse("the table", first) : SQLITE_OK;
            case SQLITE_FUNCTION:
                for (const Costly& each : costly) {
                    if (sqlite3_stricmp(second, each.function) == 0) picoseconds_ += each.picoseconds;
                }
                return is_one_of(second, refused_functions) ? refuse("the function", second) : SQLITE_OK;
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

    static int should_end(void* self) noexcept {
        auto& guard = *static_cast<SqliteStatementGuard*>(self);
        guard.out_of_memory_ = sqlite3_memory_used() > guard.memory_limit_;
        return guard.out_of_memory_ || std::chrono::steady_clock::now() >= guard.deadline_ ? 1 : 0;
    }

    const std::chrono::milliseconds timeout_;
    const std::chrono::steady_clock::time_point deadline_;
    const std::int64_t memory_limit_;
    double picoseconds_ = 0;
    bool out_of_memory_ = false;
    char refused_[96] = {};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
