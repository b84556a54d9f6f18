#ifndef JOINLY_DETAIL_SQLITE_WRITE_HPP
#define JOINLY_DETAIL_SQLITE_WRITE_HPP
// What one write transaction does: it decides each batch of a group in turn, and makes the changes of those that may.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range_digest.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entry_changes.hpp>
#include <joinly/detail/group_commit.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/scan.hpp>
#include <joinly/detail/version_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr Version sqlite_max_version = (std::numeric_limits<std::int64_t>::max)();

/// Refuses what SQLite could not store before it costs a transaction. What an index or a trigger of the program's own has
/// against a batch shows only half-way through it: see sqlite_apply_group.
[[nodiscard]] inline Status sqlite_validate(const Batch& batch, std::size_t max_row_bytes) {
    if (batch.version > sqlite_max_version)
        return failure(Errc::invalid_argument, "version " + std::to_string(batch.version) + " does not fit in 63 bits");
    const auto validate_key = [&](std::string_view key, std::size_t bytes) -> Status {
        if (key.empty()) return failure(Errc::invalid_argument, "the key is empty");
        if (bytes <= max_row_bytes) return {};
        return failure(Errc::invalid_argument, "the record of key '" + std::string{key.substr(0, 1024)} + "' has " +
                                                   std::to_string(bytes) + " bytes; SQLite takes " + std::to_string(max_row_bytes));
    };
    for (const Requirement& requirement : batch.requirements) {
        if (Status valid = validate_key(requirement.key, requirement.key.size()); !valid) return valid;
    }
    for (const Change& change : batch.changes) {
        const std::size_t bytes =
            change.key.size() + (change.value ? change.value->size() : 0) + (change.index_terms ? change.index_terms->size() : 0);
        if (Status valid = validate_key(change.key, bytes); !valid) return valid;
    }
    return {};
}

/// The version that `batch` commits at, above `last`.
[[nodiscard]] inline Result<Version> sqlite_decide_version(const Batch& batch, Version last) {
    if (batch.after && *batch.after != last) {
        return failure(Errc::conflict, "the database is at version " + std::to_string(last) + ", not " +
                                           std::to_string(*batch.after) + ": another writer was here");
    }
    if (batch.version != absent && batch.version <= last) {
        return failure(Errc::conflict, "the batch's version " + std::to_string(batch.version) + " is not above the last one, " +
                                           std::to_string(last));
    }
    if (last == sqlite_max_version) return failure(Errc::full, "the versions are used up");
    const Version version = batch.version == absent ? last + 1 : batch.version;
    for (const Change& change : batch.changes) {
        if (change.version > version) {
            return failure(Errc::invalid_argument, "key '" + change.key + "' would get version " + std::to_string(change.version) +
                                                       ", above the batch's own, " + std::to_string(version));
        }
    }
    return version;
}

[[nodiscard]] inline Status sqlite_decide_requirement(SqliteConnection& connection, const Requirement& requirement, WallTime now) {
    if (connection.own_records().has(requirement.key, requirement.version)) return {};
    const Result<Record> record = sqlite_read(connection, requirement.key);
    if (!record && record.error() != Errc::not_found) return failure(record.error());
    const bool counts = record && (requirement.even_expired || !record->expires_at.has_passed(now));
    const Version found = counts ? record->version : absent;
    if (!record || record->expires_at.is_never()) connection.own_records().note(requirement.key, found);
    if (found == requirement.version) return {};
    return failure(Errc::conflict,
                   "key '" + requirement.key + "' is " + version_text(found) + ", not " + version_text(requirement.version));
}

[[nodiscard]] inline Status sqlite_decide_range(SqliteConnection& connection, const RangeRequirement& requirement, WallTime now) {
    RangeDigest digest{requirement.seed};
    SqliteScan scan{connection, requirement.range};
    for (;;) {
        const Result<bool> more = scan.next();
        if (!more) return failure(more.error());
        if (!*more) break;
        if (!scan.record().expires_at.has_passed(now)) digest.add(scan.key(), scan.record().version);
    }
    if (digest.value() == requirement.digest) return {};
    return range_conflict(requirement.range);
}

/// Puts or erases an index entry.
inline void sqlite_set_entry(SqliteConnection& connection, std::string_view key, std::optional<std::string_view> value,
                             Version version) {
    SqliteQuery query = connection.query(value ? SqliteSql::put_entry : SqliteSql::erase_entry);
    query.set_bytes(1, key);
    if (value) {
        query.set_bytes(2, *value);
        query.set_number(3, static_cast<std::int64_t>(version));
    }
    query.next();
}

/// Puts or erases a record, and nothing else, by one of the statements for that.
inline void sqlite_set_record(SqliteConnection& connection, const Change& change, Version version, SqliteSql statement) {
    connection.own_records().forget(change.key);
    SqliteQuery query = connection.query(statement);
    query.set_bytes(1, change.key);
    if (change.value) {
        const std::string_view terms = change.index_terms ? std::string_view{*change.index_terms} : std::string_view{};
        if (change.form == ValueForm::text)
            query.set_text(2, *change.value);
        else
            query.set_bytes(2, *change.value);
        query.set_number(3, static_cast<std::int64_t>(version));
        if (change.expires_at.is_never())
            query.set_null(4);
        else
            query.set_number(4, change.expires_at.at().time_since_epoch().count());
        query.set_number(5, record_checksum(change.key, *change.value, version, change.expires_at, terms));
        if (statement == SqliteSql::put_record) terms.empty() ? query.set_null(6) : query.set_bytes(6, terms);
    }
    query.next();
}

/// Puts or erases a record that has no terms; false when its predecessor has some, or, of one that is to be erased, is not there.
[[nodiscard]] inline bool sqlite_set_unindexed(SqliteConnection& connection, const Change& change, Version version) {
    sqlite_set_record(connection, change, version, change.value ? SqliteSql::put_unindexed : SqliteSql::erase_unindexed);
    return connection.database().getChanges() != 0;
}

/// Makes the changes of a batch, those of index entries last.
inline void sqlite_make_changes(SqliteConnection& connection, const Batch& batch, Version batch_version) {
    EntryChanges entries;
    const auto make_entries = [&] {
        entries.make_all([&](const EntryChange& entry) { sqlite_set_entry(connection, entry.key, entry.value, entry.version); });
    };
    for (const Change& change : batch.changes) {
        const Version version = change.version == absent ? batch_version : change.version;
        if (is_index_entry(change.key)) {
            make_entries();  // changes of one key are made in their order
            sqlite_set_entry(connection, change.key, change.value, version);
            continue;
        }
        // A program that does not know the record's indexes says nothing of terms.
        if (!change.index_terms && sqlite_set_unindexed(connection, change, version)) continue;
        const std::string_view terms = change.value && change.index_terms ? std::string_view{*change.index_terms} : "";
        entries.add(change.key, sqlite_index_terms(connection, change.key), terms, version);
        sqlite_set_record(connection, change, version, change.value ? SqliteSql::put_record : SqliteSql::erase_record);
    }
    make_entries();
}

/// While it lives, commits are fsynced, if one of a group asks for that and the connection's own options do not. To be made
/// before the transaction begins.
class SqliteFsyncedCommits {
public:
    SqliteFsyncedCommits(SqliteConnection& connection, Sync own, std::span<PendingWrite* const> group) {
        const auto asks = [](const PendingWrite* write) { return write->batch->sync == Sync::power_loss; };
        if (own == Sync::power_loss || std::none_of(group.begin(), group.end(), asks)) return;
        connection.database().exec("PRAGMA synchronous = FULL");
        connection_ = &connection;
    }
    SqliteFsyncedCommits(const SqliteFsyncedCommits&) = delete;
    SqliteFsyncedCommits& operator=(const SqliteFsyncedCommits&) = delete;
    ~SqliteFsyncedCommits() {
        if (connection_ != nullptr) (void)connection_->database().tryExec("PRAGMA synchronous = NORMAL");
    }

private:
    SqliteConnection* connection_ = nullptr;
};

/// Throws when SQLite fails, which ends the whole group; what is wrong with the batch itself is its result, and nothing
/// of it has been done.
[[nodiscard]] inline Result<Version> sqlite_apply(SqliteConnection& connection, const Batch& batch, Version last) {
    Result<Version> version = sqlite_decide_version(batch, last);
    if (!version) return version;
    for (const Requirement& requirement : batch.requirements) {
        if (Status met = sqlite_decide_requirement(connection, requirement, batch.now); !met)
            return failure(std::move(met).error());
    }
    for (const RangeRequirement& requirement : batch.ranges) {
        if (Status met = sqlite_decide_range(connection, requirement, batch.now); !met) return failure(std::move(met).error());
    }
    sqlite_make_changes(connection, batch, *version);
    return version;
}

/// Applies a group in the write transaction that has begun, ends it, and sets each result. An error means that nothing was
/// committed; or, if the commit itself failed, that only reopening the database can show whether it was. Throws when SQLite fails:
/// if what it threw is a refusal (sqlite_is_refusal), one batch is to blame and the others should be tried without it.
[[nodiscard]] inline Status sqlite_apply_group(SqliteConnection& connection, std::span<PendingWrite* const> group) {
    const Result<Version> before = sqlite_last_version(connection);  // another process may have moved it on
    if (!before) return failure(before.error());
    connection.own_records().begin(*before);
    Version last = *before;
    for (PendingWrite* write : group) {
        write->result = sqlite_apply(connection, *write->batch, last);
        if (write->result) last = *write->result;
    }
    if (last != *before) {
        SqliteQuery query = connection.query(SqliteSql::set_last_version);
        query.set_number(1, static_cast<std::int64_t>(last));
        query.next();
    }
    connection.run(last != *before ? SqliteSql::commit : SqliteSql::rollback);
    connection.own_records().end(last);
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
