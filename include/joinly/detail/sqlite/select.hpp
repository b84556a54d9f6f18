#ifndef JOINLY_DETAIL_SQLITE_SELECT_HPP
#define JOINLY_DETAIL_SQLITE_SELECT_HPP
// SQL that somebody typed, on a connection of its own that is gone afterwards. What keeps it harmless:
//
// - the connection is opened read-only, and loads no extensions;
// - an authorizer, asked about every part of a statement, views within it included, allows what reads and nothing else;
// - the statement gives rows and is read-only by SQLite's own account, and there is one;
// - a progress handler ends it by time and by memory, and SQLite's limits bound what lies between two calls of that;
// - what it sorts stays in memory: no temporary files.

#include <joinly/backend/sqlite_query.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/statement_cost.hpp>
#include <joinly/detail/sqlite/statement_guard.hpp>
#include <joinly/detail/sqlite/statement_size.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One statement, from its text to its last row. Where SQLite or the disk fails, rather than the statement, its functions
/// throw SQLite::Exception.
class SqliteSelect {
public:
    SqliteSelect(SQLite::Database database, const QueryOptions& options)
        : options_{options}, guard_{options.timeout, options.max_memory_bytes}, database_{std::move(database)} {
        database_.exec("PRAGMA temp_store = MEMORY");
        sqlite3* const handle = database_.getHandle();
        // A connection that wrote nothing has nothing to write back; it is another's to see to the log.
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
        sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, nullptr);
        for (const auto& [limit, most] : limits) sqlite3_limit(handle, limit, most);
        limit_values(options.max_value_bytes);
        guard_.watch(handle);
    }
    SqliteSelect(const SqliteSelect&) = delete;
    SqliteSelect& operator=(const SqliteSelect&) = delete;
    ~SqliteSelect() { sqlite3_finalize(statement_); }

    [[nodiscard]] Status prepare(std::string_view sql, std::span<const SqlArgument> arguments) {
        if (sql.empty()) return refuse("there is no statement");
        if (sql.size() > max_sql_bytes) return refuse("the statement is longer than " + std::to_string(max_sql_bytes) + " bytes");
        if (sql.find('\0') != std::string_view::npos) return refuse("the statement holds a NUL");
        if (Status bounded = expands_little(sql); !bounded) return bounded;
        const char* rest = sql.data();
        const char* const end = rest + sql.size();
        if (Status compiled = compile(rest, end, statement_); !compiled) return compiled;
        if (statement_ == nullptr) return refuse("there is no statement");
        while (rest != end) {  // comments and semicolons compile to nothing
            sqlite3_stmt* second = nullptr;
            const Status compiled = compile(rest, end, second);
            sqlite3_finalize(second);
            if (!compiled || second != nullptr) return refuse("there is more than one statement");
        }
        if (sqlite3_column_count(statement_) == 0 || sqlite3_stmt_readonly(statement_) == 0)
            return refuse("the statement does not read");
        if (Status weighed = weigh(sql); !weighed) return weighed;
        return bind(arguments);
    }

    /// @return whether there is a row.
    [[nodiscard]] Result<bool> next() {
        const int code = sqlite3_step(statement_);
        if (code != SQLITE_ROW && code != SQLITE_DONE) return explain(code);
        if (!columns_) name_columns();
        return code == SQLITE_ROW;
    }

    [[nodiscard]] const std::shared_ptr<const SqlRow::Columns>& columns() const noexcept { return columns_; }

    [[nodiscard]] SqlRow row() {
        std::vector<SqlValue> values;
        values.reserve(columns_->size());
        for (int i = 0; i < static_cast<int>(columns_->size()); ++i) values.push_back(value(i));
        return {columns_, std::move(values)};
    }

private:
    struct Limit {
        int limit;
        int most;
    };
    static constexpr int max_sql_bytes = 1 << 15;
    static constexpr std::size_t memory_per_token = 64;  // of the tree that SQLite makes of a statement
    static constexpr Limit limits[] = {
        {SQLITE_LIMIT_SQL_LENGTH, max_sql_bytes + 8},  // EXPLAIN
        {SQLITE_LIMIT_EXPR_DEPTH, 250},
        {SQLITE_LIMIT_COMPOUND_SELECT, 50},
        {SQLITE_LIMIT_COLUMN, 200},
        {SQLITE_LIMIT_VDBE_OP, 100'000},
        {SQLITE_LIMIT_FUNCTION_ARG, 64},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 128},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 250},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };

    [[nodiscard]] static tl::unexpected<Error> refuse(std::string why) {
        return failure(Errc::invalid_argument, "query() takes one statement that reads: " + std::move(why));
    }

    void limit_values(std::size_t bytes) {
        const std::size_t most = std::clamp(bytes, std::size_t{256}, std::size_t{1'000'000'000});
        sqlite3_limit(database_.getHandle(), SQLITE_LIMIT_LENGTH, static_cast<int>(most));
        value_limit_ = most;
    }

    /// Views are put into the statement as common table expressions are. A view's text is the program's own: its length
    /// will do, four bytes to a token.
    [[nodiscard]] Status expands_little(std::string_view sql) {
        SqliteStatementSize size{static_cast<double>(options_.max_memory_bytes / memory_per_token)};
        const Status read = for_each_row("SELECT name, length(sql) / 4 FROM sqlite_schema WHERE type = 'view'",
                                         [&](sqlite3_stmt* row) { size.add_view(text_of(row, 0), sqlite3_column_double(row, 1)); });
        if (!read) return read;
        if (size.fits(sql)) return {};
        return failure(Errc::invalid_argument,
                       "the statement's subqueries, views and common table expressions name each other's columns so often that "
                       "copies of them might take more than max_memory_bytes: name each once, or ask for less at a time");
    }

    /// Lets values be only so long that no row of the statement can cost too much. Copies that SQLite made of its parts count.
    [[nodiscard]] Status weigh(std::string_view sql) {
        SqliteStatementCost cost;
        for (int i = 0; i < sqlite3_column_count(statement_); ++i) cost.add_column();
        if (sqlite3_stmt_isexplain(statement_) == 0) {
            const Status read = for_each_row("EXPLAIN " + std::string{sql}, [&](sqlite3_stmt* row) {
                cost.add(text_of(row, 1), sqlite3_column_int(row, 3), sqlite3_column_int(row, 4), text_of(row, 5));
            });
            if (!read) return read;
        }
        limit_values((std::min)(options_.max_value_bytes, cost.longest_value(guard_.timeout(), options_.max_memory_bytes)));
        return {};
    }

    template <class Visit>
    [[nodiscard]] Status for_each_row(const std::string& sql, Visit&& visit) {
        sqlite3_stmt* statement = nullptr;
        const char* rest = sql.data();
        if (Status compiled = compile(rest, rest + sql.size(), statement); !compiled) return compiled;
        const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> owner{statement, &sqlite3_finalize};
        int code = sqlite3_step(statement);
        for (; code == SQLITE_ROW; code = sqlite3_step(statement)) visit(statement);
        if (code != SQLITE_DONE) return explain(code);
        return {};
    }
    [[nodiscard]] static std::string_view text_of(sqlite3_stmt* row, int column) {
        const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
        return text == nullptr ? std::string_view{} : std::string_view{text};
    }

    [[nodiscard]] Status compile(const char*& sql, const char* end, sqlite3_stmt*& statement) {
        const int code = sqlite3_prepare_v2(database_.getHandle(), sql, static_cast<int>(end - sql), &statement, &sql);
        // No memory, or more instructions than the limit: SQLite tells one as the other.
        if (code == SQLITE_NOMEM) return failure(Errc::full, "the query was ended: its program is too large");
        if (code != SQLITE_OK) return explain(code);
        return {};
    }

    [[nodiscard]] Status bind(std::span<const SqlArgument> arguments) {
        const int wanted = sqlite3_bind_parameter_count(statement_);
        if (static_cast<std::size_t>(wanted) != arguments.size()) {
            return refuse("it has " + std::to_string(wanted) + " parameters, and " + std::to_string(arguments.size()) +
                          " arguments were given");
        }
        for (int i = 1; i <= wanted; ++i) {
            const auto& value = arguments[static_cast<std::size_t>(i - 1)].variant();
            const int code = std::visit([&](const auto& given) { return bind_one(i, given); }, value);
            if (code == SQLITE_MISMATCH) return refuse("argument " + std::to_string(i) + " is above 2^63 - 1");
            if (code != SQLITE_OK) return explain(code);
        }
        return {};
    }
    int bind_one(int index, std::monostate) { return sqlite3_bind_null(statement_, index); }
    int bind_one(int index, std::int64_t number) { return sqlite3_bind_int64(statement_, index, number); }
    int bind_one(int index, std::uint64_t number) {
        if (number > static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)())) return SQLITE_MISMATCH;
        return bind_one(index, static_cast<std::int64_t>(number));
    }
    int bind_one(int index, double number) { return sqlite3_bind_double(statement_, index, number); }
    // The caller's text and bytes outlive the statement. A null pointer would bind NULL instead of an empty one.
    int bind_one(int index, std::string_view text) {
        return sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int bind_one(int index, SqlArgument::Bytes bytes) {
        if (bytes.empty()) return sqlite3_bind_zeroblob(statement_, index, 0);
        return sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC);
    }

    void name_columns() {
        SqlRow::Columns names;
        for (int i = 0; i < sqlite3_column_count(statement_); ++i) {
            const char* const name = sqlite3_column_name(statement_, i);
            if (name == nullptr) throw std::bad_alloc{};
            names.emplace_back(name);
        }
        columns_ = std::make_shared<const SqlRow::Columns>(std::move(names));
    }

    [[nodiscard]] SqlValue value(int column) {
        switch (sqlite3_column_type(statement_, column)) {
            case SQLITE_INTEGER: return SqlValue{std::int64_t{sqlite3_column_int64(statement_, column)}};
            case SQLITE_FLOAT: return SqlValue{sqlite3_column_double(statement_, column)};
            case SQLITE_TEXT: {
                const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
                if (text == nullptr) throw std::bad_alloc{};
                return SqlValue{std::string(text, size_of(column))};
            }
            case SQLITE_BLOB: {
                const auto* const bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
                const std::size_t size = size_of(column);
                if (bytes == nullptr && size > 0) throw std::bad_alloc{};
                return SqlValue{std::vector<std::byte>(bytes, bytes + size)};
            }
            default: return {};
        }
    }
    [[nodiscard]] std::size_t size_of(int column) const {
        return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    }

    /// What the statement is to blame for; everything else is thrown.
    [[nodiscard]] tl::unexpected<Error> explain(int code) {
        sqlite3* const handle = database_.getHandle();
        if (guard_.out_of_memory()) {
            return failure(Errc::full,
                           "the query was ended: it took more than max_memory_bytes, " + std::to_string(options_.max_memory_bytes));
        }
        if (guard_.ended()) {
            return failure(Errc::timed_out,
                           "the query was ended after its timeout, " + std::to_string(options_.timeout.count()) + " ms");
        }
        switch (code & 0xff) {
            case SQLITE_ERROR:
            case SQLITE_AUTH:
            case SQLITE_MISMATCH:
            case SQLITE_RANGE:
            case SQLITE_CONSTRAINT:
                if (!guard_.refused().empty()) return refuse(guard_.refused() + " is refused; " + sqlite3_errmsg(handle));
                return failure(Errc::invalid_argument, sqlite3_errmsg(handle));
            case SQLITE_TOOBIG:
                return failure(Errc::invalid_argument, std::string{sqlite3_errmsg(handle)} + "; a value may have " +
                                                           std::to_string(value_limit_) + " bytes here: see QueryOptions");
            case SQLITE_CORRUPT:
                if (sqlite_could_not_read(handle))
                    throw SQLite::Exception{"the operating system could not read the file", SQLITE_IOERR_CORRUPTFS};
                break;
            default: break;
        }
        throw SQLite::Exception{handle, code};
    }

    const QueryOptions options_;
    SqliteStatementGuard guard_;  // before the connection, which calls it until it is closed
    SQLite::Database database_;
    std::size_t value_limit_ = 0;
    sqlite3_stmt* statement_ = nullptr;
    std::shared_ptr<const SqlRow::Columns> columns_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
