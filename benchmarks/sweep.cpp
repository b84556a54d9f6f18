// What a sweep costs, against what has expired and against what has not; and beside it what erasing the same records by their
// keys costs, in one batch: no sweep can cost less, and what that costs in a larger table is no sweep's doing.

#include <benchmarks/support/subjects.hpp>

namespace {

using namespace joinly::bench;
using namespace std::chrono_literals;

template <class Subject>
using Opened = OpenStore<Subject, joinly::NoCache, joinly::ManualTraits>;

/// Players who have a hundred years.
template <class Subject>
Opened<Subject>& table(std::size_t size) {
    return filled<Opened<Subject>>(size, [](auto& fresh, std::size_t count) {
        for (std::size_t first = 0; first < count; first += 1'000) {
            std::vector<joinly::Player> lasting;
            for (std::size_t number = first; number < first + 1'000; ++number) lasting.push_back(player(number));
            must(fresh.store.save_many(lasting, {.ttl = 24h * 365 * 100}));
        }
    });
}

/// Calls `work` when `expired` more than `size` players are there, whose time is over.
template <class Subject, class Work>
void measure(benchmark::State& state, std::size_t size, std::size_t expired, Work work) {
    auto& opened = table<Subject>(size);
    std::vector<joinly::Player> passing;
    for (std::size_t number = 0; number < expired; ++number) passing.push_back(player(size + number));
    for (auto _ : state) {
        state.PauseTiming();
        if (expired > 0) must(opened.store.save_many(passing, {.ttl = 1s}));
        opened.traits.clock.advance(1s);
        state.ResumeTiming();
        work(opened.store);
    }
}

template <class Subject>
void sweep(benchmark::State& state, std::size_t size, std::size_t expired) {
    measure<Subject>(state, size, expired, [&](auto& store) {
        if (must(store.sweep()).erased != expired) state.SkipWithError("something else was swept than has expired");
    });
}

template <class Subject>
void erase(benchmark::State& state, std::size_t size, std::size_t expired) {
    joinly::Batch batch;
    for (std::size_t number = 0; number < expired; ++number) {
        batch.erase("player:" + player_id(size + number));
        batch.changes.back().index_terms.emplace();  // players have an index
    }
    measure<Subject>(state, size, expired, [&](auto& store) { must(store.backend().write(batch)); });
}

template <class Subject>
void add_all() {
    for (const std::size_t size : table_sizes()) {
        for (const std::size_t expired : {0, 100, 1'000}) {
            const std::string name = std::string{Subject::name} + '/' + std::to_string(expired) + "_of_" + std::to_string(size);
            add("sweep/" + name, [size, expired](auto& state) { sweep<Subject>(state, size, expired); });
            if (expired > 0) add("erase/" + name, [size, expired](auto& state) { erase<Subject>(state, size, expired); });
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    add_all<OnMemory>();
    add_all<OnSqlite>();
    add_all<OnLevelDb>();
    return run_all(argc, argv);
}
