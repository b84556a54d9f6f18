// Processes that are killed in the middle of a backup or a restore.

#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

using namespace joinly;
using namespace joinly::test;

namespace {

namespace fs = std::filesystem;
using BehindStore = Store<SqliteBackend, WriteBehind, DefaultTraits>;

BehindStore open_in(const TempDir& dir) {
    auto store = BehindStore::open({.path = dir / "live.db"}, {.journal = {.path = dir / "journal"}});
    INFO((store ? "" : std::string{store.error().message()}));
    REQUIRE(store);
    return std::move(*store);
}

void save_rating(const TempDir& dir, int rating) {
    BehindStore store = open_in(dir);
    REQUIRE(store.save(player("ada", rating)));
    REQUIRE(store.close());
}

int rating_in(BehindStore& store) {
    const auto ada = store.load<Player>("ada");
    return ada ? (*ada)->skill_rating : -1;
}

/// Runs `work` in a process of its own and ends it at a random moment. @return whether it had ended by itself.
template <class Work>
bool kill_at_random(std::mt19937_64& random, std::uint64_t at_most_us, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        work();
        ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(random() % at_most_us));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status);
}

template <class Work>
std::uint64_t microseconds_of(Work work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begin) / std::chrono::microseconds{1}) + 1;
}

}  // namespace

TEST_CASE("a killed backup leaves whole backups only, and the next one removes what it has left", "[backup][crash]") {
    const TempDir dir;
    std::mt19937_64 random{setting("JOINLY_SEED", std::random_device{}())};
    save_rating(dir, 1);
    const auto back_up = [&] {
        auto store = BehindStore::open({.path = dir / "live.db"}, {.journal = {.path = dir / "journal"}});
        if (store) (void)backup(*store, dir / "backups", {.keep = 2});
    };
    const std::uint64_t usual = microseconds_of(back_up);
    for (std::uint64_t round = 0; round < setting("JOINLY_ROUNDS", 12); ++round) {
        (void)kill_at_random(random, 2 * usual, back_up);
        for (const auto& entry : fs::directory_iterator{dir / "backups"}) {
            const std::string path = entry.path().string();
            if (path.ends_with(".partial") || path.ends_with(".removed")) continue;
            INFO(path);
            const auto manifest = read_backup_manifest(path);
            REQUIRE(manifest);
            auto copy = SqliteBackend::open({.path = path + "/database", .read_only = true});
            REQUIRE(copy);
            CHECK(take_inventory(*copy) == manifest->inventory);
        }
    }
    back_up();
    std::size_t left = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator{dir / "backups"}) ++left;
    CHECK(left == 2);
}

TEST_CASE("a killed restore leaves the old database or the restored one, and another one goes on", "[restore][crash]") {
    const TempDir dir;
    std::mt19937_64 random{setting("JOINLY_SEED", std::random_device{}())};
    save_rating(dir, 1);
    std::string backup_path;
    {
        BehindStore store = open_in(dir);
        backup_path = backup(store, dir / "backups")->path;
    }
    const auto bring_back = [&] {
        return restore<SqliteBackend>(backup_path, {.path = dir / "live.db"}, {.journal = dir / "journal"}).has_value();
    };
    const std::uint64_t usual = microseconds_of([&] { REQUIRE(bring_back()); });
    for (std::uint64_t round = 0; round < setting("JOINLY_ROUNDS", 12); ++round) {
        const int old = 2 + static_cast<int>(round);
        save_rating(dir, old);
        const bool ended = kill_at_random(random, 2 * usual, [&] { ::_exit(bring_back() ? 0 : 1); });
        {
            BehindStore store = open_in(dir);
            const int rating = rating_in(store);
            CHECK((rating == old || rating == 1));
            if (ended) CHECK(rating == 1);
            CHECK(store.backend().verify_integrity());
        }
        REQUIRE(bring_back());
        BehindStore store = open_in(dir);
        CHECK(rating_in(store) == 1);
    }
    for (const auto& entry : fs::directory_iterator{dir.path()}) {
        if (entry.path().string().find(".restore-") != std::string::npos) CHECK_FALSE(fs::exists(entry.path() / "lock"));
    }
}
