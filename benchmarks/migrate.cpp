// What it costs to dump, to load and to migrate a million players of 200 bytes, by what the target's engine needs alone: its own
// bulk load of the same rows in the same order, in transactions of ten thousand. An iteration is all rows; time is that of all
// threads.
//
// Read: migrate/sqlite_to_leveldb by raw_load/leveldb is what reading the source, checksums, versions and the comparison at the end
// cost besides; dump/sqlite by raw_load/sqlite has no write in it at all. `beyond_mib` is the most memory that it takes beyond what
// the engines take by themselves, mapped files included; it must not grow with the rows.

#include <benchmarks/support/subjects.hpp>
#include <joinly/ops/dump.hpp>
#include <joinly/ops/migrate.hpp>

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>
#include <malloc.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string_view>

namespace joinly::bench {
/// A player without an index, so that the engines' own tables hold as much.
struct Row {
    std::string id;
    std::string name;
    std::int32_t rating = 0;
};
}  // namespace joinly::bench

template <>
struct joinly::Entity<joinly::bench::Row> {
    static constexpr std::string_view kind = "player";
    static constexpr auto& id(auto& row) { return row.id; }
    static constexpr void fields(auto& row, auto&& field) {
        field(1, "id", row.id);
        field(2, "name", row.name);
        field(3, "rating", row.rating);
    }
};

namespace {

using namespace joinly;
using namespace joinly::bench;

constexpr int rows_at_once = 10'000;

int row_count() { return std::getenv("JOINLY_QUICK") != nullptr ? 100'000 : 1'000'000; }

Row make_row(int number) {
    Row row;
    row.id = std::to_string(100'000'000 + number);
    std::uint64_t state = static_cast<std::uint64_t>(number) + 1;
    while (row.name.size() < 170) {  // letters that compress by a third or so
        state = state * 6364136223846793005U + 1442695040888963407U;
        row.name.push_back(static_cast<char>('a' + (state >> 33) % 26));
    }
    row.rating = number;
    return row;
}

/// By how many MiB memory exceeds, at its most during `work()`, what it was before.
template <class Work>
double growth_mib(Work work) {
    const auto field = [](std::string_view name) {
        std::ifstream status{"/proc/self/status"};
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with(name)) return std::strtod(line.c_str() + name.size(), nullptr) / 1024;
        }
        return 0.0;
    };
    ::malloc_trim(0);                             // what was freed before would be used again, unseen
    std::ofstream{"/proc/self/clear_refs"} << 5;  // forgets the most so far
    const double before = field("VmRSS:");
    work();
    return field("VmHWM:") - before;
}

// --- the engines by themselves, with rows as the adapters have them

void must_be(bool ok, const char* what) {
    if (ok) return;
    std::fprintf(stderr, "benchmark: %s failed\n", what);
    std::exit(1);
}

const std::vector<std::pair<std::string, std::string>>& encoded_rows() {
    static const auto rows = [] {
        std::vector<std::pair<std::string, std::string>> made(static_cast<std::size_t>(row_count()));
        for (int i = 0; i < row_count(); ++i) {
            const Row row = make_row(i);
            auto& [key, value] = made[static_cast<std::size_t>(i)];
            key = "player:" + row.id;
            must(Binary::encode(row, value));
        }
        return made;
    }();
    return rows;
}

template <class Put>
void for_each_encoded(Put put) {
    int done = 0;
    for (const auto& [key, value] : encoded_rows()) put(key, value, ++done % rows_at_once == 0 || done == row_count());
}

void load_raw_sqlite(const std::string& directory) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    const auto run = [&](const char* sql) { must_be(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql); };
    must_be(sqlite3_open((directory + "/raw").c_str(), &db) == SQLITE_OK, "sqlite3_open");
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-4097;"
        "CREATE TABLE record(key BLOB PRIMARY KEY NOT NULL, value ANY NOT NULL, version INTEGER NOT NULL, expires_at INTEGER,"
        " checksum INTEGER NOT NULL, index_terms BLOB) STRICT;"
        "CREATE INDEX record_expires_at ON record(expires_at, key) WHERE expires_at IS NOT NULL");
    must_be(sqlite3_prepare_v2(db, "INSERT INTO record VALUES(?1, ?2, 1, NULL, ?3, NULL)", -1, &statement, nullptr) == SQLITE_OK,
            "sqlite3_prepare_v2");
    run("BEGIN IMMEDIATE");
    for_each_encoded([&](const std::string& key, const std::string& value, bool is_last_at_once) {
        sqlite3_bind_blob(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
        sqlite3_bind_blob(statement, 2, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, 0x7fffffff);
        must_be(sqlite3_step(statement) == SQLITE_DONE, "sqlite3_step");
        sqlite3_reset(statement);
        if (is_last_at_once) run("COMMIT; BEGIN IMMEDIATE");
    });
    run("COMMIT");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

void load_raw_leveldb(const std::string& directory) {
    const std::unique_ptr<const leveldb::FilterPolicy> filter{leveldb::NewBloomFilterPolicy(10)};
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = std::size_t{64} << 20;
    options.filter_policy = filter.get();
    leveldb::DB* opened = nullptr;
    must_be(leveldb::DB::Open(options, directory + "/raw", &opened).ok(), "leveldb::DB::Open");
    const std::unique_ptr<leveldb::DB> db{opened};
    leveldb::WriteBatch batch;
    for_each_encoded([&](const std::string& key, const std::string& value, bool is_last_at_once) {
        batch.Put(key, std::string(14, 'h') + value);  // the adapter's head
        if (!is_last_at_once) return;
        must_be(db->Write({}, &batch).ok(), "Write");
        batch.Clear();
    });
}

// --- ours

template <class Subject>
using RowStore = Store<typename Subject::Backend, NoCache>;

template <class Subject>
RowStore<Subject> open_in(const std::string& directory) {
    return must(RowStore<Subject>::open(Subject::options(directory)));
}

/// A filled database of each engine, and its dump, for as long as the program runs.
template <class Subject>
const std::string& filled() {
    static const test::TempDir dir;
    static const std::string path = [] {
        auto store = open_in<Subject>(dir.path().string());
        std::vector<Row> rows;
        for (int i = 0; i < row_count(); ++i) {
            rows.push_back(make_row(i));
            if (rows.size() < rows_at_once && i + 1 < row_count()) continue;
            must(store.save_many(rows));
            rows.clear();
        }
        return dir.path().string();
    }();
    return path;
}

void dump_to(auto& store, const std::string& path) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    const auto report = must(dump<Row>(store, [&](std::string_view line) -> Status {
        std::fwrite(line.data(), 1, line.size(), file);
        std::fputc('\n', file);
        return {};
    }));
    std::fclose(file);
    must_be(report.readable == static_cast<std::uint64_t>(row_count()), "a readable dump");
}

const std::string& dump_file() {
    static const test::TempDir dir;
    static const std::string path = [] {
        auto store = open_in<OnLevelDb>(filled<OnLevelDb>());
        dump_to(store, dir / "dump");
        return dir / "dump";
    }();
    return path;
}

/// `work(directory)` again and again, each time in an empty directory. `engine_mib`: what the engine alone needs for as much.
template <class Work>
void measure(benchmark::State& state, double engine_mib, Work work) {
    double beyond = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const test::TempDir dir;
        beyond = (std::max)(beyond, growth_mib([&] {
                                state.ResumeTiming();
                                work(dir.path().string());
                                state.PauseTiming();
                            }));
        std::filesystem::remove_all(dir.path());
        state.ResumeTiming();
    }
    state.counters["beyond_mib"] = (std::max)(beyond - engine_mib, 1.0);  // a goal of nothing cannot be judged
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * row_count());
}

template <class Subject>
void load_raw(const std::string& directory) {
    if constexpr (std::is_same_v<Subject, OnSqlite>) {
        load_raw_sqlite(directory);
    } else {
        load_raw_leveldb(directory);
    }
}
/// What the engine's own load makes memory grow by, mapped files included.
template <class Subject>
double raw_growth_mib() {
    encoded_rows();
    const test::TempDir dir;
    return growth_mib([&] { load_raw<Subject>(dir.path().string()); });
}
/// And a scan of all rows.
template <class Subject>
double scan_growth_mib(RowStore<Subject>& store) {
    return growth_mib([&] { must(take_inventory(store.backend())); });
}

template <class Subject>
void raw_load(benchmark::State& state) {
    encoded_rows();
    measure(state, 0, load_raw<Subject>);
}

template <class From, class To>
void migrate_rows(benchmark::State& state) {
    auto source = open_in<From>(filled<From>());
    double engines_mib = raw_growth_mib<To>() + scan_growth_mib<From>(source);
    {
        auto target = open_in<To>(filled<To>());  // what is migrated is read again, and LevelDB maps its tables for that
        engines_mib += scan_growth_mib<To>(target);
    }
    measure(state, engines_mib, [&](const std::string& directory) {
        auto target = open_in<To>(directory);
        must_be(must(migrate(source, target)).is_finished, "migrate");
    });
}

template <class Subject>
void dump_rows(benchmark::State& state) {
    auto store = open_in<Subject>(filled<Subject>());
    measure(state, scan_growth_mib<Subject>(store), [&](const std::string& directory) { dump_to(store, directory + "/dump"); });
}

template <class Subject>
void load_rows(benchmark::State& state) {
    const std::string& path = dump_file();
    measure(state, raw_growth_mib<Subject>(), [&](const std::string& directory) {
        auto store = open_in<Subject>(directory);
        std::FILE* const file = std::fopen(path.c_str(), "r");
        char* line = nullptr;
        std::size_t room = 0;
        must(load_dump<Row>(store, [&](std::string& next) -> Result<bool> {
            const auto size = ::getline(&line, &room, file);
            if (size > 0) next.assign(line, static_cast<std::size_t>(size) - 1);
            return size > 0;
        }));
        std::free(line);
        std::fclose(file);
    });
}

void add_one(const char* name, void (*work)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, work)->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
    add_one("raw_load/sqlite", raw_load<OnSqlite>);
    add_one("raw_load/leveldb", raw_load<OnLevelDb>);
    add_one("migrate/sqlite_to_leveldb", migrate_rows<OnSqlite, OnLevelDb>);
    add_one("migrate/leveldb_to_sqlite", migrate_rows<OnLevelDb, OnSqlite>);
    add_one("dump/sqlite", dump_rows<OnSqlite>);
    add_one("dump/leveldb", dump_rows<OnLevelDb>);
    add_one("load/sqlite", load_rows<OnSqlite>);
    add_one("load/leveldb", load_rows<OnLevelDb>);
    return run_all(argc, argv);
}
