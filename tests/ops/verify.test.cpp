// verify: every flaw is found, told, and counted.

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/ops/verify.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <utility>

using namespace joinly;
using namespace joinly::test;

namespace {

using SqliteStore = Store<SqliteBackend, WriteThrough, DefaultTraits>;

SqliteStore open_in(const TempDir& dir) {
    auto store = SqliteStore::open({.path = dir / "db"});
    INFO((store ? "" : std::string{store.error().message()}));
    REQUIRE(store);
    return std::move(*store);
}

/// A store with players, a lobby, and a raw key.
SqliteStore fill(const TempDir& dir) {
    SqliteStore store = open_in(dir);
    for (int i = 0; i < 20; ++i) REQUIRE(store.save(player(std::to_string(i), 1000 + i)));
    REQUIRE(store.save(lobby("1")));
    REQUIRE(store.put("note", "text"));
    return store;
}

/// As `fill`, and then SQL behind the library's back.
SqliteStore damaged(const TempDir& dir, const std::string& sql) {
    { fill(dir); }
    SqliteProbe{dir / "db"}.run(sql);
    return open_in(dir);
}

}  // namespace

TEST_CASE("a sound store has no flaws, and what was not named is an unknown kind", "[verify]") {
    const TempDir dir;
    SqliteStore store = fill(dir);
    const auto report = verify_store<Player>(store);
    REQUIRE(report);
    CHECK(report->is_sound());
    CHECK(report->unknown_kinds == std::vector<std::string>{"lobby"});
    CHECK(report->inventory == take_inventory(store.backend()));
    CHECK(verify_store<Player, Lobby>(store)->unknown_kinds.empty());
}

TEST_CASE("every damaged record is told up to the limit, and counted beyond", "[verify][damage]") {
    const TempDir dir;
    SqliteStore store = damaged(dir, "UPDATE record SET version = version + 1 WHERE key >= CAST('player:1' AS BLOB)");
    const auto report = verify_store<Player, Lobby>(store, {.flaw_limit = 5});
    REQUIRE(report);
    CHECK(report->flaw_count == 19);
    REQUIRE(report->flaws.size() == 5);
    CHECK(report->flaws.front().code == Errc::corrupt);
    CHECK(report->flaws.front().key == "player:1");
    CHECK(report->inventory.kinds.at("player").records == 1);
}

TEST_CASE("bytes that are no entity are a flaw, but only of a kind that was named", "[verify]") {
    const TempDir dir;
    SqliteStore store = fill(dir);
    REQUIRE(store.backend().write(Batch{}.put("lobby:broken", "\xff\xff\xff")));
    CHECK(verify_store<Player>(store)->is_sound());
    const auto report = verify_store<Player, Lobby>(store);
    REQUIRE(report->flaws.size() == 1);
    CHECK(report->flaws[0].key == "lobby:broken");
    CHECK(report->flaws[0].what.starts_with("lobby:broken: "));
}

TEST_CASE("an entity under another id is a flaw", "[verify]") {
    const TempDir dir;
    SqliteStore store = fill(dir);
    REQUIRE(store.backend().write(Batch{}.put("lobby:2", *store.get("lobby:1"))));
    const auto report = verify_store<Lobby>(store);
    REQUIRE(report->flaws.size() == 1);
    CHECK(report->flaws[0].key == "lobby:2");
}

TEST_CASE("an index that does not agree is a flaw", "[verify][index]") {
    const TempDir dir;
    SECTION("an entry is missing") {
        SqliteStore store = damaged(dir, "DELETE FROM index_entry WHERE key = (SELECT max(key) FROM index_entry)");
        CHECK_FALSE(verify_store<Player>(store)->is_sound());
        CHECK_FALSE(verify_store<Player>(store, {.thorough = false})->is_sound());
    }
    SECTION("an entry is too many") {
        SqliteStore store =
            damaged(dir, "INSERT INTO index_entry SELECT CAST(key || x'00' AS BLOB), value, version FROM index_entry LIMIT 1");
        CHECK_FALSE(verify_store<Player>(store)->is_sound());
        CHECK_FALSE(verify_store<Player>(store, {.thorough = false})->is_sound());
    }
}

TEST_CASE("only a thorough verification has the engine's own check", "[verify]") {
    const TempDir dir;
    SqliteStore store = damaged(dir,
                                "CREATE TABLE own(x); INSERT INTO own VALUES (1), (2); CREATE INDEX own_x ON own(x);"
                                "PRAGMA writable_schema = ON;"
                                "UPDATE sqlite_schema SET sql = 'CREATE INDEX own_x ON own(x) WHERE x > 1' WHERE name = 'own_x'");
    CHECK(verify_store<Player>(store, {.thorough = false})->is_sound());
    const auto report = verify_store<Player>(store);
    REQUIRE(report);
    CHECK_FALSE(report->is_sound());
    CHECK(report->flaws.front().key.empty());
}

TEST_CASE("a store in memory is verified as one on a disk is", "[verify]") {
    auto store = *Store<MemoryBackend, WriteThrough, DefaultTraits>::open({});
    for (int i = 0; i < 1'100; ++i) REQUIRE(store.save(player(std::to_string(i), 1000 + i)));
    CHECK(verify_store<Player>(store)->is_sound());
    CHECK(verify_store<Player>(store)->inventory == take_inventory(store.backend()));
    REQUIRE(store.backend().write(Batch{}.put("lobby:broken", "\xff\xff\xff")));
    const auto report = verify_store<Player, Lobby>(store);
    REQUIRE(report);
    CHECK(report->is_complete);
    CHECK(report->flaw_count == 1);
    CHECK(verify_store<Player>(store, {.on_progress = [](std::uint64_t) { return false; }}).error() == Errc::cancelled);
}

TEST_CASE("the progress function of a verification can stop it", "[verify]") {
    const TempDir dir;
    SqliteStore store = open_in(dir);
    for (int i = 0; i < 1'100; ++i) REQUIRE(store.put("note" + std::to_string(i), "text"));
    std::uint64_t told = 0;
    const auto report = verify_store<Player>(store, {.on_progress = [&](std::uint64_t records) {
                                                 told = records;
                                                 return false;
                                             }});
    CHECK(report.error() == Errc::cancelled);
    CHECK(told == 1'024);
    REQUIRE(store.close());
    CHECK(verify_store<Player>(store).error() == Errc::closed);
}

TEST_CASE("a store on LevelDB is verified as one on SQLite is", "[verify][leveldb]") {
    const TempDir dir;
    auto store = *Store<LevelDbBackend, WriteThrough, DefaultTraits>::open({.path = dir / "db"});
    REQUIRE(store.save(player("ada")));
    REQUIRE(store.backend().write(Batch{}.put("lobby:broken", "\xff\xff\xff")));
    const auto report = verify_store<Player, Lobby>(store);
    REQUIRE(report);
    CHECK(report->flaw_count == 1);
    CHECK(report->inventory == take_inventory(store.backend()));
}

TEST_CASE("what is behind a block that LevelDB cannot read is verified, and the report says where it is not whole",
          "[verify][leveldb][damage]") {
    const TempDir dir;
    constexpr int notes = 2'000;
    const auto open = [&] {
        return Store<LevelDbBackend, WriteThrough, DefaultTraits>::open({.path = dir / "db", .compression = false});
    };
    {
        auto store = open();
        REQUIRE(store);
        std::string bytes(200, 'x');
        for (int i = 0; i < notes; ++i) REQUIRE(store->put("note" + std::to_string(10'000 + i), bytes, {}));
        REQUIRE(store->backend().compact());
        CHECK(verify_store<>(*store)->is_complete);
    }
    for (const auto& entry : std::filesystem::directory_iterator{dir / "db"}) {
        if (entry.path().extension() != ".ldb" || entry.file_size() < 100'000) continue;
        std::fstream table{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
        for (const auto tenths : {4, 7}) table.seekp(static_cast<std::streamoff>(entry.file_size()) * tenths / 10) << "damage";
    }
    auto store = open();
    REQUIRE(store);
    const auto report = verify_store<>(*store);
    REQUIRE(report);
    CHECK_FALSE(report->is_complete);
    REQUIRE(report->flaws.size() == 3);
    std::uint64_t missing = 0;
    for (const std::size_t gap : {0U, 1U}) {
        const std::string& what = report->flaws[gap].what;
        INFO(what);
        const auto number_after = [&](const std::string& words) {
            return std::stoull(what.substr(what.find(words) + words.size()));
        };
        missing += number_after("before 'note") - number_after("behind 'note") - 1;
    }
    CHECK(missing > 0);
    CHECK(report->inventory.total().records + missing == notes);
    CHECK_THAT(report->flaws[2].what, Catch::Matchers::Contains("not everything could be read"));
}

TEST_CASE("an index that has not been built yet is no damage, and the flaw says what to do", "[verify][index]") {
    const TempDir dir;
    SqliteStore store = open_in(dir);
    REQUIRE(store.save(account("ada")));  // by a build that knew no index of players
    const auto report = verify_store<Player>(store);
    REQUIRE(report);
    REQUIRE(report->flaws.size() == 1);
    CHECK(report->flaws[0].code == Errc::incompatible);
    CHECK_THAT(report->flaws[0].what, Catch::Matchers::Contains("rebuild_indexes"));
    REQUIRE(store.rebuild_indexes<Player>());
    CHECK(verify_store<Player>(store)->is_sound());
}

TEST_CASE("a damaged list of indexes is one flaw that names it and says what to do, and all else is verified",
          "[verify][index][damage]") {
    const TempDir dir;
    { fill(dir); }
    SqliteProbe{dir / "db"}.run(
        "UPDATE record SET checksum = checksum + 1 WHERE key IN (CAST(x'00' || 'dplayer' AS BLOB), "
        "CAST('player:7' AS BLOB))");
    CHECK(SqliteStore::open({.path = dir / "db"}).error() == Errc::corrupt);
    auto backend = SqliteBackend::open({.path = dir / "db"});
    REQUIRE(backend);
    const auto report = verify_backend<Binary, Player, Lobby>(*backend);
    REQUIRE(report);
    CHECK(report->flaw_count == 2);
    REQUIRE(report->flaws.size() == 2);
    const bool list_is_first = report->flaws[0].key != "player:7";
    const Flaw& list = report->flaws[list_is_first ? 0 : 1];
    CHECK(report->flaws[list_is_first ? 1 : 0].key == "player:7");
    CHECK(list.key == std::string("\0dplayer", 8));
    CHECK_THAT(list.what, Catch::Matchers::Contains("it lists the indexes of 'player'") &&
                              Catch::Matchers::Contains("joinly repair leaves it out"));
    CHECK(report->inventory.kinds.at("player").records == 19);
    CHECK(report->inventory.kinds.at("lobby").records == 1);
}
