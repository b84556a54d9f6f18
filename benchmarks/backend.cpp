// What an adapter costs without a cache above it, beside the engine's own interface and other peers: the same rows, keys and work.
//
//     get          a key that is there                       put        one row in a transaction of its own
//     get_absent   a key that is not                         put_1000   a thousand rows in one transaction
//                                                            scan_1000  a thousand rows in the order of their keys
//
// 100,000 rows of 200 bytes. `raw` is the engine's own interface, with prepared statements and a table of keys and values;
// `raw_same` does what the adapter does besides, checksums aside: version, expiry and checksum are kept and read, and each batch
// writes the database's last version. persistent-cache-cpp, LMDB and RocksDB are there where CMake has found them.
//
// Dead ends, measured on SQLite's gets: a read transaction that is held from get to get makes them 1.07 times faster with the page
// cache that the adapter has; it would keep the log from being written back, and need a thread to end it. A mapped file makes raw
// gets 1.5 to 1.7 times faster and the adapter's none, which has SQLite check the cells of each page it meets (PRAGMA
// cell_size_check, against damage): without copies of pages each is met again and again. A page cache of the table's size: 1.3
// times, but each reader has its own.

#include <benchmarks/support/engines.hpp>
#include <benchmarks/support/left_out.hpp>

namespace {

using namespace joinly::bench;

constexpr std::size_t rows = 100'000;
constexpr std::size_t batch_rows = 1'000;

/// The keys in their order, and as many that lie between them.
struct Keys {
    std::vector<std::string> present;
    std::vector<std::string> absent;

    Keys() {
        for (std::size_t number = 0; number < rows; ++number) {
            std::string digits = std::to_string(number);
            present.push_back("player:" + std::string(6 - digits.size(), '0') + digits);
            absent.push_back(present.back() + '0');
        }
    }
};

const Keys& keys() {
    static const Keys all;
    return all;
}

/// 200 bytes, other ones each time.
void make_value(Random& random, std::string& value) {
    value.resize(200);
    for (std::size_t at = 0; at < value.size(); at += 8) {
        const std::uint64_t eight = random.below(std::uint64_t{1} << 63);
        std::memcpy(value.data() + at, &eight, 8);
    }
}

template <class Engine>
Engine& engine() {
    return filled<Engine>(rows, [](Engine& made, std::size_t count) {
        Random random;
        std::vector<Row> batch(batch_rows);
        for (std::size_t number = 0; number < count; ++number) {
            Row& row = batch[number % batch_rows];
            row.key = keys().present[number];
            make_value(random, row.value);
            if ((number + 1) % batch_rows == 0) made.put(batch);
        }
    });
}

template <class Engine>
void get(benchmark::State& state, const std::vector<std::string>& wanted, bool is_there) {
    Engine& opened = engine<Engine>();
    Random random;
    for (auto _ : state) {
        const auto value = opened.get(wanted[random.below(rows)]);
        if (value.has_value() != is_there) return state.SkipWithError("a wrong answer");
        benchmark::DoNotOptimize(value);
    }
}

template <class Engine>
void put(benchmark::State& state, std::size_t count) {
    Engine& opened = engine<Engine>();
    Random random;
    std::vector<Row> batch(count);
    for (auto _ : state) {
        for (Row& row : batch) {
            row.key = keys().present[random.below(rows)];
            make_value(random, row.value);
        }
        opened.put(batch);
    }
}

template <class Engine>
void scan(benchmark::State& state) {
    Engine& opened = engine<Engine>();
    Random random;
    for (auto _ : state) {
        const std::size_t bytes = opened.scan(keys().present[random.below(rows - batch_rows)], batch_rows);
        if (bytes < batch_rows * 200) return state.SkipWithError("not a thousand rows");
    }
}

template <class Engine>
void add_all() {
    const std::string on = Engine::name();
    add("get/" + on, [](auto& state) { get<Engine>(state, keys().present, true); });
    add("get_absent/" + on, [](auto& state) { get<Engine>(state, keys().absent, false); });
    add("put/" + on, [](auto& state) { put<Engine>(state, 1); });
    if constexpr (requires(Engine & engine) { engine.scan(std::string{}, std::size_t{1}); }) {
        add("put_1000/" + on, [](auto& state) { put<Engine>(state, batch_rows); });
        add("scan_1000/" + on, [](auto& state) { scan<Engine>(state); });
    }
}

template <class... Engine>
void add_each() {
    (add_all<Engine>(), ...);
}

}  // namespace

int main(int argc, char** argv) {
    add_each<Adapter<OnMemory>>();
    add_each<Adapter<OnSqlite>, RawSqlite<false>, RawSqlite<true>, ViaSqliteCpp>();
    add_each<Adapter<OnLevelDb>, RawLevelDb<false>, RawLevelDb<true>>();
#if JOINLY_BENCH_PERSISTENT_CACHE
    add_each<PersistentCache>();
#else
    left_out("persistent-cache-cpp", "persistent-cache-cpp-dev");
#endif
#if JOINLY_BENCH_LMDB
    add_each<RawLmdb>();
#else
    left_out("LMDB", "liblmdb-dev");
#endif
#if JOINLY_BENCH_ROCKSDB
    add_each<RawRocksDb>();
#else
    left_out("RocksDB", "librocksdb-dev");
#endif
    return run_all(argc, argv);
}
