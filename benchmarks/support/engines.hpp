#ifndef JOINLY_BENCHMARKS_SUPPORT_ENGINES_HPP
#define JOINLY_BENCHMARKS_SUPPORT_ENGINES_HPP
// Engines behind one small interface: ours through its adapters, and the engines' own. None of them fsyncs.

#include <benchmarks/support/subjects.hpp>

#include <sqlite3.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#if JOINLY_BENCH_PERSISTENT_CACHE
#include <core/persistent_string_cache.h>
#endif
#if JOINLY_BENCH_LMDB  // where CMake has found it
#include <lmdb.h>
#endif
#if JOINLY_BENCH_ROCKSDB
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#endif

namespace joinly::bench {

struct Row {
    std::string key;
    std::string value;
};

/// One of our backends.
template <class Subject>
class Adapter {
public:
    static std::string name() { return std::string{Subject::name} + "/joinly"; }

    void put(std::span<const Row> rows) {
        batch_.changes.resize(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            batch_.changes[i].key = rows[i].key;
            batch_.changes[i].value = rows[i].value;
        }
        must(backend_.write(batch_));
    }
    std::optional<std::string> get(std::string_view key) {
        auto record = backend_.read(key);
        if (!record) return std::nullopt;
        return std::move(record->value);
    }
    std::size_t scan(const std::string& from, std::size_t count) {
        std::size_t bytes = 0;
        must(backend_.scan({from, "", Direction::forward}, [&](std::string_view, const RecordView& record) {
            bytes += record.value.size();
            return --count > 0;
        }));
        return bytes;
    }

private:
    test::TempDir dir_;
    typename Subject::Backend backend_ = must(Subject::Backend::open(Subject::options(dir_.path().string())));
    Batch batch_;
};

/// SQLite's C interface: prepared statements, kept; WAL, synchronous=NORMAL, and the page cache that the adapter has. With
/// `same`, the adapter's table and statements; else a table of keys and values.
template <bool same>
class RawSqlite {
public:
    static std::string name() { return same ? "sqlite/raw_same" : "sqlite/raw"; }

    RawSqlite() { open(); }
    RawSqlite(const RawSqlite&) = delete;
    RawSqlite& operator=(const RawSqlite&) = delete;
    ~RawSqlite() { close(); }

    /// As if another process did: with nothing in the page cache.
    void open() {
        close();
        const std::string path = dir_.path().string() + "/db";
        must_be(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr) ==
                    SQLITE_OK,
                "sqlite3_open_v2");
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4097");
        if constexpr (same) {
            run("CREATE TABLE IF NOT EXISTS record(key BLOB PRIMARY KEY NOT NULL, value ANY NOT NULL, version INTEGER NOT NULL,"
                " expires_at INTEGER, checksum INTEGER NOT NULL, index_terms BLOB) STRICT;"
                "CREATE INDEX IF NOT EXISTS record_expires_at ON record(expires_at, key) WHERE expires_at IS NOT NULL;"
                "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT;"
                "INSERT OR IGNORE INTO meta VALUES('last_version', 0)");
            get_ = prepare("SELECT value, version, expires_at, checksum, index_terms FROM record WHERE key = ?1");
            put_ = prepare(
                "INSERT INTO record(key, value, version, expires_at, checksum, index_terms) VALUES(?1, ?2, ?3, NULL, ?4, NULL)"
                " ON CONFLICT(key) DO UPDATE SET value = excluded.value, version = excluded.version,"
                " expires_at = excluded.expires_at, checksum = excluded.checksum, index_terms = excluded.index_terms");
            scan_ =
                prepare("SELECT value, version, expires_at, checksum, key, index_terms FROM record WHERE key >= ?1 ORDER BY key");
            last_version_ = prepare("SELECT value FROM meta WHERE name = 'last_version'");
            set_last_version_ = prepare("UPDATE meta SET value = ?1 WHERE name = 'last_version'");
        } else {
            run("CREATE TABLE IF NOT EXISTS record(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)");
            get_ = prepare("SELECT value FROM record WHERE key = ?1");
            put_ = prepare("INSERT INTO record(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value");
            scan_ = prepare("SELECT value, key FROM record WHERE key >= ?1 ORDER BY key");
        }
        begin_ = prepare("BEGIN IMMEDIATE");
        commit_ = prepare("COMMIT");
    }
    void put(std::span<const Row> rows) {
        const bool in_transaction = same || rows.size() > 1;
        if (in_transaction) step(begin_);
        sqlite3_int64 version = 0;
        if constexpr (same) {
            must_be(sqlite3_step(last_version_) == SQLITE_ROW, "meta");
            version = sqlite3_column_int64(last_version_, 0) + 1;
            sqlite3_reset(last_version_);
        }
        for (const Row& row : rows) {
            sqlite3_bind_blob(put_, 1, row.key.data(), static_cast<int>(row.key.size()), SQLITE_STATIC);
            sqlite3_bind_blob(put_, 2, row.value.data(), static_cast<int>(row.value.size()), SQLITE_STATIC);
            if constexpr (same) {
                sqlite3_bind_int64(put_, 3, version);
                sqlite3_bind_int64(put_, 4, 0x7fffffff);
            }
            step(put_);
        }
        if constexpr (same) {
            sqlite3_bind_int64(set_last_version_, 1, version);
            step(set_last_version_);
        }
        if (in_transaction) step(commit_);
    }
    std::optional<std::string> get(std::string_view key) {
        std::optional<std::string> value;
        sqlite3_bind_blob(get_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
        if (sqlite3_step(get_) == SQLITE_ROW) {
            const void* const bytes = sqlite3_column_blob(get_, 0);
            value.emplace(static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(get_, 0)));
            if constexpr (same) read_the_rest(get_);
        }
        sqlite3_reset(get_);
        return value;
    }
    std::size_t scan(const std::string& from, std::size_t count) {
        std::size_t bytes = 0;
        sqlite3_bind_blob(scan_, 1, from.data(), static_cast<int>(from.size()), SQLITE_STATIC);
        while (count-- > 0 && sqlite3_step(scan_) == SQLITE_ROW) {
            benchmark::DoNotOptimize(sqlite3_column_blob(scan_, 0));
            bytes += static_cast<std::size_t>(sqlite3_column_bytes(scan_, 0));
            if constexpr (same) read_the_rest(scan_);
        }
        sqlite3_reset(scan_);
        return bytes;
    }

private:
    void close() {
        for (sqlite3_stmt* each : {get_, put_, scan_, begin_, commit_, last_version_, set_last_version_}) sqlite3_finalize(each);
        sqlite3_close(db_);
    }
    void run(const char* sql) { must_be(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db_)); }
    sqlite3_stmt* prepare(const char* sql) {
        sqlite3_stmt* made = nullptr;
        must_be(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) == SQLITE_OK, sqlite3_errmsg(db_));
        return made;
    }
    void step(sqlite3_stmt* statement) {
        must_be(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(db_));
        sqlite3_reset(statement);
    }
    static void read_the_rest(sqlite3_stmt* row) {
        benchmark::DoNotOptimize(sqlite3_column_int64(row, 1));
        benchmark::DoNotOptimize(sqlite3_column_type(row, 2));
        benchmark::DoNotOptimize(sqlite3_column_int64(row, 3));
        benchmark::DoNotOptimize(sqlite3_column_blob(row, same ? sqlite3_column_count(row) - 1 : 0));
    }

    test::TempDir dir_;
    sqlite3* db_ = nullptr;
    sqlite3_stmt* get_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
    sqlite3_stmt* scan_ = nullptr;
    sqlite3_stmt* begin_ = nullptr;
    sqlite3_stmt* commit_ = nullptr;
    sqlite3_stmt* last_version_ = nullptr;
    sqlite3_stmt* set_last_version_ = nullptr;
};

/// SQLiteCpp as its examples use it, with kept statements.
class ViaSqliteCpp {
public:
    static std::string name() { return "sqlite/sqlitecpp"; }

    ViaSqliteCpp() {
        db_.exec(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4097;"
            "CREATE TABLE record(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)");
        get_.emplace(db_, "SELECT value FROM record WHERE key = ?1");
        put_.emplace(db_, "INSERT INTO record(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value");
        scan_.emplace(db_, "SELECT value, key FROM record WHERE key >= ?1 ORDER BY key");
        begin_.emplace(db_, "BEGIN IMMEDIATE");
        commit_.emplace(db_, "COMMIT");
    }
    ViaSqliteCpp(const ViaSqliteCpp&) = delete;
    ViaSqliteCpp& operator=(const ViaSqliteCpp&) = delete;

    void put(std::span<const Row> rows) {
        if (rows.size() > 1) step(*begin_);
        for (const Row& row : rows) {
            put_->bindNoCopy(1, row.key.data(), static_cast<int>(row.key.size()));
            put_->bindNoCopy(2, row.value.data(), static_cast<int>(row.value.size()));
            step(*put_);
        }
        if (rows.size() > 1) step(*commit_);
    }
    std::optional<std::string> get(std::string_view key) {
        std::optional<std::string> value;
        get_->bindNoCopy(1, key.data(), static_cast<int>(key.size()));
        if (get_->executeStep()) {
            const SQLite::Column column = get_->getColumn(0);
            value.emplace(static_cast<const char*>(column.getBlob()), static_cast<std::size_t>(column.getBytes()));
        }
        get_->reset();
        return value;
    }
    std::size_t scan(const std::string& from, std::size_t count) {
        std::size_t bytes = 0;
        scan_->bindNoCopy(1, from.data(), static_cast<int>(from.size()));
        while (count-- > 0 && scan_->executeStep()) {
            const SQLite::Column column = scan_->getColumn(0);
            benchmark::DoNotOptimize(column.getBlob());
            bytes += static_cast<std::size_t>(column.getBytes());
        }
        scan_->reset();
        return bytes;
    }

private:
    static void step(SQLite::Statement& statement) {
        statement.executeStep();
        statement.reset();
    }

    test::TempDir dir_;
    SQLite::Database db_{dir_.path().string() + "/db", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX};
    std::optional<SQLite::Statement> get_, put_, scan_, begin_, commit_;
};

/// LevelDB's and RocksDB's interfaces are alike.
template <class Db, class Batch, class ReadOptions, class WriteOptions>
class LsmTree {
public:
    void put(std::span<const Row> rows) {
        Batch batch;
        for (const Row& row : rows) batch.Put(row.key, row.value);
        must_be(db_->Write(WriteOptions{}, &batch).ok(), "Write");
    }
    std::optional<std::string> get(const std::string& key) {
        std::optional<std::string> value{std::in_place};
        if (!db_->Get(read_options_, key, &*value).ok()) value.reset();
        return value;
    }
    std::size_t scan(const std::string& from, std::size_t count) {
        std::size_t bytes = 0;
        const auto at =
            std::unique_ptr<std::remove_pointer_t<decltype(db_->NewIterator(read_options_))>>{db_->NewIterator(read_options_)};
        for (at->Seek(from); count-- > 0 && at->Valid(); at->Next()) bytes += at->value().size();
        return bytes;
    }

protected:
    test::TempDir dir_;
    ReadOptions read_options_;
    std::unique_ptr<Db> db_;
};

/// As the adapter opens it: see LevelDbOptions. With `same`, values have the 14 bytes before them that the adapter's have, and a
/// batch writes the last version too.
template <bool same>
class RawLevelDb : public LsmTree<leveldb::DB, leveldb::WriteBatch, leveldb::ReadOptions, leveldb::WriteOptions> {
public:
    static std::string name() { return same ? "leveldb/raw_same" : "leveldb/raw"; }

    RawLevelDb() {
        read_options_.verify_checksums = true;
        open();
    }
    RawLevelDb(const RawLevelDb&) = delete;
    RawLevelDb& operator=(const RawLevelDb&) = delete;
    ~RawLevelDb() { db_.reset(); }

    /// As if another process did: what the log holds goes to a table.
    void open() {
        db_.reset();
        leveldb::Options options;
        options.create_if_missing = true;
        options.paranoid_checks = true;
        options.write_buffer_size = std::size_t{64} << 20;
        options.filter_policy = filter_.get();
        options.block_cache = cache_.get();
        leveldb::DB* db = nullptr;
        must_be(leveldb::DB::Open(options, dir_.path().string() + "/db", &db).ok(), "leveldb::DB::Open");
        db_.reset(db);
    }

    void put(std::span<const Row> rows) {
        if constexpr (!same) {
            LsmTree::put(rows);
        } else {
            leveldb::WriteBatch batch;
            for (const Row& row : rows) {
                with_head_.assign(head_bytes, 'h').append(row.value);
                batch.Put(row.key, with_head_);
            }
            batch.Put("last_version", leveldb::Slice{with_head_.data(), head_bytes});
            must_be(db_->Write({}, &batch).ok(), "Write");
        }
    }
    std::optional<std::string> get(const std::string& key) {
        auto value = LsmTree::get(key);
        if (same && value) value->erase(0, head_bytes);
        return value;
    }

private:
    static constexpr std::size_t head_bytes = 14;

    std::unique_ptr<const leveldb::FilterPolicy> filter_{leveldb::NewBloomFilterPolicy(10)};
    std::unique_ptr<leveldb::Cache> cache_{leveldb::NewLRUCache(std::size_t{32} << 20)};
    std::string with_head_;
};

#if JOINLY_BENCH_ROCKSDB
class RawRocksDb : public LsmTree<rocksdb::DB, rocksdb::WriteBatch, rocksdb::ReadOptions, rocksdb::WriteOptions> {
public:
    static std::string name() { return "rocksdb/raw"; }

    RawRocksDb() {
        rocksdb::BlockBasedTableOptions table;
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        table.block_cache = rocksdb::NewLRUCache(std::size_t{32} << 20);
        rocksdb::Options options;
        options.create_if_missing = true;
        options.compression = rocksdb::kSnappyCompression;
        options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
        rocksdb::DB* db = nullptr;
        must_be(rocksdb::DB::Open(options, dir_.path().string() + "/db", &db).ok(), "rocksdb::DB::Open");
        db_.reset(db);
    }
};
#endif

#if JOINLY_BENCH_PERSISTENT_CACHE
/// A cache that keeps its entries in LevelDB, so large here that nothing leaves it. It has no batches and no scans.
class PersistentCache {
public:
    static std::string name() { return "leveldb/persistent_cache_cpp"; }

    void put(std::span<const Row> rows) {
        for (const Row& row : rows) must_be(cache_->put(row.key, row.value), "put");
    }
    std::optional<std::string> get(const std::string& key) {
        auto value = cache_->get(key);
        if (!value) return std::nullopt;
        return *std::move(value);
    }

private:
    test::TempDir dir_;
    core::PersistentStringCache::UPtr cache_ =
        core::PersistentStringCache::open(dir_.path().string() + "/db", std::int64_t{1} << 30, core::CacheDiscardPolicy::lru_only);
};
#endif

#if JOINLY_BENCH_LMDB
/// A write transaction or a read transaction for each call, MDB_NOSYNC.
class RawLmdb {
public:
    static std::string name() { return "lmdb/raw"; }

    RawLmdb() {
        must_be(mdb_env_create(&env_) == 0, "mdb_env_create");
        mdb_env_set_mapsize(env_, std::size_t{1} << 30);
        must_be(mdb_env_open(env_, dir_.path().c_str(), MDB_NOSYNC, 0644) == 0, "mdb_env_open");
        MDB_txn* transaction = nullptr;
        must_be(mdb_txn_begin(env_, nullptr, 0, &transaction) == 0 && mdb_dbi_open(transaction, nullptr, 0, &table_) == 0 &&
                    mdb_txn_commit(transaction) == 0,
                "mdb_dbi_open");
        must_be(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reading_) == 0, "mdb_txn_begin");
        mdb_txn_reset(reading_);
    }
    RawLmdb(const RawLmdb&) = delete;
    RawLmdb& operator=(const RawLmdb&) = delete;
    ~RawLmdb() {
        mdb_txn_abort(reading_);
        mdb_env_close(env_);
    }

    void put(std::span<const Row> rows) {
        MDB_txn* transaction = nullptr;
        must_be(mdb_txn_begin(env_, nullptr, 0, &transaction) == 0, "mdb_txn_begin");
        for (const Row& row : rows) {
            MDB_val key = to_val(row.key), value = to_val(row.value);
            must_be(mdb_put(transaction, table_, &key, &value, 0) == 0, "mdb_put");
        }
        must_be(mdb_txn_commit(transaction) == 0, "mdb_txn_commit");
    }
    std::optional<std::string> get(std::string_view wanted) {
        must_be(mdb_txn_renew(reading_) == 0, "mdb_txn_renew");
        std::optional<std::string> value;
        MDB_val key = to_val(wanted), found;
        if (mdb_get(reading_, table_, &key, &found) == 0) value.emplace(static_cast<const char*>(found.mv_data), found.mv_size);
        mdb_txn_reset(reading_);
        return value;
    }
    std::size_t scan(std::string_view from, std::size_t count) {
        std::size_t bytes = 0;
        must_be(mdb_txn_renew(reading_) == 0, "mdb_txn_renew");
        MDB_cursor* at = nullptr;
        must_be(mdb_cursor_open(reading_, table_, &at) == 0, "mdb_cursor_open");
        MDB_val key = to_val(from), found;
        for (int code = mdb_cursor_get(at, &key, &found, MDB_SET_RANGE); code == 0 && count-- > 0;
             code = mdb_cursor_get(at, &key, &found, MDB_NEXT))
            bytes += found.mv_size;
        mdb_cursor_close(at);
        mdb_txn_reset(reading_);
        return bytes;
    }

private:
    static MDB_val to_val(std::string_view bytes) noexcept { return {bytes.size(), const_cast<char*>(bytes.data())}; }

    test::TempDir dir_;
    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
    MDB_txn* reading_ = nullptr;
};
#endif

}  // namespace joinly::bench
#endif
