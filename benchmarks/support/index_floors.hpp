#ifndef JOINLY_BENCHMARKS_SUPPORT_INDEX_FLOORS_HPP
#define JOINLY_BENCHMARKS_SUPPORT_INDEX_FLOORS_HPP
// What the engines themselves take for the writes and reads that a save with indexes consists of: nothing is encoded, and no
// checksum computed.

#include <benchmarks/support/engines.hpp>
#include <benchmarks/support/subjects.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/detail/entry_changes.hpp>

#include <initializer_list>
#include <span>
#include <string_view>

namespace joinly::bench {

/// A record to be written, and what indexes know it by before and after, packed (see core/index_entry.hpp).
struct RawSave {
    std::string key;
    std::string value;
    std::string terms_before;
    std::string terms;
};

/// leveldb::DB, opened as the adapter opens it. Values have the 14 bytes before them that the adapter's have.
class RawIndexedLevelDb {
public:
    static constexpr const char* name = "leveldb";

    RawIndexedLevelDb() {
        leveldb::Options options;
        options.create_if_missing = true;
        options.paranoid_checks = true;
        options.write_buffer_size = std::size_t{64} << 20;
        options.filter_policy = filter_.get();
        options.block_cache = cache_.get();
        leveldb::DB* db = nullptr;
        must_be(leveldb::DB::Open(options, dir_.path().string() + "/db", &db).ok(), "leveldb::DB::Open");
        db_.reset(db);
        read_options_.verify_checksums = true;
    }
    RawIndexedLevelDb(const RawIndexedLevelDb&) = delete;
    RawIndexedLevelDb& operator=(const RawIndexedLevelDb&) = delete;
    ~RawIndexedLevelDb() { db_.reset(); }

    void save(std::span<const RawSave> saves) {
        leveldb::WriteBatch batch;
        const auto put = [&](const std::string& key, std::string_view value) {
            bytes_.assign(14, 'h').append(value);
            batch.Put(key, bytes_);
        };
        for (const RawSave& save : saves) {
            if (!save.terms.empty()) {
                (void)db_->Get(read_options_, save.key, &bytes_);
                entries_.add(save.key, save.terms_before, save.terms, 0);
            }
            put(save.key, save.terms + save.value);
        }
        entries_.make_all(
            [&](const detail::EntryChange& entry) { entry.value ? put(entry.key, *entry.value) : batch.Delete(entry.key); });
        put("last_version", "");
        must_be(db_->Write({}, &batch).ok(), "leveldb::DB::Write");
    }

private:
    test::TempDir dir_;
    std::unique_ptr<const leveldb::FilterPolicy> filter_{leveldb::NewBloomFilterPolicy(10)};
    std::unique_ptr<leveldb::Cache> cache_{leveldb::NewLRUCache(std::size_t{32} << 20)};
    leveldb::ReadOptions read_options_;
    std::unique_ptr<leveldb::DB> db_;
    std::string bytes_;
    detail::EntryChanges entries_;
};

/// SQLite's C interface with the adapter's tables, kept statements, WAL and synchronous=NORMAL.
class RawIndexedSqlite {
public:
    static constexpr const char* name = "sqlite";

    RawIndexedSqlite() {
        const std::string path = dir_.path().string() + "/db";
        constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        must_be(sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) == SQLITE_OK, "sqlite3_open_v2");
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4097;"
            "CREATE TABLE record(key BLOB PRIMARY KEY NOT NULL, value ANY NOT NULL, version INTEGER NOT NULL, expires_at INTEGER,"
            " checksum INTEGER NOT NULL, index_terms BLOB) STRICT;"
            "CREATE INDEX record_expires_at ON record(expires_at, key) WHERE expires_at IS NOT NULL;"
            "CREATE TABLE index_entry(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT,"
            " WITHOUT ROWID");
        terms_ = prepare("SELECT index_terms FROM record WHERE key = ?1");
        put_ = prepare(
            "INSERT INTO record(key, value, version, expires_at, checksum, index_terms) VALUES(?1, ?2, 7, NULL, 7, ?3)"
            " ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = excluded.version,"
            " expires_at = excluded.expires_at, checksum = excluded.checksum, index_terms = excluded.index_terms");
        put_entry_ = prepare("REPLACE INTO index_entry(key, value, version) VALUES(?1, ?2, 7)");
        erase_entry_ = prepare("DELETE FROM index_entry WHERE key = ?1");
    }
    RawIndexedSqlite(const RawIndexedSqlite&) = delete;
    RawIndexedSqlite& operator=(const RawIndexedSqlite&) = delete;
    ~RawIndexedSqlite() {
        for (sqlite3_stmt* each : {terms_, put_, put_entry_, erase_entry_}) sqlite3_finalize(each);
        sqlite3_close(db_);
    }

    void save(std::span<const RawSave> saves) {
        run("BEGIN IMMEDIATE");
        for (const RawSave& save : saves) {
            if (!save.terms.empty()) {
                step(terms_, {save.key});
                entries_.add(save.key, save.terms_before, save.terms, 0);
            }
            step(put_, {save.key, save.value, save.terms});
        }
        entries_.make_all([&](const detail::EntryChange& entry) {
            entry.value ? step(put_entry_, {entry.key, *entry.value}) : step(erase_entry_, {entry.key});
        });
        run("COMMIT");
    }

private:
    void run(const char* sql) { must_be(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db_)); }
    sqlite3_stmt* prepare(const char* sql) {
        sqlite3_stmt* made = nullptr;
        must_be(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) == SQLITE_OK, sqlite3_errmsg(db_));
        return made;
    }
    void step(sqlite3_stmt* statement, std::initializer_list<std::string_view> blobs) {
        int index = 0;
        for (const std::string_view blob : blobs)
            sqlite3_bind_blob(statement, ++index, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
        const int code = sqlite3_step(statement);
        must_be(code == SQLITE_ROW || code == SQLITE_DONE, sqlite3_errmsg(db_));
        sqlite3_reset(statement);
    }

    test::TempDir dir_;
    sqlite3* db_ = nullptr;
    sqlite3_stmt* terms_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
    sqlite3_stmt* put_entry_ = nullptr;
    sqlite3_stmt* erase_entry_ = nullptr;
    detail::EntryChanges entries_;
};

}  // namespace joinly::bench
#endif
