#ifndef JOINLY_TESTS_CRASH_LOOP_HPP
#define JOINLY_TESTS_CRASH_LOOP_HPP
// Kill, reopen, check, go on in the same database: a child process writes and reports what was acknowledged, its parent ends it
// with SIGKILL, and a fresh process looks at what is left. POSIX only.

#include <tests/crash/check.hpp>
#include <tests/crash/subject.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace joinly::test {

/// What else happens when a process is killed, besides its end. As it is: nothing.
class Disaster {
public:
    Disaster() = default;
    Disaster(const Disaster&) = delete;
    Disaster& operator=(const Disaster&) = delete;
    virtual ~Disaster() = default;

    /// In each child, before it opens anything in `directory`.
    virtual void enter(const std::string& directory) { (void)directory; }
    /// In the parent, when no process has `directory` open.
    virtual void strike(const std::string& directory, Dice& dice) { (void)directory, (void)dice; }
    /// In the parent: `directory` was removed.
    virtual void forget(const std::string& directory) { (void)directory; }
    /// Whether `strike` is a loss of power.
    [[nodiscard]] virtual bool cuts_power() const { return false; }
};

struct LoopOptions {
    std::uint64_t rounds = 8;
    std::uint64_t seed = 1;

    bool vary_sync = false;                  ///< now one sync option and now the other
    std::chrono::milliseconds lives_for{0};  ///< of a writer, at least, and up to half as long again; 0: short and varied
    bool may_refuse = false;  ///< the database may be refused as `corrupt`: it is then made anew, and this is counted
};

struct Tally {
    std::uint64_t rounds = 0;
    std::uint64_t kills = 0;  ///< those during recovery included
    std::uint64_t kills_during_recovery = 0;
    std::uint64_t cuts = 0;  ///< of the power, each after a kill; fewer than rounds: some end otherwise
    std::uint64_t cuts_during_recovery = 0;
    std::uint64_t batches = 0;  ///< acknowledged
    std::uint64_t writes = 0;   ///< in these
    std::uint64_t refused = 0;  ///< databases
    Faults faults;
    std::uint64_t errors = 0;  ///< calls that failed, and processes that hung
    std::uint64_t slowest_open_us = 0;
    std::uint64_t forgotten = 0;  ///< acknowledged batches that are gone, and were not promised
    std::string first_fault;

    void add(const Tally& other);
};

/// Goes on for so many rounds, or until there is a fault, in a temporary directory.
[[nodiscard]] Tally run_loop(const Setup& setup, const LoopOptions& options, Disaster& disaster);

/// One line of counts, for whoever runs the long form.
[[nodiscard]] std::string to_string(const Tally& tally);

/// Adds to a line of counts that the program prints when it ends, if that is about more than one loop.
void add_to_sum(const Tally& tally);

}  // namespace joinly::test
#endif
