// Whether an acknowledged save survives the process, under write-behind with a journal over SQLite: a process that saves is killed
// again and again, and each time what it was told was kept is looked for. It is counted, not timed, and has a program of its own:
// no other thread is to run, whose locks a child would find held, and what it leaves for the disk would slow others down.
// tests/crash/ does the same with every policy and backend, and with batches.

#include <benchmarks/support/subjects.hpp>
#include <joinly/policy/write_behind.hpp>

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

using OnDisk = joinly::Store<joinly::SqliteBackend, joinly::WriteBehind>;
OnDisk open_on_disk(const joinly::test::TempDir& dir) {
    joinly::WriteBehindOptions options;
    options.journal.path = dir / "journal";
    return must(OnDisk::open({.path = dir / "db"}, options));
}

/// Saves `from + 1` and on, each in its turn among the players, as their ratings, and tells what was acknowledged.
[[noreturn]] void save_until_killed(const joinly::test::TempDir& dir, std::int32_t from, std::atomic<std::int32_t>& acknowledged) {
    auto store = open_on_disk(dir);
    joinly::Player one = player(0);
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

/// A hundred kills, each after a hundred thousand acknowledged saves or
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
    benchmark::RegisterBenchmark("kills/write_behind_with_journal", kills)->Iterations(1)->Repetitions(1);
    return run_all(argc, argv);
}
