// What `update` costs over the load and the save that it is made of; and on a lobby of eight that is cached, under write-behind,
// which is what a game does most.

#include <benchmarks/support/codec_samples.hpp>
#include <benchmarks/support/subjects.hpp>
#include <joinly/policy/write_behind.hpp>

namespace {

using namespace joinly::bench;

constexpr std::size_t players = 10'000;

template <class Subject, class Policy>
auto& table() {
    return filled<OpenStore<Subject, Policy>>(players,
                                              [](auto& opened, std::size_t count) { save_all(opened.store, count, player); })
        .store;
}

template <class Subject, class Policy>
void update(benchmark::State& state) {
    auto& store = table<Subject, Policy>();
    Random random;
    for (auto _ : state) {
        const std::string id = player_id(random.below(players));
        must(store.template update<joinly::Player>(id, [](joinly::Player& one) { one.created_at += std::chrono::seconds{1}; }));
    }
}

template <class Subject, class Policy>
void load_and_save(benchmark::State& state) {
    auto& store = table<Subject, Policy>();
    Random random;
    for (auto _ : state) {
        const std::string id = player_id(random.below(players));
        const auto loaded = must(store.template load<joinly::Player>(id));
        joinly::Player one = *loaded;
        one.created_at += std::chrono::seconds{1};
        must(store.save(std::move(one)));
    }
}

/// The new object and its memory are in it; the backend is in memory, and is written to by another thread.
void update_lobby(benchmark::State& state) {
    constexpr std::size_t lobbies = 1'000;
    const auto lobby_id = [](std::size_t number) { return "lobby_" + std::to_string(number); };
    const auto lobby = [&](std::size_t number) {
        joinly::Lobby made = sample_lobby();
        made.lobby_id = lobby_id(number);
        return made;
    };
    OpenStore<OnMemory, joinly::WriteBehind> opened;
    save_all(opened.store, lobbies, lobby);
    Random random;
    for (auto _ : state) {
        must(opened.store.update<joinly::Lobby>(lobby_id(random.below(lobbies)),
                                                [](joinly::Lobby& one) { one.players[3] = "player_999"; }));
    }
}

template <class Subject, class Policy>
void add_both(const std::string& name) {
    add("load_and_save/" + name, load_and_save<Subject, Policy>);
    add("update/" + name, update<Subject, Policy>);
}

template <class Subject>
void add_all() {
    const std::string on = Subject::name;
    add_both<Subject, joinly::NoCache>(on + "/no_cache");
    add_both<Subject, joinly::WriteThrough>(on + "/write_through");
    add_both<Subject, joinly::WriteBehind>(on + "/write_behind");
}

}  // namespace

int main(int argc, char** argv) {
    add_all<OnMemory>();
    add_all<OnSqlite>();
    add_all<OnLevelDb>();
    add("update_lobby/write_behind", update_lobby);
    benchmark::RegisterBenchmark("update_lobby/write_behind", update_lobby)  // as .../process_time
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMicrosecond);
    return run_all(argc, argv);
}
