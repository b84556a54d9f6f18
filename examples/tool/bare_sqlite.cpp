#include <sqlite3.h>

#include "bare_engine.hpp"

namespace tool {
namespace {

class BareSqlite final : public BareEngine {
public:
    ~BareSqlite() override {
        for (sqlite3_stmt* each : {begin_, commit_, put_, get_, all_}) sqlite3_finalize(each);
        sqlite3_close(db_);
    }

    joinly::Status open(const std::string& path) {
        constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        constexpr const char* set_up =
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-4096;"
            "CREATE TABLE record(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)";
        if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) return failed();
        if (sqlite3_exec(db_, set_up, nullptr, nullptr, nullptr) != SQLITE_OK) return failed();
        const bool prepared =
            prepare(begin_, "BEGIN IMMEDIATE") && prepare(commit_, "COMMIT") &&
            prepare(put_, "INSERT INTO record VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value") &&
            prepare(get_, "SELECT value FROM record WHERE key = ?1") && prepare(all_, "SELECT key, value FROM record ORDER BY key");
        return prepared ? joinly::Status{} : failed();
    }

    joinly::Status put(std::span<const KeyAndValue> rows) override {
        if (!run(begin_)) return failed();
        for (const KeyAndValue& row : rows) {
            bind(put_, 1, row.key);
            bind(put_, 2, row.value);
            if (!run(put_)) return failed();
        }
        return run(commit_) ? joinly::Status{} : failed();
    }

    joinly::Result<std::string> get(const std::string& key) override {
        bind(get_, 1, key);
        joinly::Result<std::string> value = joinly::failure(joinly::Errc::not_found);
        if (sqlite3_step(get_) == SQLITE_ROW) value = std::string{column(get_, 0)};
        sqlite3_reset(get_);
        return value;
    }

    joinly::Result<std::uint64_t> read_all() override {
        std::uint64_t rows = 0;
        std::string copy;  // somebody reads it
        while (sqlite3_step(all_) == SQLITE_ROW) {
            copy.assign(column(all_, 0)).append(column(all_, 1));
            ++rows;
        }
        sqlite3_reset(all_);
        return rows;
    }

private:
    [[nodiscard]] tl::unexpected<joinly::Error> failed() { return joinly::failure(joinly::Errc::io, sqlite3_errmsg(db_)); }
    bool prepare(sqlite3_stmt*& statement, const char* sql) {
        return sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) == SQLITE_OK;
    }
    static void bind(sqlite3_stmt* statement, int index, const std::string& bytes) {
        sqlite3_bind_blob(statement, index, bytes.data(), static_cast<int>(bytes.size()), nullptr);  // it outlives the step
    }
    static bool run(sqlite3_stmt* statement) {
        const bool done = sqlite3_step(statement) == SQLITE_DONE;
        sqlite3_reset(statement);
        return done;
    }
    static std::string_view column(sqlite3_stmt* row, int index) {
        const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(row, index));
        return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, index))};
    }

    sqlite3* db_ = nullptr;
    sqlite3_stmt* begin_ = nullptr;
    sqlite3_stmt* commit_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
    sqlite3_stmt* get_ = nullptr;
    sqlite3_stmt* all_ = nullptr;
};

}  // namespace

joinly::Result<std::unique_ptr<BareEngine>> open_bare_sqlite(const std::string& path) {
    auto engine = std::make_unique<BareSqlite>();
    if (auto opened = engine->open(path); !opened) return joinly::failure(opened.error());
    return engine;
}

}  // namespace tool
