// Processes that are killed in the middle of a backup or a restore.
//
// Everything is done in children: after a fork LevelDB lacks the thread that it has started before.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>

#include <unistd.h>

using namespace joinly;
using namespace joinly::test;

namespace {

namespace fs = std::filesystem;

template <class Backend>
auto open_in(const TempDir& dir) {
    return Store<Backend, WriteBehind, DefaultTraits>::open({.path = dir / "live"}, {.journal = {.path = dir / "journal"}});
}

template <class Work>
bool in_child(Work work) {
    return ChildProcess{[&] { return work() ? 0 : 1; }}.wait() == 0;
}

template <class Backend>
bool save_rating(const TempDir& dir, int rating) {
    return in_child([&] {
        auto store = open_in<Backend>(dir);
        return store && store->save(player("ada", rating)) && store->close();
    });
}

constexpr int no_sound_store = 98;

template <class Backend>
int saved_rating(const TempDir& dir) {
    return ChildProcess{[&] {
               auto store = open_in<Backend>(dir);
               if (!store || !store->backend().verify_integrity()) return no_sound_store;
               const auto ada = store->template load<Player>("ada");
               return ada ? (*ada)->skill_rating : no_sound_store;
           }}
        .wait();
}

/// Looks into a copy: a backup that was opened is not what was made any more.
template <class Backend>
bool is_whole_backup(const TempDir& dir, const std::string& path) {
    return in_child([&] {
        const std::string copy = dir / "copy";
        fs::remove_all(copy);
        fs::copy(path + "/database", copy, fs::copy_options::recursive);
        const auto manifest = read_backup_manifest(path);
        auto opened = Backend::open({.path = copy});
        return manifest && opened && take_inventory(*opened) == manifest->inventory;
    });
}

/// Runs `work` in a process of its own and ends it at a random moment. @return whether it had come to a good end by itself.
template <class Work>
bool kill_at_random(std::mt19937_64& random, std::uint64_t at_most_us, Work work) {
    ChildProcess child{[&] { return work() ? 0 : 1; }};
    ::usleep(static_cast<useconds_t>(random() % at_most_us));
    child.kill();
    return child.wait() == 0;
}

template <class Work>
std::uint64_t microseconds_of(Work work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begin) / std::chrono::microseconds{1}) + 1;
}

}  // namespace

TEMPLATE_TEST_CASE("a killed backup leaves whole backups only, and the next one removes what it has left", "[backup][crash]",
                   SqliteBackend, LevelDbBackend) {
    const TempDir dir;
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    INFO("JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    REQUIRE(save_rating<TestType>(dir, 1));
    const auto back_up = [&] {
        auto store = open_in<TestType>(dir);
        return store && backup(*store, dir / "backups", {.keep = 2});
    };
    const std::uint64_t usual = microseconds_of([&] { REQUIRE(in_child(back_up)); });
    for (std::uint64_t round = 0; round < setting("JOINLY_ROUNDS", 12); ++round) {
        (void)kill_at_random(random, 2 * usual, back_up);
        for (const auto& entry : fs::directory_iterator{dir / "backups"}) {
            const std::string path = entry.path().string();
            if (path.ends_with(".partial") || path.ends_with(".removed")) continue;
            INFO(path);
            CHECK(is_whole_backup<TestType>(dir, path));
        }
    }
    REQUIRE(in_child(back_up));
    CHECK(std::distance(fs::directory_iterator{dir / "backups"}, {}) == 2);
}

TEMPLATE_TEST_CASE("a killed restore leaves the old database or the restored one, and another one goes on", "[restore][crash]",
                   SqliteBackend, LevelDbBackend) {
    const TempDir dir;
    const std::uint64_t seed = setting("JOINLY_SEED", std::random_device{}());
    INFO("JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    REQUIRE(save_rating<TestType>(dir, 1));
    REQUIRE(in_child([&] {
        auto store = open_in<TestType>(dir);
        return store && backup(*store, dir / "backups");
    }));
    const std::string backup_path = fs::directory_iterator { dir / "backups" } -> path().string();
    const auto bring_back = [&] {
        return restore<TestType>(backup_path, {.path = dir / "live"}, {.journal = dir / "journal"}).has_value();
    };
    const std::uint64_t usual = microseconds_of([&] { REQUIRE(in_child(bring_back)); });
    for (std::uint64_t round = 0; round < setting("JOINLY_ROUNDS", 12); ++round) {
        const int old = 2 + static_cast<int>(round % 90);
        REQUIRE(save_rating<TestType>(dir, old));
        const bool ended = kill_at_random(random, 2 * usual, bring_back);
        const int rating = saved_rating<TestType>(dir);
        CHECK((rating == old || rating == 1));
        if (ended) CHECK(rating == 1);
        REQUIRE(in_child(bring_back));
        CHECK(saved_rating<TestType>(dir) == 1);
    }
    for (const auto& entry : fs::directory_iterator{dir.path()}) {
        if (entry.path().string().find(".restore-") != std::string::npos) CHECK_FALSE(fs::exists(entry.path() / "lock"));
    }
}
