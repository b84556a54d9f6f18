#ifndef JOINLY_DETAIL_SQLITE_TEXTS_HPP
#define JOINLY_DETAIL_SQLITE_TEXTS_HPP
// The statements that a connection keeps.

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

enum class SqliteSql : std::size_t {
    begin_read,
    begin_write,
    commit,
    rollback,
    read_record,
    scan_forward,
    scan_forward_to,
    scan_backward,
    scan_backward_to,
    read_entry,
    scan_entries_forward_to,
    scan_entries_backward_to,
    read_index_terms,
    expired,
    put_record,
    put_unindexed,
    erase_record,
    erase_unindexed,
    put_entry,
    erase_entry,
    last_version,
    set_last_version,
    data_version,
    all_records,
    all_entries,
    all_keys,
    all_expiries,
};

/// The text of each statement. Those that read records give value, version, expires_at, checksum, key and index_terms, in this
/// order, and so do those that read index entries, as far as these have them; the key is left out where it is known.
inline constexpr std::array<const char*, 27> sqlite_texts{
    "BEGIN",
    "BEGIN IMMEDIATE",  // a transaction that reads first and writes later is refused when another process wrote between
    "COMMIT",
    "ROLLBACK",
    "SELECT value, version, expires_at, checksum, NULL, index_terms FROM record WHERE key = ?1",
    "SELECT value, version, expires_at, checksum, key, index_terms FROM record WHERE key >= ?1 ORDER BY key",
    "SELECT value, version, expires_at, checksum, key, index_terms FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key",
    "SELECT value, version, expires_at, checksum, key, index_terms FROM record WHERE key >= ?1 ORDER BY key DESC",
    "SELECT value, version, expires_at, checksum, key, index_terms FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key DESC",
    "SELECT value, version, NULL, NULL, key, NULL FROM index_entry WHERE key = ?1",
    "SELECT value, version, NULL, NULL, key, NULL FROM index_entry WHERE key >= ?1 AND key < ?2 ORDER BY key",
    "SELECT value, version, NULL, NULL, key, NULL FROM index_entry WHERE key >= ?1 AND key < ?2 ORDER BY key DESC",
    "SELECT index_terms FROM record WHERE key = ?1",
    "SELECT key, version, expires_at FROM record WHERE expires_at <= ?1 AND +key >= x'01' ORDER BY expires_at, key LIMIT ?2",
    "INSERT INTO record(key, value, version, expires_at, checksum, index_terms) VALUES(?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at, "
    "checksum = excluded.checksum, index_terms = excluded.index_terms",
    "INSERT INTO record(key, value, version, expires_at, checksum) VALUES(?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at, "
    "checksum = excluded.checksum WHERE index_terms IS NULL",
    "DELETE FROM record WHERE key = ?1",
    "DELETE FROM record WHERE key = ?1 AND index_terms IS NULL",
    "REPLACE INTO index_entry(key, value, version) VALUES(?1, ?2, ?3)",
    "DELETE FROM index_entry WHERE key = ?1",
    "SELECT value FROM meta WHERE name = 'last_version'",
    "UPDATE meta SET value = ?1 WHERE name = 'last_version'",
    "PRAGMA data_version",
    "SELECT value, version, expires_at, checksum, key, index_terms, record.rowid FROM record",
    "SELECT value, version, NULL, NULL, key, NULL FROM index_entry ORDER BY key",
    "SELECT key, rowid FROM record INDEXED BY sqlite_autoindex_record_1 ORDER BY key",
    "SELECT expires_at, key FROM record INDEXED BY record_expires_at WHERE expires_at IS NOT NULL",
};

enum class SqliteTable : bool { record, index_entry };

/// Binds the begin and, if it is bounded, the end. A range of entries always is.
[[nodiscard]] constexpr SqliteSql sqlite_scan_of(SqliteTable table, Direction direction, bool is_bounded) noexcept {
    const bool forward = direction == Direction::forward;
    if (table == SqliteTable::index_entry)
        return forward ? SqliteSql::scan_entries_forward_to : SqliteSql::scan_entries_backward_to;
    if (is_bounded) return forward ? SqliteSql::scan_forward_to : SqliteSql::scan_backward_to;
    return forward ? SqliteSql::scan_forward : SqliteSql::scan_backward;
}

/// The same statement for a database of the first format, which has no column `index_terms`. Such a database is only read, but
/// meanwhile somebody else may upgrade it: so each time that SQLite reads the schema it looks for the name in the table first,
/// and finds NULL outside of it otherwise.
[[nodiscard]] inline std::string sqlite_text_for_first_format(std::string text) {
    constexpr std::string_view column = "index_terms";
    constexpr std::string_view table = " FROM record";
    const std::size_t at = text.find(column);
    const std::size_t from = text.find(table, at);
    if (from == std::string::npos) return text;
    text.insert(from + table.size(), " CROSS JOIN (SELECT NULL AS index_terms)");
    return text.replace(at, column.size(), "(SELECT index_terms FROM record AS own WHERE own.rowid = record.rowid)");
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
