// What a store does in a second under each cache policy, over each backend: loads, saves and updates of players of 200 bytes, ten
// thousand of them, all of which fit into the cache, some far more often than others (Zipf 0.99).
//
// Ten thousand operations (a thousand with --quick), and then a flush: when the clock stops, the backend has all that was written.
// It is the time on the wall, so that what write-behind's own thread does meanwhile counts only as far as it is waited for. `load`
// under a policy with a cache is a hit, but for ReadThrough's of what was saved since; `update` loads, changes and saves one
// player.
//
// And what loads of what is cached cost (CPU time): one by one, and by load_many, thirty-two at once; beside what they cannot do
// without, a visit of a cache and one trip of a reference count.

#include <benchmarks/support/subjects.hpp>
#include <benchmarks/support/zipf.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/policy/read_through.hpp>
#include <joinly/policy/write_behind.hpp>

#include <atomic>
#include <memory>
#include <span>

namespace {

using namespace joinly::bench;
using joinly::Player;

constexpr std::size_t players = 10'000;

/// Numbers that are asked for, one after the other, and again from the beginning.
class Requests {
public:
    explicit Requests(std::size_t of) {
        const Zipf zipf{of, 0.99};
        Random random;
        for (std::size_t i = 0; i < count; ++i) numbers_.push_back(zipf(random) * 7919 % of);  // neighbours are not alike
    }
    [[nodiscard]] std::size_t next() noexcept { return numbers_[at_++ % count]; }

private:
    static constexpr std::size_t count = std::size_t{1} << 16;
    std::vector<std::size_t> numbers_;
    std::size_t at_ = 0;
};

/// Made beforehand: a game has its players in memory.
const std::vector<Player>& all_players() {
    static const auto made = [] {
        std::vector<Player> all;
        for (std::size_t number = 0; number < players; ++number) all.push_back(player(number));
        return all;
    }();
    return made;
}

// --- operations a second

template <class Subject, class Policy>
struct OpenRoomy {
    using Store = joinly::Store<typename Subject::Backend, Policy>;
    static typename Policy::Options options() {
        typename Policy::Options options;
        if constexpr (requires { options.capacity_entries; }) options.capacity_entries = 2 * players;  // no shard overflows
        return options;
    }
    joinly::test::TempDir dir;
    Store store = must(Store::open(Subject::options(dir.path().string()), options()));
};

/// `operation(store, a player of all_players())`, many times, and a flush, over and over. A time is that of one operation.
template <class Subject, class Policy, class Operation>
void repeat(benchmark::State& state, Operation operation) {
    const std::size_t at_once = std::getenv("JOINLY_QUICK") ? 1'000 : 10'000;
    auto& store = filled<OpenRoomy<Subject, Policy>>(players, [](auto& opened, std::size_t count) {
                      save_all(opened.store, count, player);
                      for (const Player& one : all_players()) must(opened.store.template load<Player>(one.player_id));
                  }).store;
    Requests requests{players};
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(at_once))) {
        for (std::size_t i = 0; i < at_once; ++i) operation(store, all_players()[requests.next()]);
        must(store.flush());
    }
}

template <class Subject, class Policy>
void add_operations(const std::string& policy) {
    const auto add_one = [&](const char* name, auto operation) {
        const std::string full = std::string{"policy/"} + name + '/' + Subject::name + '/' + policy;
        benchmark::RegisterBenchmark(full.c_str(), [=](auto& state) { repeat<Subject, Policy>(state, operation); })
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
    };
    add_one("load",
            [](auto& store, const Player& one) { benchmark::DoNotOptimize(must(store.template load<Player>(one.player_id))); });
    add_one("save", [](auto& store, const Player& one) { must(store.save(one)); });
    add_one("update", [](auto& store, const Player& one) {
        must(store.template update<Player>(one.player_id, [](Player& changed) { ++changed.skill_rating; }));
    });
}

template <class Subject>
void add_policies() {
    add_operations<Subject, joinly::NoCache>("no_cache");
    add_operations<Subject, joinly::ReadThrough>("read_through");
    add_operations<Subject, joinly::WriteThrough>("write_through");
    add_operations<Subject, joinly::WriteBehind>("write_behind");
}

// --- loads of what is cached

using Cached = joinly::Store<joinly::MemoryBackend, joinly::WriteThrough>;
constexpr std::size_t roomy = 125'000;  // no shard overflows
struct OpenCached {
    Cached store = must(Cached::open({}, {.capacity_entries = roomy}));
};
Cached& cached_players(std::size_t entries) {
    return filled<OpenCached>(entries, [](auto& opened, std::size_t count) { save_all(opened.store, count, player); }).store;
}

std::vector<std::string> requested_ids(std::size_t entries) {
    std::vector<std::string> ids(std::size_t{1} << 16);
    Requests requests{entries};
    for (std::string& id : ids) id = player_id(requests.next());
    return ids;
}

void load_hit(benchmark::State& state, std::size_t entries) {
    Cached& store = cached_players(entries);
    const auto ids = requested_ids(entries);
    std::size_t at = 0;
    for (auto _ : state) benchmark::DoNotOptimize(must(store.load<Player>(ids[at++ % ids.size()]))->skill_rating);
}

/// A player and a count of its own, as the memory that make_shared gives has them.
struct Counted {
    mutable std::atomic<long> count{1};
    Player value;
};
struct CountedPlayers {
    joinly::Cache<std::unique_ptr<const Counted>> cache{{.capacity_entries = roomy}};
};

/// By keys that are made beforehand. The players lie in memory as the store's do, which are saved together.
void visit_counted(benchmark::State& state, std::size_t entries) {
    auto& cache = filled<CountedPlayers>(entries, [](auto& held, std::size_t count) {
                      std::vector<std::unique_ptr<const Counted>> made;
                      for (std::size_t number = 0; number < count; ++number) made.emplace_back(new Counted{1, player(number)});
                      for (std::size_t number = 0; number < count; ++number)
                          held.cache.set("player:" + player_id(number), std::move(made[number]));
                  }).cache;
    auto keys = requested_ids(entries);
    for (std::string& key : keys) key.insert(0, "player:");
    std::size_t at = 0;
    for (auto _ : state) {
        cache.visit(keys[at++ % keys.size()], [](const std::unique_ptr<const Counted>& held) {
            held->count.fetch_add(1, std::memory_order_relaxed);
            benchmark::DoNotOptimize(held->value.skill_rating);
            benchmark::DoNotOptimize(held->count.fetch_sub(1, std::memory_order_acq_rel));
        });
    }
}

/// A time is that of one of the thirty-two.
void load_many_hits(benchmark::State& state, std::size_t entries) {
    constexpr std::size_t at_once = 32;
    Cached& store = cached_players(entries);
    const auto ids = requested_ids(entries);
    std::size_t at = 0;
    while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(at_once))) {
        const auto loaded = store.load_many<Player>(std::span{ids}.subspan(at, at_once));
        for (const auto& one : loaded) benchmark::DoNotOptimize(must(one)->skill_rating);
        at = (at + at_once) % ids.size();
    }
}

}  // namespace

int main(int argc, char** argv) {
    add_policies<OnMemory>();
    add_policies<OnSqlite>();
    add_policies<OnLevelDb>();
    for (const std::size_t entries : {std::size_t{1'000}, std::size_t{100'000}}) {
        const std::string of = '/' + std::to_string(entries);
        add("load_hit/one" + of, [=](auto& state) { load_hit(state, entries); });
        add("load_hit/visit_counted" + of, [=](auto& state) { visit_counted(state, entries); });
        add("load_hit/many_32" + of, [=](auto& state) { load_many_hits(state, entries); });
    }
    return run_all(argc, argv);
}
