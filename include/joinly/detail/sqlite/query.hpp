#ifndef JOINLY_DETAIL_SQLITE_QUERY_HPP
#define JOINLY_DETAIL_SQLITE_QUERY_HPP
// How SqliteBackend::query() visits and collects rows.

#include <joinly/backend/sqlite_query.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/select.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Runs one statement through `attempt`, which turns what is thrown into an Error; `visit` is called outside it.
template <class Connect, class Attempt>
[[nodiscard]] Result<std::shared_ptr<const SqlRow::Columns>> sqlite_query(Connect&& connect, Attempt&& attempt,
                                                                          std::string_view sql,
                                                                          std::initializer_list<SqlArgument> arguments,
                                                                          SqlVisitor visit, const QueryOptions& options) {
    auto database = connect();
    if (!database) return failure(std::move(database).error());
    std::optional<SqliteSelect> select;
    std::optional<SqlRow> row;
    const Status ready = attempt([&]() -> Status {
        select.emplace(std::move(*database), options);
        return select->prepare(sql, {arguments.begin(), arguments.size()});
    });
    if (!ready) return failure(ready.error());
    const auto next = [&]() -> Result<bool> {
        Result<bool> more = select->next();
        if (more && *more) row.emplace(select->row());
        return more;
    };
    for (;;) {
        const Result<bool> more = attempt(next);
        if (!more) return failure(more.error());
        if (!*more || !visit(*row)) return select->columns();
    }
}

/// Keeps what `run(visitor)` visits, up to the options' bounds. A row's own cost is counted roughly.
template <class Run>
[[nodiscard]] Result<SqlRows> sqlite_collect(const QueryOptions& options, Run&& run) {
    std::vector<SqlRow> rows;
    std::size_t bytes = 0;
    bool complete = true;
    bool fits = true;
    auto columns = run([&](const SqlRow& row) {
        complete = rows.size() < options.max_rows;
        bytes += sizeof(SqlRow) + row.size() * sizeof(SqlValue);
        for (std::size_t i = 0; i < row.size(); ++i) bytes += row[i].size_bytes();
        fits = bytes <= options.max_memory_bytes;
        if (complete && fits) rows.push_back(row);
        return complete && fits;
    });
    if (!columns) return failure(std::move(columns).error());
    if (complete && !fits) {
        return failure(Errc::full, "the result has more than " + std::to_string(options.max_memory_bytes) +
                                       " bytes: see max_memory_bytes, or visit it row by row");
    }
    return SqlRows{std::move(*columns), std::move(rows), complete};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
