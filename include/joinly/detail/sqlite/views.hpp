#ifndef JOINLY_DETAIL_SQLITE_VIEWS_HPP
#define JOINLY_DETAIL_SQLITE_VIEWS_HPP
// The text of a kind's view, and how views come into the schema. A view is ours if a comment in its text says so.

#include <joinly/backend/sqlite_views.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view sqlite_view_mark = "/* made and replaced by joinly */";

/// The keys' bytes as they are, for SQLite then takes the range from its index.
[[nodiscard]] inline std::string sqlite_blob_literal(std::string_view bytes) {
    std::string literal{"x'"};
    for (const char c : bytes) {
        literal.push_back("0123456789abcdef"[static_cast<unsigned char>(c) >> 4]);
        literal.push_back("0123456789abcdef"[static_cast<unsigned char>(c) & 0xf]);
    }
    return literal + '\'';
}

[[nodiscard]] inline std::string sqlite_view_column(const SqlColumn& column) {
    const auto extract = [](const std::string& member) { return "json_extract(json, '$." + member + "')"; };
    std::string text = extract(column.name);
    for (const std::string& former : column.former_names) text.append(", ").append(extract(former));
    if (!column.former_names.empty()) text = "coalesce(" + text + ')';
    return text.append(" AS \"").append(column.name).append("\",\n    ");
}

/// As SQLite keeps it in its schema, to the letter. A value that is no JSON makes a row of NULLs, for it would make every
/// statement on the view an error. Milliseconds of now: Julian days are good to a twentieth of one.
[[nodiscard]] inline std::string sqlite_view_text(const SqlView& view) {
    const KeyRange range = kind_range(view.kind);
    std::string text = "CREATE VIEW \"" + view.kind + "\" AS ";
    text.append(sqlite_view_mark).append("\nSELECT ");
    for (const SqlColumn& column : view.columns) text.append(sqlite_view_column(column));
    return text
        .append(
            "version AS _version, expires_at / 1000.0 AS _expires_at, key AS _key\n"
            "FROM (SELECT CASE WHEN json_valid(value) THEN value END AS json, version, expires_at, key FROM record\n"
            "    WHERE key >= ")
        .append(sqlite_blob_literal(range.begin))
        .append(" AND key < ")
        .append(sqlite_blob_literal(range.end))
        .append("\n    AND (expires_at IS NULL OR expires_at > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)))");
}

[[nodiscard]] inline bool sqlite_is_member_name(std::string_view name) noexcept {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto fits = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; };
    return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), fits);
}

[[nodiscard]] inline Status sqlite_validate_view(const SqlView& view) {
    const auto refuse = [&](const std::string& why) {
        return failure(Errc::invalid_argument, "the view of kind '" + view.kind + "': " + why);
    };
    if (!is_valid_kind(view.kind) || view.kind.rfind("sqlite_", 0) == 0) return refuse("SQLite takes no such name");
    for (std::size_t i = 0; i < view.columns.size(); ++i) {
        const auto& [name, former_names] = view.columns[i];
        if (!sqlite_is_member_name(name)) return refuse('\'' + name + "' cannot be a column's name");
        for (const std::string& former : former_names) {
            if (!sqlite_is_member_name(former)) return refuse('\'' + former + "' cannot be a former name");
        }
        for (std::size_t earlier = 0; earlier < i; ++earlier) {
            const std::string& other = view.columns[earlier].name;
            if (sqlite3_stricmp(name.c_str(), other.c_str()) == 0)
                return refuse("its columns '" + other + "' and '" + name +
                              "' are one to SQLite, which does not tell capital letters");
        }
    }
    return {};
}

enum class SqliteViewState { missing, outdated, current };

/// `conflict` when something else has the name.
[[nodiscard]] inline Result<SqliteViewState> sqlite_view_state(SqliteConnection& connection, const SqlView& view) {
    SQLite::Statement row{connection.database(), "SELECT type, sql FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE"};
    row.bind(1, view.kind);
    if (!row.executeStep()) return SqliteViewState::missing;
    const std::string type = row.getColumn(0).getString();
    const std::string text = row.getColumn(1).getString();
    if (type != "view" || text.find(sqlite_view_mark) == std::string::npos)
        return failure(Errc::conflict,
                       "the database has a " + type + " of its own named '" + view.kind + "': it was left as it is");
    return text == sqlite_view_text(view) ? SqliteViewState::current : SqliteViewState::outdated;
}

/// @return whether all are as they should be.
[[nodiscard]] inline Result<bool> sqlite_views_are_current(SqliteConnection& connection, std::span<const SqlView> views) {
    for (const SqlView& view : views) {
        const auto state = sqlite_view_state(connection, view);
        if (!state) return failure(state.error());
        if (*state != SqliteViewState::current) return false;
    }
    return true;
}

/// In the transaction that has begun, and without ending it.
[[nodiscard]] inline Status sqlite_put_views(SqliteConnection& connection, std::span<const SqlView> views) {
    for (const SqlView& view : views) {
        const auto state = sqlite_view_state(connection, view);
        if (!state) return failure(state.error());
        if (*state == SqliteViewState::current) continue;
        if (*state == SqliteViewState::outdated) connection.database().exec("DROP VIEW \"" + view.kind + '"');
        connection.database().exec(sqlite_view_text(view));
        const SQLite::Statement usable{connection.database(), "SELECT * FROM \"" + view.kind + '"'};  // throws if it is not
    }
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
