#ifndef JOINLY_BENCHMARKS_SUPPORT_SUBJECTS_HPP
#define JOINLY_BENCHMARKS_SUPPORT_SUBJECTS_HPP
// The backends that are measured, the players that they are measured with, and stores that live until the program ends.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>
#include <tests/support/temp_dir.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace joinly::bench {

/// Names are those of the backends in every benchmark's name. No fsync: CPU time is what is compared.
struct OnMemory {
    using Backend = MemoryBackend;
    static constexpr const char* name = "memory";
    static MemoryOptions options(const std::string&) { return {}; }
};
struct OnSqlite {
    using Backend = SqliteBackend;
    static constexpr const char* name = "sqlite";
    static SqliteOptions options(const std::string& directory) {
        SqliteOptions options;
        options.path = directory + "/db";
        options.sync = Sync::process_crash;
        return options;
    }
};
struct OnLevelDb {
    using Backend = LevelDbBackend;
    static constexpr const char* name = "leveldb";
    static LevelDbOptions options(const std::string& directory) {
        LevelDbOptions options;
        options.path = directory + "/db";
        options.sync = Sync::process_crash;
        return options;
    }
};

/// A benchmark whose setting fails measures nothing: it says why, and the program ends.
template <class Outcome>
decltype(auto) must(Outcome&& outcome) {
    if (!outcome) {
        std::fprintf(stderr, "benchmark: %s\n", std::string{outcome.error().message()}.c_str());
        std::exit(1);
    }
    if constexpr (requires { *outcome; }) return *std::forward<Outcome>(outcome);
}

/// Of what an interface that is not ours answers.
inline void must_be(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "benchmark: %s\n", what);
    std::exit(1);
}

/// A store in a directory of its own.
template <class Subject, class Policy = NoCache, class Traits = DefaultTraits>
struct OpenStore {
    using Store = joinly::Store<typename Subject::Backend, Policy, Traits>;

    test::TempDir dir;
    Traits traits;
    Store store = must(Store::open(Subject::options(dir.path().string()), {}, traits));
};

/// What lets go of all that `filled` keeps. Before main ends: RocksDB's own statics may be gone after that, which crashed once.
inline std::vector<void (*)()>& closers() {
    static std::vector<void (*)()> all;
    return all;
}

/// The same store for each benchmark that asks for this `size`, filled by `fill(opened, size)` when the first one asks.
template <class Opened, class Fill>
Opened& filled(std::size_t size, Fill fill) {
    static std::map<std::size_t, std::unique_ptr<Opened>> stores;
    if (stores.empty()) closers().push_back([] { stores.clear(); });
    auto& kept = stores[size];
    if (!kept) {
        kept = std::make_unique<Opened>();
        fill(*kept, size);
    }
    return *kept;
}

/// splitmix64 (Steele, Lea, Flood 2014): the same numbers in each run.
class Random {
public:
    explicit Random(std::uint64_t seed = 1) noexcept : state_{seed} {}

    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

private:
    std::uint64_t next() noexcept {
        std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }
    std::uint64_t state_;
};

[[nodiscard]] inline std::string player_id(std::size_t number) { return "player_" + std::to_string(number); }

/// About 200 bytes when encoded.
[[nodiscard]] inline Player player(std::size_t number) {
    Player made;
    made.player_id = player_id(number);
    made.username = "User of the number " + std::to_string(number);
    made.skill_rating = static_cast<std::int32_t>(number * 7919 % 1'000'003);
    made.created_at = Timestamp{std::chrono::seconds{1'700'000'000 + static_cast<std::int64_t>(number)}};
    made.attributes = {{"clan", "The Knights of the Round Table"},
                       {"level", std::to_string(number % 100)},
                       {"region", "eu-central"},
                       {"motto", "what is kept is kept, whatever may come to the ones who keep it"}};
    return made;
}

/// Saves `make(0)` to `make(size - 1)`, in batches.
template <class Store, class Make>
void save_all(Store& store, std::size_t size, Make make) {
    constexpr std::size_t batch = 10'000;
    for (std::size_t first = 0; first < size; first += batch) {
        std::vector<decltype(make(first))> entities;
        for (std::size_t number = first; number < (std::min)(first + batch, size); ++number) entities.push_back(make(number));
        must(store.save_many(entities));
    }
    must(store.flush());
}

/// As "find_50/sqlite/1000", the way goals.toml names it.
template <class Function>
void add(const std::string& name, Function function) {
    benchmark::RegisterBenchmark(name.c_str(), function)->Unit(benchmark::kMicrosecond);
}

/// JOINLY_QUICK is set by `bash benchmarks/run --quick`.
[[nodiscard]] inline std::vector<std::size_t> table_sizes() {
    if (std::getenv("JOINLY_QUICK")) return {1'000, 100'000};
    return {1'000, 10'000, 100'000, 1'000'000};
}

inline int run_all(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    for (const auto close : closers()) close();
    return 0;
}

}  // namespace joinly::bench
#endif
