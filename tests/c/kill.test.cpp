// A process that uses the library is killed at a random instant: what the policy has promised is there afterwards.

#include <tests/c/rig.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/temp_dir.hpp>

#include <joinly/c/joinly.h>

#include <unistd.h>
#include <csignal>
#include <cstddef>
#include <random>
#include <string>

namespace joinly::test {
namespace {

CStore open_to_be_killed(const TempDir& dir, const std::string& policy) {
    if (policy != "write_behind") return open_c("sqlite", dir / "a.db", policy.c_str(), {{"sync", "process_crash"}});
    return open_c("sqlite", dir / "a.db", "write_behind", {{"journal", dir / "journal"}, {"max_delay", "20"}});
}

/// Saves players 0, 1, 2, ... and says so after each, until it is killed: first its own id, then a byte for each.
int write_until_killed(const TempDir& dir, const std::string& policy, int pipe) {
    const CStore store = open_to_be_killed(dir, policy);
    const pid_t id = ::getpid();
    if (::write(pipe, &id, sizeof id) != sizeof id) return 1;
    for (int number = 0;; ++number) {
        if (set(store, "player:" + std::to_string(number), R"({"username": "one"})") != JOINLY_OK) return 2;
        if (::write(pipe, "+", 1) != 1) return 3;
    }
}

TEST_CASE("what was acknowledged before a kill is there afterwards", "[c][crash]") {
    const auto policy = GENERATE(as<std::string>{}, "none", "write_through", "write_behind");
    const auto seed = setting("JOINLY_SEED", std::random_device{}());
    INFO(policy << ", JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 3; ++round) {
        const TempDir dir;
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        ChildProcess child{[&] { return write_until_killed(dir, policy, ends[1]); }};
        ::close(ends[1]);
        pid_t id = 0;
        REQUIRE(::read(ends[0], &id, sizeof id) == sizeof id);
        const std::size_t enough = 1 + random() % 300;
        std::size_t acknowledged = 0;
        char bytes[64];
        for (ssize_t got = 1; got > 0;) {  // to the end: it may have acknowledged more before it was killed
            got = ::read(ends[0], bytes, sizeof bytes);
            acknowledged += got > 0 ? static_cast<std::size_t>(got) : 0;
            if (acknowledged >= enough) ::kill(id, SIGKILL);
        }
        ::close(ends[0]);
        CHECK(child.wait() == -1);
        const CStore store = open_to_be_killed(dir, policy);
        std::size_t there = 0;
        while (get(store, "player:" + std::to_string(there)).front() == '{') ++there;
        CHECK(there >= acknowledged);
    }
}

}  // namespace
}  // namespace joinly::test
