#ifndef JOINLY_BACKEND_SQLITE_VIEWS_HPP
#define JOINLY_BACKEND_SQLITE_VIEWS_HPP
// A view that SqliteBackend::create_views() makes. create_views<Player, Lobby>(store), in joinly/ops/sql_views.hpp, tells the
// columns from the descriptions.

#include <joinly/config.hpp>

#include <string>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// A column of a view: a member of the JSON objects. Names are letters, digits and underscores, and begin with a letter.
struct SqlColumn {
    std::string name;
    std::vector<std::string> former_names = {};  ///< under which older records have it; the first that is there counts
};

/// The entities of one kind, whose values are JSON objects, as rows.
struct SqlView {
    std::string kind;  ///< "player": of the keys, and the view's name
    std::vector<SqlColumn> columns;
};

JOINLY_NAMESPACE_END
#endif
