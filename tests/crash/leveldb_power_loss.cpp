// Of crash.power_loss: what a synced write to LevelDB is worth after writes that were not.

#include <unistd.h>

#include <joinly/backend/leveldb.hpp>

#include <tests/crash/power.hpp>
#include <tests/crash/workload.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/temp_dir.hpp>

#include <cstddef>
#include <filesystem>
#include <string>

namespace joinly::test {
namespace {

namespace fs = std::filesystem;

std::size_t logs_in(const std::string& directory) {
    std::size_t logs = 0;
    for (const auto& entry : fs::directory_iterator{directory}) logs += entry.path().extension() == ".log";
    return logs;
}

LevelDbOptions options_for(const std::string& directory) {
    LevelDbOptions options;
    options.path = directory + "/store";
    options.sync = Sync::process_crash;
    options.write_buffer_bytes = std::size_t{4} << 20;  // so that making a table takes longer than the next write
    options.compression = false;
    return options;
}

/// Writes "key0", "key1" and so on, not synced, until the first of them are in one log and the last in another; then "synced".
int write_into_two_logs(const std::string& directory) {
    auto backend = LevelDbBackend::open(options_for(directory));
    if (!backend) return 1;
    for (int i = 0; logs_in(directory + "/store") < 2; ++i) {
        if (i == 1000 || !backend->write(Batch{}.put("key" + std::to_string(i), std::string(50'000, 'v')))) return 1;
    }
    Batch synced;
    synced.put("synced", "v");
    synced.sync = Sync::power_loss;
    if (!backend->write(synced)) return 1;
    ::_exit(logs_in(directory + "/store") == 2 ? 0 : 2);  // 2: LevelDB has made a table of the first log meanwhile
}

}  // namespace

TEST_CASE("a synced write makes last what was written to LevelDB before, whichever log has it", "[power][leveldb]") {
    int rounds_with_two_logs = 0;
    for (int round = 0; round < 100 && rounds_with_two_logs < 5; ++round) {
        const TempDir dir;
        const std::string directory = dir / "data", shadow = dir / "shadow";
        fs::create_directory(directory);
        ChildProcess writes{[&] {
            count_syncs(directory, shadow);
            return write_into_two_logs(directory);
        }};
        const int left = writes.wait();
        REQUIRE(left != 1);
        rounds_with_two_logs += left == 0;
        Dice dice{1};
        cut_power(directory, shadow, Unsynced::all_lost, dice);
        ChildProcess reads{[&] {
            auto backend = LevelDbBackend::open(options_for(directory));
            if (!backend || !backend->read("synced")) return 1;
            const auto written = *backend->last_version() - 1;
            for (Version i = 0; i < written; ++i) {
                if (!backend->read("key" + std::to_string(i))) return 2;
            }
            return 0;
        }};
        CHECK(reads.wait() == 0);
    }
    CHECK(rounds_with_two_logs > 0);
}

}  // namespace joinly::test
