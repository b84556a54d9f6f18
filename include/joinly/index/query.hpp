#ifndef JOINLY_INDEX_QUERY_HPP
#define JOINLY_INDEX_QUERY_HPP
// Finding entities by their fields. A description says which fields entities are to be found by:
//
//     template <>
//     struct joinly::Entity<game::Guild> {
//         static constexpr std::string_view kind = "guild";
//         static constexpr auto& id(auto& guild) { return guild.guild_id; }
//         static constexpr void fields(auto& guild, auto&& field) {
//             field(1, "guild_id", guild.guild_id);
//             field(2, "name", guild.name, joinly::indexed);
//             field(3, "region", guild.region);
//             field(4, "trophies", guild.trophies, joinly::indexed);
//         }
//         static constexpr void indexes(auto& guild, auto&& index) {             // over two or three fields
//             index(1000, "region_trophies", guild.region, guild.trophies);      // numbers up to 65535: never reuse one
//         }
//     };
//
// and a query names the members, what they must be, the order, and how many:
//
//     where(&Guild::name).starts_with("Owl")
//     where(&Guild::trophies).between(1100, 1300).descending().limit(50)         // both ends included
//     where(&Guild::trophies).descending().limit(100)                            // the best hundred
//     where(&Guild::region, &Guild::trophies).equals("eu").at_least(2000)        // each call is about the next member
//
// Members must be those of one index, in its order; any other use does not compile. Members that are `equals` come first, then
// at most one has a range or prefix, and what is left is free. A save pays for each index of its type, so index what is asked.
//
// Order is that of the values: numbers, enums by number, times, strings by their bytes; infinities are numbers, -0.0 is 0.0, and
// an object with NaN in an indexed field, or whose fields in one index take more than 1 KiB, is not saved. A std::optional that is
// empty comes before every value and is in no range: `equals(std::nullopt)` finds it. Entities that have the same values are in the
// order of their ids. A range that holds nothing (between(2, 1), a limit of 0) is no error.
//
// Queries are plain values; each call gives a new one. To page, give the cursor that came with a page to `after`:
//
//     auto best = where(&Player::skill_rating).descending().limit(50);
//     auto first = store.find<Player>(best);
//     auto second = store.find<Player>(best.after(first->cursor));
//
// A page begins after the last entity of the one before it, whatever was written in between. A cursor is text without spaces
// that a client may keep, over restarts too; with another query than its own, or damaged, it is `invalid_argument`. The limit
// may change from page to page.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/entity/phantom.hpp>
#include <joinly/detail/index/query_plan.hpp>
#include <joinly/detail/index/query_state.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/entity.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// A query for entities of type T that is ready to be asked. It begins with `where`.
template <class T>
class Query {
public:
    explicit Query(detail::QueryState state) noexcept : state_{std::move(state)} {}

    /// The least first, which is the default.
    [[nodiscard]] Query ascending() const { return directed(Direction::forward); }
    /// The greatest first.
    [[nodiscard]] Query descending() const { return directed(Direction::backward); }
    /// At most so many. Of none there is no next page.
    [[nodiscard]] Query limit(std::size_t most) const {
        Query query = *this;
        query.state_.limit = most;
        return query;
    }
    /// The page after the one that `cursor` came with; an empty one stands for the beginning.
    [[nodiscard]] Query after(std::string cursor) const {
        Query query = *this;
        query.state_.cursor = std::move(cursor);
        return query;
    }

protected:
    template <class U>
    friend Result<IndexPlan> plan(const Query<U>& query);

    [[nodiscard]] Query directed(Direction direction) const {
        Query query = *this;
        query.state_.range.direction = direction;
        return query;
    }
    detail::QueryState state_;
};

/// A query with a range of one member, which further bounds make smaller:
/// `where(&Player::skill_rating).at_least(1000).less_than(2000)`.
template <class T, class Member>
class RangeQuery : public Query<T> {
    using Bound = detail::bound_for<Member>;

public:
    explicit RangeQuery(detail::QueryState state) : Query<T>{std::move(state)} { this->state_.template skip_absent<Member>(); }

    [[nodiscard]] RangeQuery at_least(const Bound& low) const { return above(low, true); }
    [[nodiscard]] RangeQuery greater_than(const Bound& low) const { return above(low, false); }
    [[nodiscard]] RangeQuery at_most(const Bound& high) const { return below(high, true); }
    [[nodiscard]] RangeQuery less_than(const Bound& high) const { return below(high, false); }

private:
    [[nodiscard]] RangeQuery above(const Bound& low, bool is_included) const {
        RangeQuery query = *this;
        query.state_.template narrow_below<Member>(low, is_included);
        return query;
    }
    [[nodiscard]] RangeQuery below(const Bound& high, bool is_included) const {
        RangeQuery query = *this;
        query.state_.template narrow_above<Member>(high, is_included);
        return query;
    }
};

namespace detail {

/// What `where` finds at compile time: a constant, which a QueryState cannot be.
struct FoundIndex {
    std::uint16_t number = 0;
};

}  // namespace detail

/// A query whose next bound is for a member of type First, and the one after it for the first of Rest. Without any, it is for
/// the whole of the index.
template <class T, class State, class First, class... Rest>
class Where {
    using Bound = detail::bound_for<First>;
    using Range = RangeQuery<T, First>;

public:
    constexpr explicit Where(State state) noexcept : state_{std::move(state)} {}

    /// The member is `value`; for one that may be absent, std::nullopt is a value.
    [[nodiscard]] auto equals(const detail::equal_for<First>& value) const {
        detail::QueryState fixed = state();
        fixed.template fix<First>(value);
        if constexpr (sizeof...(Rest) == 0) {
            return Query<T>{std::move(fixed)};
        } else {
            return Where<T, detail::QueryState, Rest...>{std::move(fixed)};
        }
    }
    /// From `low` to `high`, both included.
    [[nodiscard]] Range between(const Bound& low, const Bound& high) const { return range().at_least(low).at_most(high); }
    [[nodiscard]] Range at_least(const Bound& low) const { return range().at_least(low); }
    [[nodiscard]] Range greater_than(const Bound& low) const { return range().greater_than(low); }
    [[nodiscard]] Range at_most(const Bound& high) const { return range().at_most(high); }
    [[nodiscard]] Range less_than(const Bound& high) const { return range().less_than(high); }
    /// Strings that begin with `prefix`, byte for byte.
    [[nodiscard]] Query<T> starts_with(std::string_view prefix) const requires std::same_as<Bound, std::string_view> {
        detail::QueryState narrowed = state();
        narrowed.template narrow_to_prefix<First>(prefix);
        return Query<T>{std::move(narrowed)};
    }

    [[nodiscard]] operator Query<T>() const { return Query<T>{state()}; }
    [[nodiscard]] Query<T> ascending() const { return Query<T>{state()}.ascending(); }
    [[nodiscard]] Query<T> descending() const { return Query<T>{state()}.descending(); }
    [[nodiscard]] Query<T> limit(std::size_t most) const { return Query<T>{state()}.limit(most); }
    [[nodiscard]] Query<T> after(std::string cursor) const { return Query<T>{state()}.after(std::move(cursor)); }

private:
    [[nodiscard]] detail::QueryState state() const {
        if constexpr (std::same_as<State, detail::FoundIndex>) {
            return detail::QueryState{kind_of<T>, state_.number};
        } else {
            return state_;
        }
    }
    [[nodiscard]] Range range() const { return Range{state()}; }

    State state_;
};

namespace detail {

/// Not constexpr: a call to it ends a constant evaluation, and the compiler prints its name.
inline void no_index_is_declared_over_exactly_these_members_in_this_order() {}

template <class T, class First>
using QueriedEntity = std::conditional_t<std::is_void_v<T>, First, T>;

template <class T>
concept walked_at_run_time = !indexes_walk_at_compile_time<T>;

}  // namespace detail

/// Begins a query by the index over exactly these members, in this order: `where(&Player::skill_rating)`. Does not compile when
/// the description has none. For members of a base class the entity is to be named: `where<Guild>(&Guild::created_at)`.
template <class T = void, class Class, class... Classes, class First, class... Rest>
[[nodiscard]] consteval auto where(First Class::*first, Rest Classes::*... rest) {
    using E = detail::QueriedEntity<T, Class>;
    if constexpr (detail::explain_entity<E>()) {
        const std::uint16_t number = detail::find_index<E, First, Rest...>(detail::phantom_object<E>(), first, rest...);
        if (number == 0) detail::no_index_is_declared_over_exactly_these_members_in_this_order();
        return Where<E, detail::FoundIndex, First, Rest...>{detail::FoundIndex{number}};
    }
}

/// The same for an entity whose description is not constexpr: an index that is missing is found when the query is asked, and is
/// `invalid_argument`.
template <class T = void, class Class, class... Classes, class First, class... Rest>
requires detail::walked_at_run_time<detail::QueriedEntity<T, Class>>
[[nodiscard]] auto where(First Class::*first, Rest Classes::*... rest) {
    using E = detail::QueriedEntity<T, Class>;
    if constexpr (detail::explain_entity<E>()) {
        const E object{};
        const std::uint16_t number = detail::find_index<E, First, Rest...>(object, first, rest...);
        return Where<E, detail::FoundIndex, First, Rest...>{detail::FoundIndex{number}};
    }
}

/// What a store does for a query: the index it needs, the range of index entries to go through and in which direction, and how
/// many to take. `invalid_argument`: a bound is NaN, or the cursor is damaged or another query's; the message names the field.
template <class T>
[[nodiscard]] Result<IndexPlan> plan(const Query<T>& query) {
    return detail::plan_query<T>(query.state_);
}
template <class T, class State, class First, class... Rest>
[[nodiscard]] Result<IndexPlan> plan(const Where<T, State, First, Rest...>& query) {
    return plan(Query<T>{query});
}

JOINLY_NAMESPACE_END
#endif
