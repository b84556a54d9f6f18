#ifndef JOINLY_TESTS_LINEARIZABILITY_SUITE_HPP
#define JOINLY_TESTS_LINEARIZABILITY_SUITE_HPP
// A race as a test case.
//
//     JOINLY_OPERATIONS=10000000   the long form: so many operations in each test case
//     JOINLY_SEED=7                the random choices of a failed run; the threads' timing is the machine's

#include "tests/linearizability/race.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <random>
#include <type_traits>

namespace joinly::test {

#ifdef JOINLY_TEST_UNDER_TSAN
inline constexpr std::uint64_t short_form = 5'000;
#else
inline constexpr std::uint64_t short_form = 20'000;
#endif

template <class CachePolicy, class Backend, template <class> class RacerOf = Racer>
void check_race(RaceOptions options, const typename Backend::Options& backend) {
    const TempDir dir;
    options.journal = dir / "journal";
    options.seed = from_environment("JOINLY_SEED", std::random_device{}());
    const std::uint64_t wanted =
        from_environment("JOINLY_OPERATIONS", std::is_same_v<Backend, MemoryBackend> ? short_form : short_form / 2);
    Race<Backend, CachePolicy, RacerOf> race{options};
    for (std::uint64_t done = 0; done < wanted; done += options.operations) {
        INFO("JOINLY_SEED=" << options.seed << ", after " << done << " operations");
        REQUIRE(race.round(backend).value_or("as it should be") == "as it should be");
    }
}

/// A round is shorter when the backend fails: each operation of unknown outcome makes it harder to judge.
[[nodiscard]] inline RaceOptions failing_race() { return {.operations = 500, .fails = true}; }

}  // namespace joinly::test
#endif
