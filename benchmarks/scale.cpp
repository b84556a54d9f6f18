// What an operation costs among ten times as many players, by adapter and by the engine's own interface, which has a deeper tree
// and a colder page cache as well: what is ours to answer for is what grows beyond that. And how long a store takes to open.
//
// A million players and ten million; with --quick ten thousand and a hundred thousand. JOINLY_SCALE names another largest
// number. Stores have no cache: what they cost is what a miss costs. Before anything is measured each database is closed and
// opened again, ours and the engine's own: LevelDB then writes what is in its log to a table.

#include <benchmarks/support/engines.hpp>

namespace {

using namespace joinly::bench;

std::vector<std::size_t> sizes() {
    const char* const named = std::getenv("JOINLY_SCALE");
    const std::size_t usual = std::getenv("JOINLY_QUICK") ? 100'000 : 10'000'000;
    const std::size_t largest = named != nullptr ? std::strtoull(named, nullptr, 10) : usual;
    return {largest / 10, largest};
}

/// The bytes of a player, saved without the library.
const std::string& encoded(std::size_t number) {
    static std::string bytes;
    bytes.clear();
    must(joinly::Binary::encode(player(number), bytes));
    return bytes;
}
std::string key_of(std::size_t number) { return "player:" + player_id(number); }

/// Closed; it is to be opened again.
template <class Subject>
void close_store(OpenStore<Subject>& opened) {
    must(opened.store.close());
    const auto closed = std::move(opened.store);
}
template <class Subject>
auto open_store(const OpenStore<Subject>& opened) {
    return must(OpenStore<Subject>::Store::open(Subject::options(opened.dir.path().string())));
}

template <class Subject>
OpenStore<Subject>& store_of(std::size_t size) {
    return filled<OpenStore<Subject>>(size, [](auto& opened, std::size_t count) {
        save_all(opened.store, count, player);
        close_store<Subject>(opened);
        opened.store = open_store<Subject>(opened);
    });
}
template <class Engine>
Engine& engine_of(std::size_t size) {
    return filled<Engine>(size, [](Engine& engine, std::size_t count) {
        std::vector<Row> batch;
        for (std::size_t number = 0; number < count; ++number) {
            batch.push_back({key_of(number), encoded(number)});
            if (batch.size() < 10'000 && number + 1 != count) continue;
            engine.put(batch);
            batch.clear();
        }
        engine.open();
    });
}

template <class Subject>
void load(benchmark::State& state, std::size_t size) {
    auto& store = store_of<Subject>(size).store;
    Random random;
    for (auto _ : state) benchmark::DoNotOptimize(must(store.template load<joinly::Player>(player_id(random.below(size)))));
}
template <class Subject>
void save(benchmark::State& state, std::size_t size) {
    auto& store = store_of<Subject>(size).store;
    Random random;
    for (auto _ : state) must(store.save(player(random.below(size))));
}
template <class Engine>
void load_raw(benchmark::State& state, std::size_t size) {
    Engine& engine = engine_of<Engine>(size);
    Random random;
    for (auto _ : state) {
        const auto value = engine.get(key_of(random.below(size)));
        joinly::Player decoded;
        must(joinly::Binary::decode(*value, decoded));
        benchmark::DoNotOptimize(&decoded);
    }
}
template <class Engine>
void save_raw(benchmark::State& state, std::size_t size) {
    Engine& engine = engine_of<Engine>(size);
    Random random;
    std::vector<Row> row(1);
    for (auto _ : state) {
        const std::size_t number = random.below(size);
        row[0].key = key_of(number);
        row[0].value = encoded(number);
        engine.put(row);
    }
}

/// The store itself is closed meanwhile. One opening goes first: what was saved since the last is in LevelDB's log.
template <class Subject>
void open(benchmark::State& state, std::size_t size) {
    auto& opened = store_of<Subject>(size);
    close_store<Subject>(opened);
    { const auto first = open_store<Subject>(opened); }
    for (auto _ : state) {
        auto store = open_store<Subject>(opened);
        state.PauseTiming();
        { const auto closed = std::move(store); }
        state.ResumeTiming();
    }
    opened.store = open_store<Subject>(opened);
}

template <class Subject, class Engine>
void add_all() {
    const std::string on = Subject::name;
    for (const std::size_t size : sizes()) {
        const std::string of = '/' + std::to_string(size);
        add("load/" + on + "/joinly" + of, [size](auto& state) { load<Subject>(state, size); });
        add("load/" + on + "/raw" + of, [size](auto& state) { load_raw<Engine>(state, size); });
        add("save/" + on + "/joinly" + of, [size](auto& state) { save<Subject>(state, size); });
        add("save/" + on + "/raw" + of, [size](auto& state) { save_raw<Engine>(state, size); });
        add("open/" + on + of, [size](auto& state) { open<Subject>(state, size); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    add_all<OnSqlite, RawSqlite<true>>();
    add_all<OnLevelDb, RawLevelDb<true>>();
    return run_all(argc, argv);
}
