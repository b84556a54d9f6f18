#ifndef JOINLY_DETAIL_INDEX_QUERY_PLAN_HPP
#define JOINLY_DETAIL_INDEX_QUERY_PLAN_HPP
// From a query to the range of index entries that answers it.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/index/cursor.hpp>
#include <joinly/detail/index/key_encoding.hpp>
#include <joinly/detail/index/query_state.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/entity.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// How a query is answered: by the first `limit` entries of `range`.
struct IndexPlan {
    std::uint16_t index = 0;
    KeyRange range;           ///< of the keys of index entries, after the cursor; `begin` is never above `end`
    std::size_t limit = 0;    ///< how many entries at most
    std::string fingerprint;  ///< of the query: kind, index, bounds and direction, but neither limit nor cursor
};

/// The cursor of a page that ended with the entry under this key, which lies in the plan's range.
[[nodiscard]] inline std::string make_cursor(const IndexPlan& plan, std::string_view last_entry_key) {
    return detail::sealed_cursor(plan.fingerprint, last_entry_key.substr(detail::index_root(last_entry_key).size()));
}

namespace detail {

[[nodiscard]] inline std::string query_fingerprint(const KeyRange& range) {
    std::string fingerprint{range.direction == Direction::forward ? '<' : '>'};
    append_big_endian(fingerprint, range.begin.size(), 4);
    return fingerprint.append(range.begin).append(range.end);
}

/// Leaves of the plan's range what comes after the cursor; false: the cursor is not this query's.
[[nodiscard]] inline bool resume(IndexPlan& plan, std::string_view cursor) {
    const auto place = place_in_cursor(plan.fingerprint, cursor);
    if (!place) return false;
    std::string last_key = std::string{index_root(plan.range.begin)} + *place;
    if (!plan.range.contains(last_key)) return false;
    if (plan.range.direction == Direction::forward) {
        plan.range.begin = std::move(last_key) + '\0';  // the smallest key above it
    } else {
        plan.range.end = std::move(last_key);
    }
    return true;
}

/// The name of the nth field of an index.
template <entity T>
std::string_view name_of_indexed_field(std::uint16_t index, std::uint8_t position) {
    const T object{};
    std::string_view found;
    for_each_index(object, [&](auto number, std::string_view, const auto&... members) {
        std::uint8_t at = 0;
        if (number == index) ((at++ == position ? static_cast<void>(found = name_of_field(object, members)) : void()), ...);
    });
    return found;
}

template <entity T>
[[nodiscard]] Result<IndexPlan> plan_query(const QueryState& query) {
    if (query.index == 0)
        return failure(Errc::invalid_argument,
                       std::string{kind_of<T>} + ": no index is declared over exactly these members in this order");
    if (query.nan_field)
        return failure(Errc::invalid_argument,
                       place_in_object<T>(name_of_indexed_field<T>(query.index, *query.nan_field)) + ": NaN is no bound");
    IndexPlan plan{query.index, query.range, query.limit, {}};
    if (query.is_empty || plan.range.begin > plan.range.end) plan.range.end = plan.range.begin;
    plan.fingerprint = query_fingerprint(plan.range);
    if (!query.cursor.empty() && !resume(plan, query.cursor))
        return failure(Errc::invalid_argument,
                       std::string{kind_of<T>} + ": the cursor is damaged, or belongs to another query than this one");
    if (plan.limit == 0) plan.range.end = plan.range.begin;
    return plan;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
