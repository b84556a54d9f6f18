// Kills a writer with SIGKILL at a random instant, reopens, checks, and goes on in the same database.
//
//     JOINLY_ROUNDS=5000 crash.crash_loop       the long form; a line of counts for each combination, and one for all
//     JOINLY_SEED=...                           which batches are written; the instants of the kills remain the machine's
//     JOINLY_KEEP=directory                     where to copy the files that a fault was found in

#include <unistd.h>

#include <tests/crash/loop.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/settings.hpp>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

namespace joinly::test {
namespace {

void survives_kills(const Setup& setup) {
    LoopOptions options{.rounds = setting("JOINLY_ROUNDS", 8), .seed = setting("JOINLY_SEED", std::random_device{}())};
    options.vary_sync = setup.engine != Engine::memory;
    INFO("JOINLY_SEED=" << options.seed);
    Disaster none;
    const Tally tally = run_loop(setup, options, none);
    std::cout << to_string(setup) << ": " << to_string(tally) << std::endl;
    add_to_sum(tally);
    INFO(tally.first_fault);
    CHECK(tally.rounds == options.rounds);
    CHECK(tally.faults.sum() == 0);
    CHECK(tally.errors == 0);
}

/// Ends the first process that opens the database.
class EndsOnce final : public Disaster {
public:
    explicit EndsOnce(void (*how)()) : how_{how} {}
    void enter(const std::string& directory) override {
        if (std::ofstream{directory + ".entered", std::ios::app | std::ios::ate}.tellp() == 0) {
            std::ofstream{directory + ".entered"} << "by one";
            how_();
        }
    }

private:
    void (*how_)();
};

}  // namespace

TEST_CASE("a writer that crashes by itself is not taken for one that was killed", "[crash]") {
    const auto how = GENERATE(
        +[] { ::_exit(66); },
        +[] {
            std::signal(SIGSEGV, SIG_DFL);
            std::raise(SIGSEGV);
        });
    EndsOnce crash{how};
    const LoopOptions long_before_a_kill{.rounds = 1, .lives_for = std::chrono::minutes{1}};
    CHECK(run_loop({Engine::sqlite, Policy::no_cache}, long_before_a_kill, crash).errors == 1);
}

TEST_CASE("SQLite under NoCache keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::sqlite, Policy::no_cache});
}
TEST_CASE("SQLite under ReadThrough keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::sqlite, Policy::read_through});
}
TEST_CASE("SQLite under WriteThrough keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::sqlite, Policy::write_through});
}
TEST_CASE("SQLite under WriteBehind keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::sqlite, Policy::write_behind});
}
TEST_CASE("LevelDB under NoCache keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::leveldb, Policy::no_cache});
}
TEST_CASE("LevelDB under ReadThrough keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::leveldb, Policy::read_through});
}
TEST_CASE("LevelDB under WriteThrough keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::leveldb, Policy::write_through});
}
TEST_CASE("LevelDB under WriteBehind keeps its word when the process is killed", "[crash]") {
    survives_kills({Engine::leveldb, Policy::write_behind});
}
TEST_CASE("memory with a journal keeps its word when the process is killed", "[crash][journal]") {
    survives_kills({.engine = Engine::memory, .policy = Policy::write_behind, .journal = true});
}
TEST_CASE("SQLite with a journal keeps its word when the process is killed", "[crash][journal]") {
    survives_kills({.engine = Engine::sqlite, .policy = Policy::write_behind, .journal = true});
}
TEST_CASE("LevelDB with a journal keeps its word when the process is killed", "[crash][journal]") {
    survives_kills({.engine = Engine::leveldb, .policy = Policy::write_behind, .journal = true});
}

}  // namespace joinly::test
