// One policy over one backend, raced until something is wrong: the program that most seeded faults are tried on. It ends
// with 0 if nothing is. Chosen when it is compiled: JOINLY_TEST_POLICY, JOINLY_TEST_BACKEND (MemoryBackend) and its header,
// JOINLY_TEST_RACER (Racer, or TransactionRacer).
#ifdef JOINLY_TEST_BACKEND_HEADER
#include JOINLY_TEST_BACKEND_HEADER
#else
#include <joinly/backend/memory.hpp>
#define JOINLY_TEST_BACKEND MemoryBackend
#endif

#include "tests/linearizability/race.hpp"
#include "tests/linearizability/transactions.hpp"
#include "tests/support/temp_dir.hpp"

#ifndef JOINLY_TEST_RACER
#define JOINLY_TEST_RACER Racer
#endif

#include <cstdint>
#include <iostream>
#include <random>
#include <string_view>

using namespace joinly;
using namespace joinly::test;

using Backend = JOINLY_TEST_BACKEND;

template <class Options>
Options options_in(const TempDir& dir, std::string_view name) {
    Options options;
    if constexpr (requires { options.path; }) {
        options.path = dir / name;
        options.sync = Sync::process_crash;
    }
    return options;
}

int main() {
    const TempDir dir;
    const std::uint64_t seed = from_environment("JOINLY_SEED", std::random_device{}());
    const std::uint64_t wanted = from_environment("JOINLY_OPERATIONS", 100'000);
    using Race = joinly::test::Race<Backend, JOINLY_TEST_POLICY, JOINLY_TEST_RACER>;
    Race steady{{.operations = 1'000, .seed = seed, .journal = dir / "journal"}};
    Race failing{{.operations = 500, .fails = true, .seed = seed, .journal = dir / "failing_journal"}};
    for (std::uint64_t done = 0; done < wanted; done += 1'500) {
        auto wrong = steady.round(options_in<Backend::Options>(dir, "steady"));
        if (!wrong) wrong = failing.round(options_in<Backend::Options>(dir, "failing"));
        if (!wrong) continue;
        std::cout << "JOINLY_SEED=" << seed << ", after " << done << " operations: " << *wrong << '\n';
        return 1;
    }
}
