// What an acknowledged save costs that survives the process: write-behind with its journal, beside what others do for that. And
// whether it does: a process that saves is killed a hundred times, and each time what it was told was kept is looked for.

#include <benchmarks/support/engines.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/policy/write_behind.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <thread>

namespace {

using namespace joinly::bench;

constexpr std::size_t players = 10'000;

/// 200 bytes when encoded, most of them in one attribute, so that copying a player is not what is measured.
joinly::Player small_player(std::size_t number) {
    joinly::Player made = player(number);
    made.attributes = {{"loadout", std::string(120, 'l')}};
    return made;
}

/// Made beforehand: a game has its players in memory.
const std::vector<joinly::Player>& all_players() {
    static const auto made = [] {
        std::vector<joinly::Player> all;
        for (std::size_t number = 0; number < players; ++number) all.push_back(small_player(number));
        return all;
    }();
    return made;
}

using Behind = joinly::Store<joinly::MemoryBackend, joinly::WriteBehind>;

/// Flushes when the benchmark is over: what the worker does then is another benchmark's.
Behind open_behind(const std::string& journal) {
    joinly::WriteBehindOptions options;
    options.max_delay = std::chrono::hours{1};
    options.flush_entries = options.pending_limit_entries = 10 * players;
    options.flush_bytes = options.pending_limit_bytes = std::size_t{1} << 40;
    options.journal.path = journal;
    options.journal.limit_bytes = std::size_t{8} << 30;
    return must(Behind::open({}, options));
}

/// An iteration saves each player once, in an order that the cache does not foresee, in a store that has them all.
template <class Save>
void save_each(benchmark::State& state, Save&& save) {
    Random random;
    for (auto _ : state) {
        for (std::size_t i = 0; i < 1'000; ++i) save(all_players()[random.below(players)]);
    }
    state.SetItemsProcessed(state.iterations() * 1'000);
}

void write_behind(benchmark::State& state, bool with_journal) {
    const joinly::test::TempDir dir;
    auto store = open_behind(with_journal ? dir / "journal" : "");
    for (const auto& one : all_players()) must(store.save(one));
    save_each(state, [&](const joinly::Player& one) { must(store.save(one)); });
}

/// The floor: the bytes and their checksum, kept nowhere.
void encode_and_checksum(benchmark::State& state) {
    std::string bytes;
    save_each(state, [&](const joinly::Player& one) {
        bytes.clear();
        must(joinly::Binary::encode(one, bytes));
        benchmark::DoNotOptimize(joinly::detail::crc32c(bytes));
    });
}

void write_each(benchmark::State& state) {
    const joinly::test::TempDir dir;
    const int file = ::open((dir / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    std::string bytes;
    save_each(state, [&](const joinly::Player& one) {
        bytes.clear();
        must(joinly::Binary::encode(one, bytes));
        if (::write(file, bytes.data(), bytes.size()) < 0) std::exit(1);
    });
    ::close(file);
}

/// What benchmarks/backend.cpp calls sqlite/raw: a prepared upsert for each save, outside of transactions.
void sqlite_autocommit(benchmark::State& state) {
    RawSqlite<false> engine;
    std::vector<Row> row(1);
    const auto save = [&](const joinly::Player& one) {
        row[0].key = one.player_id;
        row[0].value.clear();
        must(joinly::Binary::encode(one, row[0].value));
        engine.put(row);
    };
    for (const auto& one : all_players()) save(one);
    save_each(state, save);
}

// --- kills

using OnDisk = joinly::Store<joinly::SqliteBackend, joinly::WriteBehind>;
OnDisk open_on_disk(const joinly::test::TempDir& dir) {
    joinly::WriteBehindOptions options;
    options.journal.path = dir / "journal";
    return must(OnDisk::open({.path = dir / "db"}, options));
}

/// Saves `from + 1` and on, each in its turn among the players, as their ratings, and tells what was acknowledged.
[[noreturn]] void save_until_killed(const joinly::test::TempDir& dir, std::int32_t from, std::atomic<std::int32_t>& acknowledged) {
    auto store = open_on_disk(dir);
    joinly::Player one = small_player(0);
    for (std::int32_t number = from + 1;; ++number) {
        one.player_id = player_id(static_cast<std::size_t>(number) % players);
        one.skill_rating = number;
        must(store.save(one));
        acknowledged.store(number);
    }
}

/// How many players are older than their last acknowledged save, of those whose saves end with `last`.
std::size_t lost_before(OnDisk& store, std::int32_t last) {
    std::size_t lost = 0;
    const std::int32_t first = (std::max)(last - static_cast<std::int32_t>(players), 0) + 1;
    for (std::int32_t number = first; number <= last; ++number) {
        const auto kept = store.load<joinly::Player>(player_id(static_cast<std::size_t>(number) % players));
        if (!kept || (*kept)->skill_rating < number) ++lost;
    }
    return lost;
}

struct Kills {
    std::int32_t acknowledged = 0;
    std::size_t lost = 0;
};

/// No other thread runs, whose locks a child would find held. A hundred kills, each after a hundred thousand acknowledged saves or
/// a few more; with --quick ten, of ten thousand.
Kills kill_often() {
    const bool quick = std::getenv("JOINLY_QUICK") != nullptr;
    const joinly::test::TempDir dir;
    void* const shared =
        ::mmap(nullptr, sizeof(std::atomic<std::int32_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must_be(shared != MAP_FAILED, "mmap");
    auto& acknowledged = *new (shared) std::atomic<std::int32_t>{0};
    Random random;
    std::size_t lost = 0;
    for (int kill = 0; kill < (quick ? 10 : 100); ++kill) {
        const std::int32_t from = acknowledged;
        const pid_t child = ::fork();
        if (child == 0) save_until_killed(dir, from, acknowledged);
        must_be(child > 0, "fork");
        const std::int32_t until = from + (quick ? 10'000 : 100'000);
        const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{1};
        while (acknowledged < until) {
            must_be(::waitpid(child, nullptr, WNOHANG) == 0, "the process that saves ended by itself");
            if (std::chrono::steady_clock::now() > patience) ::kill(child, SIGKILL);
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
        std::this_thread::sleep_for(std::chrono::microseconds{random.below(5'000)});
        ::kill(child, SIGKILL);
        must_be(::waitpid(child, nullptr, 0) == child, "waitpid");
        auto store = open_on_disk(dir);
        lost += lost_before(store, acknowledged);
    }
    const Kills counted{acknowledged, lost};
    ::munmap(shared, sizeof(std::atomic<std::int32_t>));
    return counted;
}

void kills(benchmark::State& state) {
    static const Kills counted = kill_often();
    for (auto _ : state) {
    }
    state.counters["lost"] = static_cast<double>(counted.lost);
    state.counters["acknowledged"] = counted.acknowledged;
}

}  // namespace

int main(int argc, char** argv) {
    add("save/encode_and_checksum", encode_and_checksum);
    add("save/write_behind", [](benchmark::State& state) { write_behind(state, false); });
    add("save/write_behind_with_journal", [](benchmark::State& state) { write_behind(state, true); });
    add("save/write_each", write_each);
    add("save/sqlite_autocommit", sqlite_autocommit);
    benchmark::RegisterBenchmark("kills/write_behind_with_journal", kills)->Iterations(1)->Repetitions(1);
    return run_all(argc, argv);
}
