// Journals whose processes crash beside SQLite and LevelDB, and whose databases another store, a program without the library, a
// restored backup, a dump or a migration has changed before they are opened again. The rules are in journal_mark.test.cpp.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/ops/dump.hpp>
#include <joinly/ops/migrate.hpp>
#include <joinly/ops/restore.hpp>
#include <joinly/ops/verify.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/child_process.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/settings.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace joinly;
using namespace std::chrono_literals;
using test::ChildProcess;
using test::player;
using test::TempDir;
using Keys = std::vector<std::string>;

WriteBehindOptions behind(const std::string& journal) {
    return {.max_delay = 1h, .drive = Drive::caller, .journal = {.path = journal, .segment_bytes = 64 << 10}};
}

/// A database, its journal, and those who have it open one after the other. Each in a process of its own where a fork follows:
/// LevelDB's thread does not outlive it.
template <class Backend>
struct Scene {
    using Behind = Store<Backend, WriteBehind>;

    [[nodiscard]] Behind opened(const std::string& name = "db") const {
        auto store = open<Backend, WriteBehind>({.path = dir / name}, behind(dir / "journal"));
        INFO((store ? "" : std::string{store.error().message()}));
        REQUIRE(store);
        return std::move(*store);
    }
    [[nodiscard]] auto plain(const std::string& name = "db") const { return *open<Backend, NoCache>({.path = dir / name}); }

    /// Saves p0 to p4, flushes, saves p3 to p7, and is killed.
    void crash() const {
        ChildProcess child{[&] {
            auto store = open<Backend, WriteBehind>({.path = dir / "db"}, behind(dir / "journal"));
            bool done = store.has_value();
            for (int i = 0; i < 5; ++i) done = done && store->save(player("p" + std::to_string(i), 1));
            done = done && store->flush();
            for (int i = 3; i < 8; ++i) done = done && store->save(player("p" + std::to_string(i), 2));
            ::_exit(done ? 0 : 1);  // neither closes nor destroys the store
            return 1;
        }};
        REQUIRE(child.wait() == 0);
    }
    template <class Work>
    void in_a_process(Work work) const {
        ChildProcess child{[&] {
            auto store = plain();
            return work(store) ? 0 : 1;
        }};
        REQUIRE(child.wait() == 0);
    }

    TempDir dir;
};

const Keys pending{"player:p3", "player:p4", "player:p5", "player:p6", "player:p7"};

std::int32_t rating(auto& store, std::string_view id) {
    auto loaded = store.template load<Player>(id);
    return loaded ? (*loaded)->skill_rating : -1;
}

/// `absent` where the database has none.
Version version_of_mark(auto& store) {
    Version version = absent;
    const KeyRange marks{std::string{"\0w", 2}, std::string{"\0x", 2}, Direction::forward};
    const auto scanned = store.backend().scan(marks, [&](std::string_view, const RecordView& record) {
        version = record.version;
        return true;
    });
    return scanned ? version : absent;
}

/// What was pending is one dead letter, and can be had back.
template <class Store>
void check_set_aside(Store& store) {
    const auto letters = store.dead_letters();
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].keys == pending);
    CHECK(rating(store, "p7") == -1);
    CHECK(rating(store, "p4") == 1);
    REQUIRE(store.retry_dead_letter(letters[0].id, {.overwrite = true}));
    REQUIRE(store.flush());
    CHECK(rating(store, "p4") == 2);
    CHECK(rating(store, "p7") == 2);
    CHECK(store.close());
}

template <class Store>
void check_replayed(Store& store) {
    CHECK(store.dead_letters().empty());
    for (int i = 0; i < 8; ++i) CHECK(rating(store, "p" + std::to_string(i)) == (i < 3 ? 1 : 2));
    CHECK(store.close());
}

// First what LevelDB is used for in children alone: after a fork it lacks the thread that it has started before.

TEMPLATE_TEST_CASE("openings behind another writer that are killed at random instants lose nothing", "[journal][stranger][crash]",
                   SqliteBackend, LevelDbBackend) {
    const auto seed = test::setting("JOINLY_SEED", std::random_device{}());
    INFO("JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    const TempDir dir;
    const auto opened = [&] { return open<TestType, WriteBehind>({.path = dir / "db"}, behind(dir / "journal")); };
    for (std::uint64_t round = 0; round < test::setting("JOINLY_ROUNDS", 8); ++round) {
        const auto id = [&](int i) { return std::to_string(round) + "_" + std::to_string(10 + i); };
        ChildProcess writer{[&] {
            auto store = opened();
            bool done = store.has_value();
            for (int i = 0; i < 20; ++i) {
                if (i == 10) done = done && store->flush();
                done = done && store->save(player(id(i), i));
            }
            ::_exit(done ? 0 : 1);
            return 1;
        }};
        REQUIRE(writer.wait() == 0);
        ChildProcess stranger{[&] {
            auto store = open<TestType, NoCache>({.path = dir / "db"});
            return store && store->save(player("stranger", 1)) ? 0 : 1;
        }};
        REQUIRE(stranger.wait() == 0);
        for (auto kills = random() % 4; kills > 0; --kills) {
            ChildProcess opener{[&] {
                auto store = opened();
                ::pause();
                return 0;
            }};
            std::this_thread::sleep_for(std::chrono::microseconds{random() % 8'000});
            opener.kill();
            opener.wait();
        }
        ChildProcess check{[&] {
            auto store = opened();
            if (!store || store->dead_letters().size() != 1) return 2;
            const auto letter = store->dead_letters()[0];
            if (letter.keys.size() != 10 || letter.keys.front() != "player:" + id(10)) return 3;
            if (!store->retry_dead_letter(letter.id, {.overwrite = true}) || !store->flush()) return 4;
            for (int i = 0; i < 20; ++i) {
                if (rating(*store, id(i)) != i) return 10 + i;
            }
            return store->close() ? 0 : 5;
        }};
        REQUIRE(check.wait() == 0);
    }
}

TEMPLATE_TEST_CASE("what a store without the journal wrote after a crash costs nothing that was acknowledged",
                   "[journal][stranger][crash]", SqliteBackend, LevelDbBackend) {
    const std::array saves_of{0, 1, 5, 40};
    const std::array<Scene<TestType>, saves_of.size()> scenes;
    for (std::size_t at = 0; at < scenes.size(); ++at) {
        scenes[at].crash();
        scenes[at].in_a_process([&](auto& store) {
            bool done = true;
            for (int i = 0; i < saves_of[at]; ++i) done = done && store.save(player("stranger", i));
            return done;
        });
    }
    for (std::size_t at = 0; at < scenes.size(); ++at) {
        CAPTURE(saves_of[at]);
        auto store = scenes[at].opened();
        CHECK(rating(store, "stranger") == saves_of[at] - 1);
        saves_of[at] == 0 ? check_replayed(store) : check_set_aside(store);
    }
}

TEMPLATE_TEST_CASE("journals whose processes crash again and again take nothing of their own for another writer's",
                   "[journal][stranger][crash]", SqliteBackend, LevelDbBackend) {
    const Scene<TestType> scene;
    for (int i = 0; i < 5; ++i) scene.crash();
    auto store = scene.opened();
    check_replayed(store);
}

TEMPLATE_TEST_CASE(
    "a migration takes the mark along: under the target the journal knows what was stored, sets aside what was not, "
    "and goes on",
    "[journal][stranger][migrate][crash]", SqliteBackend, LevelDbBackend) {
    const std::array ended_orderly{true, false};
    const std::array<Scene<TestType>, ended_orderly.size()> scenes;
    for (std::size_t at = 0; at < scenes.size(); ++at) {
        const auto& scene = scenes[at];
        const auto behind_journal = [&](const std::string& name) {
            return open<TestType, WriteBehind>({.path = scene.dir / name}, behind(scene.dir / "journal"));
        };
        scene.crash();
        ChildProcess migration{[&] {
            if (ended_orderly[at]) {
                auto store = behind_journal("db");
                if (!store || !store->flush() || !store->close()) return 2;
            }
            auto source = scene.plain();
            auto target = scene.plain("target");
            const Version mark = version_of_mark(source);
            if (mark == absent || !migrate(source, target)) return 3;
            return version_of_mark(target) == mark ? 0 : 4;
        }};
        REQUIRE(migration.wait() == 0);
        ChildProcess crash_under_the_target{[&] {
            auto store = behind_journal("target");
            const bool done = store && store->save(player("stored", 8)) && store->flush() && store->save(player("waits", 9));
            ::_exit(done ? 0 : 1);
            return 1;
        }};
        REQUIRE(crash_under_the_target.wait() == 0);
    }
    for (std::size_t at = 0; at < scenes.size(); ++at) {
        CAPTURE(ended_orderly[at]);
        auto store = scenes[at].opened("target");
        CHECK(rating(store, "stored") == 8);
        CHECK(rating(store, "waits") == 9);
        ended_orderly[at] ? check_replayed(store) : check_set_aside(store);
    }
}

TEST_CASE("what a program without the library wrote after a crash costs nothing that was acknowledged",
          "[journal][stranger][sqlite]") {
    const Scene<SqliteBackend> scene;
    scene.crash();
    test::SqliteProbe{scene.dir / "db"}.run("UPDATE meta SET value = value + 3 WHERE name = 'last_version'");
    auto store = scene.opened();
    check_set_aside(store);
}

TEST_CASE("a journal whose mark is damaged loses nothing, and marks its database anew", "[journal][stranger][sqlite]") {
    const Scene<SqliteBackend> scene;
    scene.crash();
    test::SqliteProbe{scene.dir / "db"}.run("UPDATE record SET checksum = 0 WHERE substr(key, 1, 2) = x'0077'");
    {
        auto store = scene.opened();
        REQUIRE(store.dead_letters().size() == 1);
        CHECK(store.dead_letters()[0].keys.size() == 1 + 8);  // the list of indexes too: nobody knows what was stored
    }
    scene.crash();
    CHECK(scene.opened().dead_letters().size() == 1);
    CHECK(scene.plain().backend().verify_integrity());
}

TEMPLATE_TEST_CASE("a restored backup under the journal of what it has replaced loses nothing that the journal has",
                   "[journal][stranger][restore]", SqliteBackend, LevelDbBackend) {
    const Scene<TestType> scene;
    scene.crash();
    std::string backup_path;
    {
        auto store = scene.plain();
        auto made = backup(store, scene.dir / "backups");
        REQUIRE(made);
        backup_path = made->path;
    }
    SECTION("the journal is left where it is") {
        REQUIRE(restore<TestType>(backup_path, {.path = scene.dir / "db"}));
        auto store = scene.opened();
        check_set_aside(store);
    }
    SECTION("the journal is put aside") {
        REQUIRE(restore<TestType>(backup_path, {.path = scene.dir / "db"}, {.journal = scene.dir / "journal"}));
        auto store = scene.opened();
        CHECK(store.dead_letters().empty());
        CHECK(rating(store, "p4") == 1);
        CHECK(rating(store, "p7") == -1);
        CHECK(store.close());
    }
}

TEMPLATE_TEST_CASE("backup, verification, inventory and listings do not trip over a journal's mark", "[journal][stranger]",
                   SqliteBackend, LevelDbBackend) {
    const Scene<TestType> scene;
    scene.crash();
    auto store = scene.opened();
    REQUIRE(store.flush());
    CHECK(backup(store, scene.dir / "backups"));
    const auto verified = verify_store<Player>(store);
    REQUIRE(verified);
    CHECK(verified->is_sound());
    CHECK(take_inventory(store.backend())->kinds.size() == 1);
    CHECK(*store.template count<Player>() == 8);
    CHECK(store.keys()->size() == 8);
    CHECK(store.close());
}

TEMPLATE_TEST_CASE("a dump leaves the mark out, and a journal under what was loaded from it loses nothing",
                   "[journal][stranger][dump]", SqliteBackend, LevelDbBackend) {
    const Scene<TestType> scene;
    scene.crash();
    std::vector<std::string> lines;
    {
        auto store = scene.plain();
        REQUIRE(dump<Player>(store, [&](std::string_view line) -> Status {
            lines.emplace_back(line);
            return {};
        }));
    }
    CHECK(lines.size() == 1 + 1 + 5 + 1);  // the head, the list of indexes, the players, the end
    {
        auto loaded = scene.plain("loaded");
        std::size_t next = 0;
        REQUIRE(load_dump<Player>(loaded, [&](std::string& line) -> Result<bool> {
            if (next == lines.size()) return false;
            line = lines[next++];
            return true;
        }));
    }
    auto store = scene.opened("loaded");
    REQUIRE(store.dead_letters().size() == 1);
    CHECK(store.dead_letters()[0].keys.size() == 1 + 8);  // this database was never marked: nobody knows what it has
    CHECK(rating(store, "p4") == 1);
    REQUIRE(store.retry_dead_letter(store.dead_letters()[0].id, {.overwrite = true}));
    check_replayed(store);
}

}  // namespace
