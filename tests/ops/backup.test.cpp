// Backups of live stores: what is in them, what they are called, what they leave when they fail. While others write, on every
// engine: tests/conformance/ops_suite.hpp.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/backup.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/temp_dir.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// Nothing is flushed but on demand.
template <class Backend>
auto open_on(const TempDir& dir, const ManualTraits& traits = {}) {
    auto store = Store<Backend, WriteBehind, ManualTraits>::open({.path = dir / "live.db"}, {.max_delay = 1h}, traits);
    REQUIRE(store);
    return std::move(*store);
}
auto open_sqlite(const TempDir& dir, const ManualTraits& traits = {}) { return open_on<SqliteBackend>(dir, traits); }

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{directory}) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

void write_file(const std::string& path, const std::string& text) { std::ofstream{path, std::ios::binary} << text; }
std::string read_file(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

BackupReport made(Result<BackupReport> report) {
    INFO((report ? "" : std::string{report.error().message()}));
    REQUIRE(report);
    CHECK(report->pruned);
    return std::move(*report);
}

}  // namespace

TEMPLATE_TEST_CASE("a backup has what is pending, and a manifest that tells what is in it", "[backup][write_behind]", SqliteBackend,
                   LevelDbBackend) {
    const TempDir dir;
    ManualTraits traits;
    traits.clock.set_wall(WallTime{std::chrono::milliseconds{1'796'079'364'250}});
    auto store = open_on<TestType>(dir, traits);
    REQUIRE(store.save(player("ada")));
    REQUIRE(store.save(lobby("1"), {.ttl = 1h}));

    const BackupReport report = made(backup(store, dir / "backups"));
    CHECK(report.path == dir / "backups/joinly-2026-11-30T22-56-04Z");
    CHECK(names_in(report.path) == std::vector<std::string>{"database", "manifest.json"});
    CHECK(report.manifest.engine == TestType::engine_name);
    CHECK(store.backend().last_version() == report.manifest.version);
    CHECK(report.manifest.bytes == detail::tree_bytes(report.path + "/database"));
    CHECK(report.manifest.inventory.kinds.at("player").records == 1);
    CHECK(report.manifest.inventory.kinds.at("lobby").records == 1);
    CHECK(read_backup_manifest(report.path) == report.manifest);

    auto copy = TestType::open({.path = report.path + "/database"});
    REQUIRE(copy);
    CHECK(take_inventory(*copy) == report.manifest.inventory);
    CHECK(copy->verify_integrity());
}

TEST_CASE("a backup of a store in memory is a journal that such a store opens", "[backup][memory]") {
    const TempDir dir;
    auto store = *Store<MemoryBackend, WriteThrough, ManualTraits>::open({});
    REQUIRE(store.save(player("ada", 1200), {.ttl = 1h}));
    REQUIRE(store.save(lobby("1")));
    const BackupReport report = made(backup(store, dir / "backups"));
    CHECK(report.manifest.engine == "memory");
    CHECK(store.backend().last_version() == report.manifest.version);
    CHECK(report.manifest.inventory.reserved.records > 0);

    auto again = Store<MemoryBackend, WriteBehind, ManualTraits>::open({}, {.journal = {.path = report.path + "/database"}});
    REQUIRE(again);
    CHECK((*again->load<Player>("ada"))->skill_rating == 1200);
    CHECK(take_inventory(again->backend()) == report.manifest.inventory);
}

TEST_CASE("backups of one second get names of their own, in order", "[backup]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    for (int i = 0; i < 3; ++i) made(backup(store, dir / "backups"));
    CHECK(names_in(dir / "backups") == std::vector<std::string>{"joinly-2019-12-20T00-00-00Z", "joinly-2019-12-20T00-00-00Z-2",
                                                                "joinly-2019-12-20T00-00-00Z-3"});
}

TEMPLATE_TEST_CASE("the newest backups are kept and nothing else is touched", "[backup]", SqliteBackend, LevelDbBackend) {
    const TempDir dir;
    ManualTraits traits;
    auto store = open_on<TestType>(dir, traits);
    const auto back_up = [&](const BackupOptions& options) {
        traits.clock.advance(1s);
        return made(backup(store, dir / "backups", options));
    };
    const std::string of_another_store = back_up({.name = "other"}).path;
    const std::string damaged = back_up({}).path;
    const std::string with_a_note = back_up({}).path;
    const std::string oldest = back_up({}).path;
    const std::string older = back_up({}).path;
    write_file(damaged + "/manifest.json", "{}");
    write_file(with_a_note + "/note.txt", "keep me");
    fs::create_directory(dir / "backups/joinly-2001-01-01T00-00-00Z");
    const BackupReport newest = back_up({.keep = 2});
    CHECK(newest.removed == std::vector<std::string>{oldest});
    CHECK_FALSE(fs::exists(oldest));
    for (const std::string& path : {of_another_store, damaged, with_a_note, older, newest.path})
        CHECK(fs::exists(path + "/database"));
    CHECK(fs::exists(dir / "backups/joinly-2001-01-01T00-00-00Z"));
    CHECK(names_in(dir / "backups").size() == 6);
}

TEST_CASE("the backups of another engine's store are kept under the same name", "[backup]") {
    const TempDir dir;
    auto sqlite = *Store<SqliteBackend, NoCache, ManualTraits>::open({.path = dir / "sqlite"});
    auto leveldb = *Store<LevelDbBackend, NoCache, ManualTraits>::open({.path = dir / "leveldb"});
    const std::string of_sqlite = made(backup(sqlite, dir / "backups", {.keep = 1})).path;
    const BackupReport report = made(backup(leveldb, dir / "backups", {.keep = 1}));
    CHECK(report.removed.empty());
    CHECK(names_in(dir / "backups").size() == 2);
    CHECK(read_backup_manifest(of_sqlite));
}

TEST_CASE("of backups of one second the one with the lowest number goes first", "[backup]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    for (int i = 0; i < 11; ++i) made(backup(store, dir / "backups"));
    const BackupReport last = made(backup(store, dir / "backups", {.keep = 3}));
    CHECK(last.removed.size() == 9);
    CHECK(names_in(dir / "backups") == std::vector<std::string>{"joinly-2019-12-20T00-00-00Z-10", "joinly-2019-12-20T00-00-00Z-11",
                                                                "joinly-2019-12-20T00-00-00Z-12"});
}

TEST_CASE("a backup that was just made is kept though another one is dated in the future", "[backup]") {
    const TempDir dir;
    ManualTraits traits;
    auto store = open_sqlite(dir, traits);
    traits.clock.advance(1h);
    const std::string in_the_future = made(backup(store, dir / "backups")).path;
    traits.clock.set_wall(traits.clock.now() - 1h);
    const BackupReport now = made(backup(store, dir / "backups", {.keep = 1}));
    CHECK(fs::exists(now.path + "/database"));
    CHECK(now.removed == std::vector<std::string>{in_the_future});
}

TEST_CASE("backups into one directory at the same time are all there and whole", "[backup][race]") {
    const TempDir dir;
    std::vector<std::vector<std::string>> paths(3);
    {
        std::vector<std::jthread> threads;
        for (std::vector<std::string>& mine : paths) {
            threads.emplace_back([&] {
                auto store = Store<MemoryBackend, NoCache, ManualTraits>::open({});
                for (int i = 0; store && i < 30; ++i) {
                    if (const auto report = backup(*store, dir / "backups")) mine.push_back(report->path);
                }
            });
        }
    }
    std::set<std::string> names;
    for (const auto& mine : paths) {
        CHECK(mine.size() == 30);
        for (const std::string& path : mine) {
            CHECK(names_in(path) == std::vector<std::string>{"database", "manifest.json"});
            names.insert(path);
        }
    }
    CHECK(names.size() == 90);
}

TEST_CASE("a backup that is cancelled leaves nothing", "[backup]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    std::vector<Player> players;
    for (int i = 0; i < 3'000; ++i) players.push_back(player(std::to_string(i)));
    REQUIRE(store.save_many(players));
    for (const auto phase : {BackupProgress::Phase::copying, BackupProgress::Phase::checking}) {
        std::uint64_t told = 0;
        const auto report = backup(store, dir / "backups", {.on_progress = [&](const BackupProgress& progress) {
                                       told = progress.records;
                                       return progress.phase != phase;
                                   }});
        REQUIRE_FALSE(report);
        CHECK(report.error() == Errc::cancelled);
        CHECK(told == 1024);
        CHECK(names_in(dir / "backups").empty());
    }
    CHECK(names_in(dir.path().string()).size() == 5);  // the database and its three files
}

TEST_CASE("a progress function that throws leaves nothing, and the exception travels on", "[backup]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    std::vector<Player> players;
    for (int i = 0; i < 2'000; ++i) players.push_back(player(std::to_string(i)));
    REQUIRE(store.save_many(players));
    CHECK_THROWS_AS(backup(store, dir / "backups", {.on_progress = [](const BackupProgress&) -> bool { throw 1; }}), int);
    CHECK(names_in(dir / "backups").empty());
    CHECK(backup(store, dir / "backups"));
}

TEST_CASE("wrong arguments of a backup are told", "[backup]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    CHECK(backup(store, dir / "backups", {.name = "My Backups"}).error() == Errc::invalid_argument);
    CHECK(backup(store, "").error() == Errc::invalid_argument);
    CHECK(backup(store, dir / "missing/backups").error() == Errc::io);
    write_file(dir / "file", "");
    CHECK(backup(store, dir / "file").error() == Errc::invalid_argument);
    REQUIRE(store.close());
    CHECK(backup(store, dir / "backups").error() == Errc::closed);
    CHECK_FALSE(fs::exists(dir / "backups"));
}

TEST_CASE("a damaged store is not backed up and its older backups stay", "[backup][damage]") {
    const TempDir dir;
    {
        auto store = open_sqlite(dir);
        REQUIRE(store.save(player("ada")));
        made(backup(store, dir / "backups"));
        REQUIRE(store.backend().execute("UPDATE record SET version = 1"));
    }
    auto store = open_sqlite(dir);
    CHECK(backup(store, dir / "backups", {.keep = 1}).error() == Errc::corrupt);
    CHECK(names_in(dir / "backups").size() == 1);
}

TEST_CASE("what a killed backup has left is removed by the next one", "[backup]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    fs::create_directories(dir / "backups/joinly-2001-01-01T00-00-00Z.partial");
    write_file(dir / "backups/joinly-2001-01-01T00-00-00Z.partial/database", "half");
    write_file(dir / "backups/joinly-2001-01-01T00-00-00Z.partial/lock", "");
    fs::create_directories(dir / "backups/joinly-2001-01-01T00-00-00Z-17.partial");
    fs::create_directories(dir / "backups/joinly-2001-01-01T00-00-00Z-2.removed");
    fs::create_directories(dir / "backups/other-2001-01-01T00-00-00Z.partial");
    made(backup(store, dir / "backups"));
    CHECK(names_in(dir / "backups") ==
          std::vector<std::string>{"joinly-2019-12-20T00-00-00Z", "other-2001-01-01T00-00-00Z.partial"});
}

TEST_CASE("a manifest that was changed anywhere is no manifest", "[backup][manifest]") {
    const TempDir dir;
    auto store = open_sqlite(dir);
    REQUIRE(store.save(player("ada")));
    const std::string path = made(backup(store, dir / "backups")).path;
    const std::string text = read_file(path + "/manifest.json");
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (const char c : {'0', '7', '"', '\0'}) {
            if (text[i] == c) continue;
            std::string changed = text;
            changed[i] = c;
            write_file(path + "/manifest.json", changed);
            const auto manifest = read_backup_manifest(path);
            INFO(changed);
            CHECK_FALSE(manifest);
        }
        write_file(path + "/manifest.json", text.substr(0, i));
        CHECK_FALSE(read_backup_manifest(path));
    }
    write_file(path + "/manifest.json", text + "\n");
    CHECK(read_backup_manifest(path).error() == Errc::corrupt);
    fs::remove(path + "/manifest.json");
    CHECK(read_backup_manifest(path).error() == Errc::not_found);
}

TEST_CASE("a manifest of a later format is refused by name", "[backup][manifest]") {
    const TempDir dir;
    write_file(dir / "manifest.json", "{\n  \"joinly_backup\": 2,\n  \"other\": []\n}\n");
    CHECK(read_backup_manifest(dir.path().string()).error() == Errc::incompatible);
}
