// What it costs to keep a stream of saves durably: write-behind with a synced journal, which may coalesce and sort for as long as
// the journal allows, beside the engines' own ways. An iteration is 100,000 saves of 100,000 rows, some of them far more often than
// others (Zipf 0.99), and its cost is that of all threads of the process. And how threads that save at once share an fsync.

#include <benchmarks/support/subjects.hpp>
#include <benchmarks/support/zipf.hpp>
#include <joinly/policy/write_behind.hpp>

#include <leveldb/db.h>
#include <leveldb/write_batch.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <thread>

namespace joinly::bench {
struct Row {
    std::string id;
    std::string value;
};
}  // namespace joinly::bench

template <>
struct joinly::Entity<joinly::bench::Row> {
    static constexpr std::string_view kind = "row";
    static constexpr auto& id(auto& row) { return row.id; }
    static constexpr void fields(auto& row, auto&& field) {
        field(1, "id", row.id);
        field(2, "value", row.value);
    }
};

namespace {

using namespace joinly::bench;

constexpr std::size_t rows = 100'000;
constexpr std::size_t saves = 100'000;
constexpr std::size_t batch_rows = 1'000;

const std::string& key(std::size_t row) {
    static const auto keys = [] {
        std::vector<std::string> made;
        for (std::size_t number = 0; number < rows; ++number)
            made.push_back(std::to_string(1'000'000'007ULL * number % 999'983'777ULL));
        return made;
    }();
    return keys[row];
}
const std::string value(180, 'v');

std::vector<std::size_t> some_rows(std::uint64_t seed) {
    static const Zipf zipf{rows, 0.99};
    Random random{seed};
    std::vector<std::size_t> chosen(saves);
    for (auto& row : chosen) row = zipf(random);
    return chosen;
}

// --- the engines by themselves, with the table of ours

class RawSqlite {
public:
    explicit RawSqlite(const std::string& directory) {
        check(sqlite3_open((directory + "/db").c_str(), &db_));
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE record(key BLOB PRIMARY KEY NOT NULL, value ANY NOT NULL, version INTEGER NOT NULL,"
            "expires_at INTEGER, checksum INTEGER NOT NULL) STRICT;"
            "CREATE INDEX record_expiry ON record(expires_at) WHERE expires_at IS NOT NULL");
        check(sqlite3_prepare_v2(db_, "INSERT OR REPLACE INTO record VALUES(?,?,1,NULL,1)", -1, &put_, nullptr));
    }
    ~RawSqlite() {
        sqlite3_finalize(put_);
        sqlite3_close(db_);
    }
    void begin() { run("BEGIN IMMEDIATE"); }
    void put(const std::string& key) {
        sqlite3_bind_blob(put_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
        sqlite3_bind_blob(put_, 2, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
        check(sqlite3_step(put_));
        sqlite3_reset(put_);
    }
    void commit() { run("COMMIT"); }

private:
    static void check(int code) {
        if (code != SQLITE_OK && code != SQLITE_DONE) std::exit(1);
    }
    void run(const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
    sqlite3* db_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
};

class RawLevelDb {
public:
    explicit RawLevelDb(const std::string& directory) {
        leveldb::Options options;
        options.create_if_missing = true;
        leveldb::DB* db = nullptr;
        if (!leveldb::DB::Open(options, directory + "/db", &db).ok()) std::exit(1);
        db_.reset(db);
    }
    void begin() { batch_.Clear(); }
    void put(const std::string& key) { batch_.Put(key, value); }
    void commit() {
        if (!db_->Write({}, &batch_).ok()) std::exit(1);
    }

private:
    std::unique_ptr<leveldb::DB> db_;
    leveldb::WriteBatch batch_;
};

template <class Raw>
struct OpenRaw {
    joinly::test::TempDir dir;
    Raw raw{dir.path().string()};
    std::uint64_t seed = 0;
};

template <class Raw>
OpenRaw<Raw>& raw_table() {
    return filled<OpenRaw<Raw>>(rows, [](auto& opened, std::size_t count) {
        opened.raw.begin();
        for (std::size_t row = 0; row < count; ++row) opened.raw.put(key(row));
        opened.raw.commit();
    });
}

/// As they come, in transactions of a thousand.
template <class Raw>
void transactions(benchmark::State& state) {
    auto& table = raw_table<Raw>();
    for (auto _ : state) {
        const auto chosen = some_rows(++table.seed);
        for (std::size_t first = 0; first < saves; first += batch_rows) {
            table.raw.begin();
            for (std::size_t i = first; i < first + batch_rows; ++i) table.raw.put(key(chosen[i]));
            table.raw.commit();
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(saves));
}

/// What a drain can do at best: each row once, in key order, in one transaction.
template <class Raw>
void sorted(benchmark::State& state) {
    auto& table = raw_table<Raw>();
    for (auto _ : state) {
        state.PauseTiming();
        std::vector<std::string_view> keys;
        auto chosen = some_rows(++table.seed);
        std::sort(chosen.begin(), chosen.end());
        chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
        std::vector<std::string> ordered;
        for (const auto row : chosen) ordered.push_back(key(row));
        std::sort(ordered.begin(), ordered.end());
        state.ResumeTiming();
        table.raw.begin();
        for (const auto& one : ordered) table.raw.put(one);
        table.raw.commit();
    }
}

// --- ours

template <class Subject>
struct OpenBehind {
    using Store = joinly::Store<typename Subject::Backend, joinly::WriteBehind>;
    static joinly::WriteBehindOptions options(const std::string& journal) {
        joinly::WriteBehindOptions options;
        options.max_delay = std::chrono::hours{1};
        options.flush_entries = options.pending_limit_entries = 10 * rows;
        options.flush_bytes = options.pending_limit_bytes = std::size_t{1} << 30;
        options.drive = joinly::Drive::caller;
        options.journal.path = journal;
        return options;
    }
    joinly::test::TempDir dir;
    Store store = must(Store::open(Subject::options(dir.path().string()), options(dir / "journal")));
    std::uint64_t seed = 0;
};

template <class Subject>
OpenBehind<Subject>& behind_table() {
    return filled<OpenBehind<Subject>>(rows, [](auto& opened, std::size_t count) {
        for (std::size_t row = 0; row < count; ++row) must(opened.store.save(Row{key(row), value}));
        must(opened.store.flush());
    });
}

template <class Subject>
void save_and_drain(benchmark::State& state) {
    auto& table = behind_table<Subject>();
    for (auto _ : state) {
        for (const auto row : some_rows(++table.seed)) must(table.store.save(Row{key(row), value}));
        must(table.store.flush());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(saves));
}

template <class Subject>
void drain(benchmark::State& state) {
    auto& table = behind_table<Subject>();
    for (auto _ : state) {
        state.PauseTiming();
        for (const auto row : some_rows(++table.seed)) must(table.store.save(Row{key(row), value}));
        state.ResumeTiming();
        must(table.store.flush());
    }
}

/// Choosing the rows, which all of them do.
void choose(benchmark::State& state) {
    std::uint64_t seed = 0;
    for (auto _ : state) benchmark::DoNotOptimize(some_rows(++seed));
}

// --- threads that save at once

/// Real time: what they wait for is the disk.
void synced_saves(benchmark::State& state) {
    using Store = joinly::Store<joinly::SqliteBackend, joinly::NoCache>;
    static std::unique_ptr<joinly::test::TempDir> dir;
    static std::unique_ptr<Store> store;
    if (state.thread_index() == 0) {
        dir = std::make_unique<joinly::test::TempDir>();
        store = std::make_unique<Store>(must(Store::open({.path = *dir / "db"})));
    }
    std::size_t row = static_cast<std::size_t>(state.thread_index()) * 1'000;
    for (auto _ : state) must(store->save(Row{key(row++ % rows), value}));
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) {
        store.reset();
        dir.reset();
    }
}

template <class Raw, class Subject>
void add_all(const std::string& name) {
    const auto of_process = [](benchmark::internal::Benchmark* one) {
        one->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
    };
    of_process(benchmark::RegisterBenchmark((name + "/transactions").c_str(), transactions<Raw>));
    of_process(benchmark::RegisterBenchmark((name + "/sorted").c_str(), sorted<Raw>));
    of_process(benchmark::RegisterBenchmark((name + "/save_and_drain").c_str(), save_and_drain<Subject>));
    of_process(benchmark::RegisterBenchmark((name + "/drain").c_str(), drain<Subject>));
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::RegisterBenchmark("choose", choose)->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
    add_all<RawSqlite, OnSqlite>("sqlite");
    add_all<RawLevelDb, OnLevelDb>("leveldb");
    for (const int threads : {1, 16}) {
        benchmark::RegisterBenchmark("synced_saves", synced_saves)->Threads(threads)->UseRealTime()->Unit(benchmark::kMicrosecond);
    }
    return run_all(argc, argv);
}
