// A repair of a LevelDB database that is killed. Everything is done in children: after a fork LevelDB lacks the thread that it has
// started before.

#include <joinly/backend/leveldb.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "../support/catch.hpp"
#include "../support/child_process.hpp"
#include "../support/settings.hpp"
#include "../support/temp_dir.hpp"
#include "damaged_leveldb.hpp"

using namespace joinly;
using namespace joinly::test;
namespace fs = std::filesystem;

namespace {

bool opens(const std::string& path) { return LevelDbBackend::open(at(path)).has_value(); }

}  // namespace

TEST_CASE("a repair that is killed at random instants comes to its end when it is called again", "[leveldb][repair][crash]") {
    const TempDir dir;
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    INFO("JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    const std::string path = dir / "db";
    const auto in_child = [](auto work) { return ChildProcess{[&] { return work() ? 0 : 1; }}.wait() == 0; };
    const auto repaired = [&] { return LevelDbBackend::repair(at(path)).has_value(); };
    for (const Damage damage : {Damage::no_current, Damage::a_block, Damage::both}) {
        fs::remove_all(dir / "original");
        REQUIRE(in_child([&] { return make_damaged(dir / "original", damage), true; }));
        const auto renew = [&] {
            fs::remove_all(path);
            fs::copy(dir / "original", path, fs::copy_options::recursive);
        };
        renew();
        const auto begin = std::chrono::steady_clock::now();
        REQUIRE(in_child(repaired));
        const auto usual = (std::chrono::steady_clock::now() - begin) / std::chrono::microseconds{1} + 1;
        const int keys = ChildProcess{[&] { return keys_in(path); }}.wait();
        for (std::uint64_t round = 0; round < setting("JOINLY_ROUNDS", 20); ++round) {
            renew();
            for (int kills = 0; kills < 3; ++kills) {
                ChildProcess child{[&] { return repaired() ? 0 : 1; }};
                std::this_thread::sleep_for(std::chrono::microseconds{random() % static_cast<std::uint64_t>(usual)});
                child.kill();
                CHECK(child.wait() <= 0);
                const int there = ChildProcess{[&] { return keys_in(path) == keys ? 0 : opens(path) ? 1 : 2; }}.wait();
                CHECK((there == 0 || there == 2));  // it opens with everything, or not at all
            }
            REQUIRE(in_child(repaired));
            CHECK(ChildProcess{[&] { return keys_in(path); }}.wait() == keys);
        }
    }
}
