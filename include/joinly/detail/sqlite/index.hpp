#ifndef JOINLY_DETAIL_SQLITE_INDEX_HPP
#define JOINLY_DETAIL_SQLITE_INDEX_HPP
// Index entries and the records that they lead to (see core/index_entry.hpp), and the records whose time has come. These
// functions throw SQLite::Exception; sqlite_attempt turns that into an Error.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/scan.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The entries of a range, each with its record. Both are read from one snapshot: that of the scan, which is under way while
/// the records are read.
class SqliteEntries {
public:
    /// The connection must outlive it.
    SqliteEntries(SqliteConnection& connection, const KeyRange& range) : connection_{connection}, entries_{connection, range} {}

    /// @return whether there is one more; it is here until the next call. `corrupt`: an entry without its record.
    [[nodiscard]] Result<bool> next() {
        record_row_.reset();
        const Result<bool> more = entries_.next();
        if (!more || !*more) return more;
        std::optional<std::string> record_key = indexed_record_key(entries_.key(), entries_.record().value);
        if (!record_key) return unpaired_entry(key());
        record_key_ = std::move(*record_key);

        record_row_.emplace(connection_.statement(SqliteSql::read_record), connection_.handle());
        record_row_->set_bytes(1, record_key_);
        if (!record_row_->next()) return unpaired_entry(key());
        const Result<RecordView> record = sqlite_record(*record_row_, record_key_);
        if (!record) return failure(record.error());
        if (!has_index_term(record->index_terms, term_of_entry(key(), record_key_))) return unpaired_entry(key());
        record_ = *record;
        return true;
    }

    [[nodiscard]] std::string_view key() const noexcept { return entries_.key(); }
    [[nodiscard]] std::string_view record_key() const noexcept { return record_key_; }
    [[nodiscard]] const RecordView& record() const noexcept { return record_; }

private:
    SqliteConnection& connection_;
    SqliteScan entries_;
    std::optional<SqliteQuery> record_row_;
    std::string record_key_;
    RecordView record_;
};

/// Whether an entry leads to a record that has its term, or a record has an entry for each of its terms.
[[nodiscard]] inline Status sqlite_verify_index(SqliteConnection& connection, std::string_view key, const RecordView& record) {
    if (is_index_entry(key)) {
        const std::optional<std::string> record_key = indexed_record_key(key, record.value);
        if (!record_key) return unpaired_entry(key);
        if (has_index_term(sqlite_index_terms(connection, *record_key), term_of_entry(key, *record_key))) return {};
        return unpaired_entry(key);
    }
    std::string_view rest = record.index_terms;
    while (const auto term = take_index_term(rest)) {
        const IndexEntry entry = index_entry(key, *term);
        SqliteQuery row = connection.query(SqliteSql::read_entry);
        row.set_bytes(1, entry.key);
        if (!row.next() || row.bytes(0) != entry.value) {
            return failure(Errc::corrupt,
                           "key '" + printable(key) + "' has a term without its index entry '" + printable(entry.key) + '\'');
        }
    }
    if (!rest.empty()) return failure(Errc::corrupt, "the index terms of key '" + printable(key) + "' end half-way");
    return {};
}

/// Up to `limit` records, not of the library's own, that expire at or before `now`, the earliest first.
[[nodiscard]] inline std::vector<ExpiredRecord> sqlite_expired(SqliteConnection& connection, WallTime now, std::size_t limit) {
    constexpr auto most = static_cast<std::size_t>((std::numeric_limits<std::int64_t>::max)());
    SqliteQuery row = connection.query(SqliteSql::expired);
    row.set_number(1, now.time_since_epoch().count());
    row.set_number(2, static_cast<std::int64_t>((std::min)(limit, most)));
    std::vector<ExpiredRecord> expired;
    while (row.next()) {
        expired.push_back({std::string{row.bytes(0)}, static_cast<Version>(row.number(1)),
                           Expiry{WallTime{std::chrono::milliseconds{row.number(2)}}}});
    }
    return expired;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
