// What a sweep costs, against what has expired and against what has not.

#include <benchmarks/support/subjects.hpp>

namespace {

using namespace joinly::bench;
using namespace std::chrono_literals;

/// `expired` of `size` players have expired; all the others have an hour more.
template <class Subject>
void sweep(benchmark::State& state, std::size_t size, std::size_t expired) {
    auto& opened = filled<OpenStore<Subject, joinly::NoCache, joinly::ManualTraits>>(size, [](auto& fresh, std::size_t count) {
        for (std::size_t first = 0; first < count; first += 1'000) {
            std::vector<joinly::Player> lasting;
            for (std::size_t number = first; number < first + 1'000; ++number) lasting.push_back(player(number));
            must(fresh.store.save_many(lasting, {.ttl = 24h * 365 * 100}));
        }
    });
    std::vector<joinly::Player> passing;
    for (std::size_t number = 0; number < expired; ++number) passing.push_back(player(size + number));
    for (auto _ : state) {
        state.PauseTiming();
        if (expired > 0) must(opened.store.save_many(passing, {.ttl = 1s}));
        opened.traits.clock.advance(1s);
        state.ResumeTiming();
        if (must(opened.store.sweep()).erased != expired) return state.SkipWithError("something else was swept than has expired");
    }
}

template <class Subject>
void add_all() {
    for (const std::size_t size : table_sizes()) {
        for (const std::size_t expired : {0, 100, 1'000}) {
            add("sweep/" + std::string{Subject::name} + '/' + std::to_string(expired) + "_of_" + std::to_string(size),
                [size, expired](auto& state) { sweep<Subject>(state, size, expired); });
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
