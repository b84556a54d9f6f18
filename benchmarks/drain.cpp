// What it costs to keep a stream of saves: write-behind with a journal, which may coalesce and sort for as long as the journal
// allows, beside the engines' own ways. Saved are 100,000 rows, some of them far more often than others (Zipf 0.99), and a cost is
// that of all threads of the process: of one save where it is `transactions` or `save_and_drain`, which flushes after 100,000
// saves, or after as many as its name says; of all rows that 100,000 saves change where it is `drain` or `sorted`. What any of
// them has acknowledged survives the process; none fsyncs each save. And how threads that save at once share an fsync.
//
// The engines by themselves are benchmarks/backend.cpp's `raw_same`: they keep the adapter's tables and settings, and the same keys
// and values, which they need not encode.

#include <benchmarks/support/engines.hpp>
#include <benchmarks/support/zipf.hpp>
#include <joinly/policy/write_behind.hpp>

#include <algorithm>
#include <span>
#include <string_view>

namespace joinly::bench {
struct Note {
    std::string id;
    std::string text;
};
}  // namespace joinly::bench

template <>
struct joinly::Entity<joinly::bench::Note> {
    static constexpr std::string_view kind = "note";
    static constexpr auto& id(auto& note) { return note.id; }
    static constexpr void fields(auto& note, auto&& field) {
        field(1, "id", note.id);
        field(2, "text", note.text);
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

Note note(std::size_t row) { return {key(row), value}; }

// --- the engines by themselves

/// What the store makes of the rows' keys and values, made beforehand.
const Row& encoded(std::size_t row) {
    static const auto all = [] {
        std::vector<Row> made(rows);
        for (std::size_t number = 0; number < rows; ++number) {
            made[number].key = "note:" + key(number);
            must(joinly::Binary::encode(note(number), made[number].value));
        }
        return made;
    }();
    return all[row];
}

template <class Raw>
struct OpenRaw {
    Raw raw;
    std::uint64_t seed = 0;
};

template <class Raw>
OpenRaw<Raw>& raw_table() {
    return filled<OpenRaw<Raw>>(rows, [](auto& opened, std::size_t count) {
        std::vector<Row> all;
        for (std::size_t row = 0; row < count; ++row) all.push_back(encoded(row));
        opened.raw.put(all);
    });
}

/// As they come, in transactions of a thousand.
template <class Raw>
void transactions(benchmark::State& state) {
    auto& table = raw_table<Raw>();
    std::vector<Row> asked;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(saves))) {
        const auto chosen = some_rows(++table.seed);
        state.PauseTiming();
        asked.clear();
        for (const auto row : chosen) asked.push_back(encoded(row));
        state.ResumeTiming();
        for (std::size_t first = 0; first < saves; first += batch_rows)
            table.raw.put(std::span<const Row>{asked}.subspan(first, batch_rows));
    }
}

/// What a drain can do at best: each row once, in key order, in one transaction.
template <class Raw>
void sorted(benchmark::State& state) {
    auto& table = raw_table<Raw>();
    std::vector<Row> ordered;
    for (auto _ : state) {
        state.PauseTiming();
        auto chosen = some_rows(++table.seed);
        std::sort(chosen.begin(), chosen.end());
        chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
        ordered.clear();
        for (const auto row : chosen) ordered.push_back(encoded(row));
        std::sort(ordered.begin(), ordered.end(), [](const Row& one, const Row& other) { return one.key < other.key; });
        state.ResumeTiming();
        table.raw.put(ordered);
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
        options.journal.limit_bytes = std::size_t{4} << 30;
        return options;
    }
    joinly::test::TempDir dir;
    Store store = must(Store::open(Subject::options(dir.path().string()), options(dir / "journal")));
    std::uint64_t seed = 0;
};

template <class Subject>
OpenBehind<Subject>& behind_table() {
    return filled<OpenBehind<Subject>>(rows, [](auto& opened, std::size_t count) {
        for (std::size_t row = 0; row < count; ++row) must(opened.store.save(note(row)));
        must(opened.store.flush());
    });
}

template <class Subject>
void save_and_drain(benchmark::State& state, std::size_t before_flush) {
    auto& table = behind_table<Subject>();
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(before_flush))) {
        for (std::size_t saved = 0; saved < before_flush; saved += saves)
            for (const auto row : some_rows(++table.seed)) must(table.store.save(note(row)));
        must(table.store.flush());
    }
}

template <class Subject>
void drain(benchmark::State& state) {
    auto& table = behind_table<Subject>();
    for (auto _ : state) {
        state.PauseTiming();
        for (const auto row : some_rows(++table.seed)) must(table.store.save(note(row)));
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
    for (auto _ : state) must(store->save(note(row++ % rows)));
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
    std::vector<std::size_t> before_flush{saves};
    if (!std::getenv("JOINLY_QUICK")) before_flush = {saves, 10 * saves, 40 * saves};
    for (const std::size_t count : before_flush) {
        const std::string full = name + "/save_and_drain/" + std::to_string(count);
        of_process(benchmark::RegisterBenchmark(full.c_str(), [count](auto& state) { save_and_drain<Subject>(state, count); }));
    }
    of_process(benchmark::RegisterBenchmark((name + "/drain").c_str(), drain<Subject>));
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::RegisterBenchmark("choose", choose)->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
    add_all<RawSqlite<true>, OnSqlite>("sqlite");
    add_all<RawLevelDb<true>, OnLevelDb>("leveldb");
    for (const int threads : {1, 16}) {
        benchmark::RegisterBenchmark("synced_saves", synced_saves)->Threads(threads)->UseRealTime()->Unit(benchmark::kMicrosecond);
    }
    return run_all(argc, argv);
}
