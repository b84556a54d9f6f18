#ifndef JOINLY_DETAIL_SQLITE_EXAMINE_HPP
#define JOINLY_DETAIL_SQLITE_EXAMINE_HPP
// Checking a whole database: thoroughly, or in the order of the disk, which takes a fraction of the time. These functions throw
// SQLite::Exception; sqlite_attempt turns that into an Error.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/index.hpp>
#include <joinly/detail/sqlite/scan.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline Status sqlite_check_version(std::string_view key, const RecordView& record, Version last) {
    if (record.version <= last) return {};
    return failure(Errc::corrupt, "key '" + printable(key) + "' is at version " + std::to_string(record.version) +
                                      ", above the last one, " + std::to_string(last));
}

/// SQLite's own check of its pages and indexes, then every record's checksum and index entries, in one read transaction.
[[nodiscard]] inline Status sqlite_verify(SqliteConnection& connection, const std::string& path) {
    const SqliteRollbackAtEnd at_end{connection};
    connection.run(SqliteSql::begin_read);
    const std::string found = connection.database().execAndGet("PRAGMA integrity_check(1)").getString();
    if (found != "ok") return failure(Errc::corrupt, path + ": " + found);
    const Result<Version> last = sqlite_last_version(connection);
    if (!last) return failure(last.error());

    SqliteScan scan{connection, KeyRange{}};
    for (;;) {
        const Result<bool> more = scan.next();
        if (!more) return failure(more.error());
        if (!*more) return {};
        if (Status known = sqlite_check_version(scan.key(), scan.record(), *last); !known) return known;
        if (Status indexed = sqlite_verify_index(connection, scan.key(), scan.record()); !indexed) return indexed;
    }
}

/// Every record and index entry once, as the tables have them. Within a transaction of the caller's.
class SqliteTableScan {
public:
    explicit SqliteTableScan(SqliteConnection& connection)
        : connection_{connection}, rows_{std::in_place, connection.statement(SqliteSql::all_records), connection.handle()} {}

    /// As SqliteScan.
    [[nodiscard]] Result<bool> next() {
        while (!rows_->next()) {
            if (in_entries_ || !connection_.has_index_entries()) return false;
            in_entries_ = true;
            rows_.emplace(connection_.statement(SqliteSql::all_entries), connection_.handle());
        }
        key_ = rows_->bytes(4);
        const Result<RecordView> record = sqlite_record(*rows_, key_);
        if (!record) return failure(record.error());
        record_ = *record;
        return true;
    }
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] const RecordView& record() const noexcept { return record_; }
    [[nodiscard]] std::int64_t rowid() const { return rows_->number(6); }

private:
    SqliteConnection& connection_;
    std::optional<SqliteQuery> rows_;
    bool in_entries_ = false;
    std::string_view key_;
    RecordView record_;
};

/// What the tables say that the indexes must hold, and what they do hold, as sums of hashes: the order is another on each side, and
/// looking each row up on the other one would take ten times as long.
class SqliteIndexSums {
public:
    void add(const SqliteTableScan& row) {
        const RecordView& record = row.record();
        if (is_index_entry(row.key())) {
            entries_ -= hash(row.key(), record.value);
            return;
        }
        keys_ += hash(row.key(), row.rowid());
        if (!record.expires_at.is_never()) expiries_ += expiry_hash(row.key(), record.expires_at.at().time_since_epoch().count());
        for (std::string_view rest = record.index_terms; const auto term = take_index_term(rest);) {
            const auto before = record.index_terms.substr(0, record.index_terms.size() - rest.size() - term->size() - 2);
            if (has_index_term(before, *term)) continue;  // two terms that are the same make one entry
            const IndexEntry entry = index_entry(row.key(), *term);
            entries_ += hash(entry.key, entry.value);
        }
    }

    /// Reads the indexes. @return `corrupt` where they do not hold what the tables say, or their keys are not in order.
    [[nodiscard]] Status compare(SqliteConnection& connection, const std::string& path) {
        std::string before;
        SqliteQuery keys = connection.query(SqliteSql::all_keys);
        for (bool first = true; keys.next(); first = false) {
            const std::string_view key = keys.bytes(0);
            if (!first && key <= before) return differs(path, "the index of keys is out of order at '" + printable(key) + '\'');
            before = key;
            keys_ -= hash(key, keys.number(1));
        }
        SqliteQuery expiries = connection.query(SqliteSql::all_expiries);
        while (expiries.next()) expiries_ -= expiry_hash(expiries.bytes(1), expiries.number(0));
        if (keys_ != 0) return differs(path, "the index of keys and the table record do not agree");
        if (expiries_ != 0) return differs(path, "the index record_expires_at and the table record do not agree");
        if (entries_ != 0) return differs(path, "index entries and records do not agree");
        return {};
    }

private:
    [[nodiscard]] std::uint64_t hash(std::string_view key, std::string_view value) const noexcept {
        return hash_bytes(value, hash_bytes(key, seed_));
    }
    [[nodiscard]] std::uint64_t hash(std::string_view key, std::int64_t rowid) const noexcept {
        return folded_multiply(hash_bytes(key, seed_), static_cast<std::uint64_t>(rowid) ^ hashing::odd_a);
    }
    [[nodiscard]] std::uint64_t expiry_hash(std::string_view key, std::int64_t unix_ms) const noexcept {
        return hash(key, unix_ms);
    }
    [[nodiscard]] static Status differs(const std::string& path, const std::string& how) {
        return failure(Errc::corrupt, path + ": " + how + "; verify_integrity may tell where");
    }

    std::uint64_t seed_ = random_seed();
    std::uint64_t keys_ = 0;
    std::uint64_t expiries_ = 0;
    std::uint64_t entries_ = 0;
};

/// In one read transaction and in the order of the disk: SQLite's check of its pages, each record's checksum, and whether the
/// library's indexes agree with the tables. What a program has added of its own is checked for its pages only. `visit` sees each
/// sound record, `on_flaw` what is wrong.
[[nodiscard]] inline Status sqlite_examine(SqliteConnection& connection, const std::string& path, ScanVisitor visit,
                                           FlawVisitor on_flaw) {
    const SqliteRollbackAtEnd at_end{connection};
    connection.run(SqliteSql::begin_read);
    SQLite::Statement check{connection.database(), "PRAGMA quick_check"};  // tells up to 100
    while (check.executeStep()) {
        const std::string found = check.getColumn(0).getString();
        if (found != "ok" && !on_flaw({}, {Errc::corrupt, path + ": " + found})) return failure(Errc::cancelled);
    }
    const Result<Version> last = sqlite_last_version(connection);
    if (!last && !on_flaw({}, last.error())) return failure(Errc::cancelled);

    SqliteTableScan scan{connection};
    SqliteIndexSums sums;
    bool any_damaged = false;
    for (;;) {
        const Result<bool> more = scan.next();
        if (more && !*more) break;
        Status sound = more ? Status{} : failure(more.error());
        if (sound && last) sound = sqlite_check_version(scan.key(), scan.record(), *last);
        if (!sound) {
            any_damaged = true;
            if (!on_flaw(scan.key(), sound.error())) return failure(Errc::cancelled);
            continue;
        }
        sums.add(scan);
        if (!visit(scan.key(), scan.record())) return failure(Errc::cancelled);
    }
    if (any_damaged) return {};  // nobody knows what the indexes should hold
    const Status agree = sums.compare(connection, path);
    return agree || on_flaw({}, agree.error()) ? Status{} : failure(Errc::cancelled);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
