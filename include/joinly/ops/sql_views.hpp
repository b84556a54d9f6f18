#ifndef JOINLY_OPS_SQL_VIEWS_HPP
#define JOINLY_OPS_SQL_VIEWS_HPP
// Entities as rows and columns, for SQL: a view for each kind, named as the kind, with a column for each described field. For
// stores on SqliteBackend whose codec writes JSON. See "SQL" in backend/README.md.
//
//     struct JsonTraits : joinly::DefaultTraits { using Codec = joinly::Json; };
//     auto store = joinly::open<joinly::SqliteBackend, joinly::WriteThrough, JsonTraits>({.path = "joinly.db"});
//     auto made = joinly::create_views<joinly::Player, joinly::Lobby>(*store);
//     auto rows = store->backend().query("SELECT username FROM player ORDER BY skill_rating DESC LIMIT 10");

#include <joinly/backend/sqlite_views.hpp>
#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/formerly.hpp>
#include <joinly/fwd.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

namespace detail {

template <class T>
[[nodiscard]] SqlView sql_view() {
    SqlView view{std::string{kind_of<T>}, {}};
    const T object{};
    Entity<T>::fields(object, [&](auto, std::string_view name, const auto&, const auto&... tags) {
        SqlColumn& column = view.columns.emplace_back(SqlColumn{std::string{name}});
        for_each_former_name([&](std::string_view former) { column.former_names.emplace_back(former); }, tags...);
    });
    return view;
}

template <class Backend>
concept makes_views = requires(Backend& backend, std::span<const SqlView> views) {
    backend.create_views(views);
};

}  // namespace detail

/// Makes the views of these entities, or replaces those that an older description made, all in one transaction. To be called
/// when the program starts; it costs a look where nothing has changed. Views of other kinds stay as they are.
///
/// @return otherwise nothing changed:
///         conflict          the database has a table, or a view that this function did not make, of that name: it is named;
///         invalid_argument  two fields of an entity differ in capital letters only, or the kind begins with "sqlite_";
///         read_only         a view is missing or outdated, and the database was opened for reading.
/// @par Thread safety  Any thread. Of two programs with different descriptions the one that comes last has its way.
template <class... T, class Backend, class CachePolicy, class Traits>
[[nodiscard]] Status create_views(Store<Backend, CachePolicy, Traits>& store) {
    static_assert(sizeof...(T) > 0, "create_views: name the entities: create_views<Player, Lobby>(store)");
    static_assert(detail::makes_views<Backend>, "create_views: only SqliteBackend knows SQL");
    constexpr bool compresses = requires { typename Traits::Codec::Plain; };
    static_assert(!compresses,
                  "create_views: SQL cannot look into values that Zstd may have compressed: give the store traits with "
                  "`using Codec = joinly::Json`");
    static_assert(compresses || Traits::Codec::form == ValueForm::text,
                  "create_views: SQL can look into JSON only: give the store traits with `using Codec = joinly::Json`");
    if constexpr ((detail::explain_entity<T>() && ...) && detail::makes_views<Backend>) {
        const std::vector<SqlView> views{detail::sql_view<T>()...};
        return store.backend().create_views(views);
    } else {
        return failure(Errc::unsupported);
    }
}

JOINLY_NAMESPACE_END
#endif
