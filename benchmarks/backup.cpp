// Backup and restore of a million players of 200 bytes (a tenth of that when it is to be quick), beside the engines' own bulk load
// of the same rows: into a new database of the same form, in key order, in large transactions, and synced once at the end. An
// iteration is all rows, and its cost is time on the wall, for the disk is part of it. `memory` and `restore_memory` are how much
// higher the process's memory rises in a backup and in a restoring than it does while the engine itself copies the database;
// `save_p99` what the slowest of a hundred saves takes, each fsynced, alone and while backups are made one after the other.

#include <benchmarks/support/subjects.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>
#include <malloc.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <thread>

namespace {

using namespace joinly;
using namespace joinly::bench;
namespace fs = std::filesystem;

const std::size_t rows = std::getenv("JOINLY_QUICK") ? 100'000 : 1'000'000;

std::string key_of(std::size_t row) {
    std::string number = std::to_string(row);
    return "player:" + std::string(9 - number.size(), '0') + number;
}

/// Bytes that do not compress.
std::string value_of(std::size_t row) {
    static const std::string pool = [] {
        Random random;
        std::string bytes(std::size_t{1} << 20, '\0');
        for (char& c : bytes) c = static_cast<char>(random.below(256));
        return bytes;
    }();
    return pool.substr(row * 331 % (pool.size() - 200), 200);
}

/// A store with all rows, made once.
template <class Subject>
struct Filled {
    using Store = joinly::Store<typename Subject::Backend, WriteThrough, DefaultTraits>;
    Filled() {
        for (std::size_t row = 0; row < rows;) {
            Batch batch;
            for (std::size_t i = 0; i < 10'000; ++i, ++row) batch.put(key_of(row), value_of(row));
            must(store.backend().write(batch));
        }
    }
    test::TempDir dir;
    Store store = must(Store::open(Subject::options(dir.path().string())));
};
template <class Subject>
Filled<Subject>& filled_store() {
    static Filled<Subject> made;
    return made;
}
template <class Subject>
const std::string& backup_of() {
    static const std::string path = must(backup(filled_store<Subject>().store, filled_store<Subject>().dir / "backups")).path;
    return path;
}

void check_sqlite(int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE) return;
    std::fprintf(stderr, "benchmark: SQLite code %d\n", code);
    std::exit(1);
}

// --- the engines by themselves

void bulk_load(OnSqlite, const std::string& path) {
    sqlite3* db = nullptr;
    check_sqlite(sqlite3_open(path.c_str(), &db));
    const auto run = [&](const char* sql) { check_sqlite(sqlite3_exec(db, sql, nullptr, nullptr, nullptr)); };
    run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "CREATE TABLE record(key BLOB PRIMARY KEY NOT NULL, value ANY NOT NULL, version INTEGER NOT NULL, expires_at INTEGER,"
        "checksum INTEGER NOT NULL, index_terms BLOB) STRICT; BEGIN");
    sqlite3_stmt* put = nullptr;
    check_sqlite(sqlite3_prepare_v2(db, "INSERT INTO record VALUES(?, ?, 1, NULL, 1, NULL)", -1, &put, nullptr));
    for (std::size_t row = 0; row < rows; ++row) {
        const std::string key = key_of(row);
        const std::string value = value_of(row);
        sqlite3_bind_blob(put, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
        sqlite3_bind_blob(put, 2, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
        check_sqlite(sqlite3_step(put));
        sqlite3_reset(put);
    }
    sqlite3_finalize(put);
    run("COMMIT");
    check_sqlite(sqlite3_close(db));
    must(detail::sqlite_sync(path));
}
void copy_by_engine(OnSqlite subject, const std::string& directory, const std::string& to) {
    sqlite3* db = nullptr;
    check_sqlite(sqlite3_open(subject.options(directory).path.c_str(), &db));
    check_sqlite(sqlite3_exec(db, ("VACUUM INTO '" + to + "'").c_str(), nullptr, nullptr, nullptr));
    check_sqlite(sqlite3_close(db));
}

std::unique_ptr<leveldb::DB> open_leveldb(const std::string& path, const detail::LevelDbSettings& settings) {
    leveldb::Options options = settings.options;
    options.create_if_missing = true;
    leveldb::DB* db = nullptr;
    if (!leveldb::DB::Open(options, path, &db).ok()) std::exit(1);
    return std::unique_ptr<leveldb::DB>{db};
}
void bulk_load(OnLevelDb, const std::string& path) {
    const detail::LevelDbSettings settings{LevelDbOptions{}};
    const auto db = open_leveldb(path, settings);
    leveldb::WriteBatch batch;
    for (std::size_t row = 0; row < rows; ++row) {
        batch.Put(key_of(row), value_of(row));
        if (row % 10'000 != 9'999) continue;
        leveldb::WriteOptions options;
        options.sync = true;  // as the engine has no sync at the end that reaches the logs before
        if (!db->Write(options, &batch).ok()) std::exit(1);
        batch.Clear();
    }
}

// --- what is measured

template <class Subject>
void bulk_load_rows(benchmark::State& state) {
    const test::TempDir dir;
    int n = 0;
    for (auto _ : state) {
        bulk_load(Subject{}, dir / ("db" + std::to_string(++n)));
    }
}

template <class Subject>
void backup_rows(benchmark::State& state) {
    auto& filled = filled_store<Subject>();
    for (auto _ : state) {
        const BackupReport report = must(backup(filled.store, filled.dir / "measured"));
        state.PauseTiming();
        fs::remove_all(report.path);
        state.ResumeTiming();
    }
}

template <class Subject>
void restore_rows(benchmark::State& state) {
    const std::string& path = backup_of<Subject>();
    const test::TempDir dir;
    for (auto _ : state) {
        must(restore<typename Subject::Backend>(path, Subject::options(dir.path().string()), {.keep_replaced = false}));
    }
}

/// How far the process's memory has been up since the last call, in bytes.
class PeakMemory {
public:
    PeakMemory() { std::ofstream{"/proc/self/clear_refs"} << 5; }
    [[nodiscard]] static double read(std::string_view what) {
        std::ifstream status{"/proc/self/status"};
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with(what)) return std::stod(line.substr(what.size())) * 1024;
        }
        return 0;
    }
    [[nodiscard]] double risen() const { return read("VmHWM:") - before_; }

private:
    static double trimmed() {
        ::malloc_trim(0);  // what was freed before would be used again, unseen
        return read("VmRSS:");
    }
    double before_ = trimmed();
};

/// LevelDB's own way is that of its adapter: a snapshot, read into a new database.
double engine_copy_rises(OnLevelDb) {
    const test::TempDir dir;
    auto& filled = filled_store<OnLevelDb>();
    const PeakMemory peak;
    must(filled.store.backend().backup_to(dir / "copy"));
    return peak.risen();
}
double engine_copy_rises(OnSqlite subject) {
    const test::TempDir dir;
    auto& filled = filled_store<OnSqlite>();
    const PeakMemory peak;
    copy_by_engine(subject, filled.dir.path().string(), dir / "copy");
    return peak.risen();
}

template <class Subject, class Work>
void measure_memory(benchmark::State& state, Work work) {
    for (auto _ : state) {
        const double by_engine = engine_copy_rises(Subject{});
        const PeakMemory peak;
        work();
        state.counters["beyond_mib"] = (std::max)((peak.risen() - by_engine) / (1 << 20), 0.1);
    }
}
template <class Subject>
void backup_memory(benchmark::State& state) {
    auto& filled = filled_store<Subject>();
    measure_memory<Subject>(state, [&] { fs::remove_all(must(backup(filled.store, filled.dir / "measured")).path); });
}
template <class Subject>
void restore_memory(benchmark::State& state) {
    const std::string& path = backup_of<Subject>();
    const test::TempDir dir;
    measure_memory<Subject>(state, [&] {
        must(restore<typename Subject::Backend>(path, Subject::options(dir.path().string()), {.keep_replaced = false}));
    });
}

template <class Subject>
void save_p99(benchmark::State& state, bool beside_backups) {
    using Clock = std::chrono::steady_clock;
    constexpr int saves = 2'000;
    auto& filled = filled_store<Subject>();
    for (auto _ : state) {
        std::atomic<bool> ending{false};
        std::thread backups;
        if (beside_backups) {
            backups = std::thread{[&] {
                while (!ending) {
                    const auto report = backup(filled.store, filled.dir / "measured",
                                               {.on_progress = [&](const BackupProgress&) { return !ending.load(); }});
                    if (report) fs::remove_all(report->path);
                }
            }};
        }
        std::vector<double> times;
        Batch batch;
        batch.put(key_of(0), value_of(0));
        batch.sync = Sync::power_loss;
        for (int i = 0; i < saves; ++i) {
            batch.changes[0].key = key_of(static_cast<std::size_t>(i) * 7919 % rows);
            const auto begin = Clock::now();
            must(filled.store.backend().write(batch));
            times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        }
        ending = true;
        if (backups.joinable()) backups.join();
        std::nth_element(times.begin(), times.begin() + saves * 99 / 100, times.end());
        state.counters["p99_us"] = times[saves * 99 / 100];
    }
}

template <class Subject>
void add() {
    const std::string on = std::string{"/"} + Subject::name;
    const auto once = [](auto* added) {
        added->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);
        added->Repetitions(std::getenv("JOINLY_QUICK") ? 3 : 5);
    };
    once(benchmark::RegisterBenchmark(("bulk_load" + on).c_str(), bulk_load_rows<Subject>));
    once(benchmark::RegisterBenchmark(("backup" + on).c_str(), backup_rows<Subject>));
    once(benchmark::RegisterBenchmark(("restore" + on).c_str(), restore_rows<Subject>));
    once(benchmark::RegisterBenchmark(("memory" + on).c_str(), backup_memory<Subject>));
    once(benchmark::RegisterBenchmark(("restore_memory" + on).c_str(), restore_memory<Subject>));
    once(benchmark::RegisterBenchmark(("save_p99" + on + "/alone").c_str(), [](auto& state) { save_p99<Subject>(state, false); }));
    once(benchmark::RegisterBenchmark(("save_p99" + on + "/beside_backups").c_str(),
                                      [](auto& state) { save_p99<Subject>(state, true); }));
}

}  // namespace

int main(int argc, char** argv) {
    add<OnSqlite>();
    add<OnLevelDb>();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
