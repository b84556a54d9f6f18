// Kills a writer at a random instant, takes away what was not synced (see power.hpp), reopens, checks, and goes on.
//
//     JOINLY_ROUNDS=5000 crash.power_loss "[cut]"     the long form; a line of counts for each combination, and one for all
//     JOINLY_SEED=...                                 which batches are written; the instants of the cuts remain the machine's
//     JOINLY_KEEP=directory                           where to copy the files that a fault was found in

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tests/crash/loop.hpp>
#include <tests/crash/power.hpp>
#include <tests/crash/subject_of.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/failing_backend.hpp>
#include <tests/support/latch.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace joinly::test {
namespace {

using std::chrono::milliseconds;

class PowerCut final : public Disaster {
public:
    explicit PowerCut(std::optional<Unsynced> unsynced = {}, unsigned lies_percent = 0)
        : unsynced_{unsynced}, lies_percent_{lies_percent} {}

    void enter(const std::string& directory) override {
        swallow_syncs(lies_percent_);
        count_syncs(directory, shadow_of(directory));
    }
    void strike(const std::string& directory, Dice& dice) override {
        constexpr Unsynced all[] = {Unsynced::all_lost, Unsynced::sectors, Unsynced::pages, Unsynced::all_kept};
        cut_power(directory, shadow_of(directory), unsynced_.value_or(all[dice.below(4)]), dice);
    }
    void forget(const std::string& directory) override { std::filesystem::remove_all(shadow_of(directory)); }
    bool cuts_power() const override { return true; }

private:
    static std::string shadow_of(const std::string& directory) { return directory + ".shadow"; }

    std::optional<Unsynced> unsynced_;
    unsigned lies_percent_;
};

Tally play(const Setup& setup, LoopOptions options, Disaster& disaster) {
    options.seed = setting("JOINLY_SEED", std::random_device{}());
    std::cout << to_string(setup) << ", JOINLY_SEED=" << options.seed << ": " << std::flush;
    const Tally tally = run_loop(setup, options, disaster);
    std::cout << to_string(tally) << std::endl;
    return tally;
}

void survives_cuts(const Setup& setup, LoopOptions options = {}) {
    options.rounds = setting("JOINLY_ROUNDS", options.rounds);
    PowerCut power;
    const Tally tally = play(setup, options, power);
    add_to_sum(tally);
    INFO(tally.first_fault);
    CHECK(tally.rounds == options.rounds);
    CHECK(tally.faults.sum() == 0);
    CHECK(tally.errors == 0);
}

Setup with_journal(Engine engine, Sync sync, milliseconds sync_interval = {}, Sync backend_sync = Sync::power_loss) {
    return {engine, Policy::write_behind, backend_sync, true, sync, sync_interval};
}

/// For tests of the layer itself: what a child does with files, then a cut.
class Machine {
public:
    explicit Machine(int (*work)(const std::string& directory)) {
        std::filesystem::create_directory(directory_);
        ChildProcess child{[&] {
            count_syncs(directory_, shadow_);
            return work(directory_);
        }};
        exit_code = child.wait();
        Dice dice{1};
        cut_power(directory_, shadow_, Unsynced::all_lost, dice);
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream file{directory_ + "/" + name};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(directory_ + "/" + name); }

    int exit_code = -1;

private:
    TempDir dir_;
    std::string directory_ = dir_ / "data";
    std::string shadow_ = dir_ / "shadow";
};

int put(const std::string& path, const std::string& bytes) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0644);
    if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("write failed");
    return file;
}

void sync_directory(const std::string& path) {
    const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
    ::fsync(directory);
    ::close(directory);
}

}  // namespace

TEST_CASE("a cut takes the bytes that were not synced", "[power]") {
    const Machine machine{[](const std::string& directory) {
        const int file = put(directory + "/partly", "kept");
        ::fdatasync(file);
        put(directory + "/never", "lost");
        return ::write(file, "lost", 4) == 4 ? 0 : 1;
    }};
    REQUIRE(machine.exit_code == 0);
    CHECK_FALSE(machine.has("never"));
    CHECK(machine.read("partly") == "kept");
}

TEST_CASE("a cut takes the stores to a mapping that were not synced", "[power]") {
    const Machine machine{[](const std::string& directory) {
        const int file = ::open((directory + "/mapped").c_str(), O_RDWR | O_CREAT, 0644);
        if (::ftruncate(file, 4) != 0) return 1;
        void* const memory = ::mmap(nullptr, 4, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        std::memcpy(memory, "kept", 4);
        ::msync(memory, 4, MS_SYNC);
        std::memcpy(memory, "lost", 4);
        return 0;
    }};
    REQUIRE(machine.exit_code == 0);
    CHECK(machine.read("mapped") == "kept");
}

TEST_CASE("a cut takes the names that were changed after their directory was synced", "[power]") {
    const Machine machine{[](const std::string& directory) {
        for (const char* const name : {"/old", "/older", "/gone"}) ::fsync(put(directory + name, name));
        std::rename((directory + "/older").c_str(), (directory + "/renamed").c_str());
        std::remove((directory + "/gone").c_str());
        sync_directory(directory);
        std::rename((directory + "/old").c_str(), (directory + "/new").c_str());
        std::filesystem::create_directory(directory + "/unsynced");
        return 0;
    }};
    REQUIRE(machine.exit_code == 0);
    CHECK(machine.has("old"));
    CHECK_FALSE(machine.has("new"));
    CHECK(machine.has("renamed"));
    CHECK_FALSE(machine.has("gone"));
    CHECK_FALSE(machine.has("unsynced"));
}

TEST_CASE("a change of names that was made is not made once more by the next process", "[power]") {
    const TempDir dir;
    const std::string directory = dir / "data", shadow = dir / "shadow";
    std::filesystem::create_directory(directory);
    ChildProcess renames{[&] {
        count_syncs(directory, shadow);
        ::fsync(put(directory + "/a", "renamed"));
        return std::rename((directory + "/a").c_str(), (directory + "/b").c_str());
    }};
    REQUIRE(renames.wait() == 0);
    put(directory + "/a", "made by a process that was killed before the layer knew");
    ChildProcess looks{[&] {
        count_syncs(directory, shadow);
        return std::filesystem::file_size(directory + "/b") == 7 ? 0 : 1;
    }};
    CHECK(looks.wait() == 0);
}

TEST_CASE("a cut while a file is replaced leaves the new one or the old one whole", "[power]") {
    const TempDir dir;
    const std::string directory = dir / "data", shadow = dir / "shadow";
    std::filesystem::create_directory(directory);
    ChildProcess replaces{[&] {
        count_syncs(directory, shadow);
        ::fsync(put(directory + "/file", "the old one"));
        ::fsync(put(directory + "/file.new", "the new one"));
        sync_directory(directory);
        std::ofstream{shadow + "/log", std::ios::app} << "r\t0\tfile.new\tfile\n";  // killed before it was made
        return 0;
    }};
    REQUIRE(replaces.wait() == 0);
    Dice dice{1};
    cut_power(directory, shadow, Unsynced::all_kept, dice);
    std::ifstream file{directory + "/file"};
    CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == "the new one");
}

TEST_CASE("the layer sees what each engine syncs: without syncs acknowledged writes are lost", "[power]") {
    const auto engine = GENERATE(Engine::sqlite, Engine::leveldb);
    PowerCut power{Unsynced::all_lost};
    const Tally tally = play({engine, Policy::no_cache, Sync::process_crash}, {.rounds = 20}, power);
    INFO(tally.first_fault);
    CHECK(tally.forgotten > 0);
    CHECK(tally.faults.sum() + tally.errors == 0);
}

TEST_CASE("syncs that only seem to happen are found out", "[power]") {
    const auto setup = GENERATE(Setup{Engine::sqlite, Policy::no_cache}, Setup{Engine::leveldb, Policy::no_cache},
                                with_journal(Engine::memory, Sync::power_loss));
    PowerCut power{Unsynced::all_lost, 30};
    const Tally tally = play(setup, {.rounds = 40}, power);
    CHECK(tally.faults.sum() + tally.errors > 0);
}

TEST_CASE("what a store shows after a crash of its process is not lost when the power goes next", "[power]") {
    const auto [left, shown] = GENERATE(std::pair{Setup{Engine::sqlite, Policy::no_cache, Sync::process_crash},  //
                                                  Setup{Engine::sqlite, Policy::no_cache}},
                                        std::pair{Setup{Engine::leveldb, Policy::no_cache, Sync::process_crash},  //
                                                  Setup{Engine::leveldb, Policy::no_cache}},
                                        std::pair{with_journal(Engine::memory, Sync::process_crash),  //
                                                  with_journal(Engine::memory, Sync::power_loss)});
    CAPTURE(to_string(shown));
    const TempDir dir;
    const std::string directory = dir / "data", shadow = dir / "shadow";
    std::filesystem::create_directory(directory);
    const auto in_a_process = [&](const Setup& setup, auto&& work) {
        ChildProcess child{[&] {
            count_syncs(directory, shadow);
            auto subject = open_subject(setup, directory);
            return subject && work(**subject) ? 0 : 1;
        }};
        return child.wait() == 0;
    };
    const auto finds = [](Subject& subject) { return subject.load("lane0:1").has_value(); };
    REQUIRE(in_a_process(shown, [](Subject& subject) { return subject.close().has_value(); }));
    REQUIRE(in_a_process(left, [](Subject& subject) {
        if (subject.write({{"lane0:1", "unsynced", {}, absent, ValueForm::bytes}})) ::_exit(0);
        return false;
    }));
    REQUIRE(in_a_process(shown, [&](Subject& subject) {
        if (finds(subject)) ::_exit(0);
        return false;
    }));
    Dice dice{1};
    cut_power(directory, shadow, Unsynced::all_lost, dice);
    CHECK(in_a_process(shown, finds));
}

TEST_CASE("a journal is synced in its interval, though a flush waits for its backend", "[power]") {
    const TempDir dir;
    const std::string directory = dir / "data", shadow = dir / "shadow";
    std::filesystem::create_directory(directory);
    ProcessGate gate;
    ChildProcess child{[&] {
        count_syncs(directory, shadow);
        const auto control = std::make_shared<FailingBackend::Control>();
        Latch flushing, answer;
        control->before_write = [&](const Batch&) {
            flushing.open();
            answer.wait();
        };
        const auto setup = with_journal(Engine::memory, Sync::process_crash, milliseconds{1});
        auto subject = open_under<WriteBehind>(*FailingBackend::open({control}), write_behind_options(setup, directory));
        if (!subject || !(*subject)->write({{"lane0:1", "is being flushed", {}, absent, ValueForm::bytes}})) return 1;
        flushing.wait();
        if (!(*subject)->write({{"lane0:2", "is saved meanwhile", {}, absent, ValueForm::bytes}})) return 1;
        gate.pass();
        answer.open();
        return 0;
    }};
    const auto is_durable = [&] {
        for (const auto& file : std::filesystem::recursive_directory_iterator{shadow}) {
            std::ifstream bytes{file.path(), std::ios::binary};
            if (std::string{std::istreambuf_iterator<char>{bytes}, {}}.find("is saved meanwhile") != std::string::npos) return true;
        }
        return false;
    };
    bool synced = false;
    for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
         !synced && std::chrono::steady_clock::now() < until;) {
        synced = std::filesystem::exists(shadow) && is_durable();
        std::this_thread::sleep_for(milliseconds{5});
    }
    CHECK(synced);
    gate.open();
    CHECK(child.wait() == 0);
}

TEST_CASE("SQLite under NoCache keeps its word when the power goes", "[cut]") { survives_cuts({Engine::sqlite, Policy::no_cache}); }
TEST_CASE("SQLite under ReadThrough keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::sqlite, Policy::read_through});
}
TEST_CASE("SQLite under WriteThrough keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::sqlite, Policy::write_through});
}
TEST_CASE("SQLite under WriteBehind keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::sqlite, Policy::write_behind});
}
TEST_CASE("LevelDB under NoCache keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::leveldb, Policy::no_cache});
}
TEST_CASE("LevelDB under ReadThrough keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::leveldb, Policy::read_through});
}
TEST_CASE("LevelDB under WriteThrough keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::leveldb, Policy::write_through});
}
TEST_CASE("LevelDB under WriteBehind keeps its word when the power goes", "[cut]") {
    survives_cuts({Engine::leveldb, Policy::write_behind});
}
TEST_CASE("SQLite that is not synced holds whole batches, in order, when the power goes", "[cut]") {
    survives_cuts({Engine::sqlite, Policy::no_cache, Sync::process_crash});
}
TEST_CASE("LevelDB that is not synced holds whole batches, in order, or is refused, when the power goes", "[cut]") {
    survives_cuts({Engine::leveldb, Policy::no_cache, Sync::process_crash}, {.may_refuse = true});
}

TEST_CASE("memory with a synced journal loses nothing when the power goes", "[cut][journal]") {
    survives_cuts(with_journal(Engine::memory, Sync::power_loss));
}
TEST_CASE("SQLite with a synced journal loses nothing when the power goes", "[cut][journal]") {
    survives_cuts(with_journal(Engine::sqlite, Sync::power_loss));
}
TEST_CASE("LevelDB with a synced journal loses nothing when the power goes", "[cut][journal]") {
    survives_cuts(with_journal(Engine::leveldb, Sync::power_loss));
}
TEST_CASE("a synced journal makes up for a SQLite that is not, when the power goes", "[cut][journal]") {
    survives_cuts(with_journal(Engine::sqlite, Sync::power_loss, {}, Sync::process_crash));
}
TEST_CASE("a synced journal makes up for a LevelDB that is not, when the power goes", "[cut][journal]") {
    survives_cuts(with_journal(Engine::leveldb, Sync::power_loss, {}, Sync::process_crash));
}
TEST_CASE("memory with a journal that is synced now and then loses the newest writes at most when the power goes",
          "[cut][journal]") {
    survives_cuts(with_journal(Engine::memory, Sync::process_crash, milliseconds{5}),
                  {.rounds = 5, .lives_for = milliseconds{300}});
}
TEST_CASE("SQLite with a journal that is synced now and then loses the newest writes at most when the power goes",
          "[cut][journal]") {
    survives_cuts(with_journal(Engine::sqlite, Sync::process_crash, milliseconds{5}),
                  {.rounds = 5, .lives_for = milliseconds{300}});
}
TEST_CASE("memory with a journal that is never synced holds whole batches, in order, or is refused, when the power goes",
          "[cut][journal]") {
    survives_cuts(with_journal(Engine::memory, Sync::process_crash), {.may_refuse = true});
}
TEST_CASE("SQLite with a journal that is never synced holds what it has stored, or is refused, when the power goes",
          "[cut][journal]") {
    survives_cuts(with_journal(Engine::sqlite, Sync::process_crash), {.may_refuse = true});
}

}  // namespace joinly::test
