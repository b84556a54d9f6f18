// Write-behind over SQLite is the only writer of its database, as far as stores go.

#include <joinly/backend/sqlite.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <string>

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using joinly::Errc;
using joinly::NoCache;
using joinly::Player;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::player;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;

SqliteOptions impatient(const TempDir& dir) {
    SqliteOptions options;
    options.path = dir / "db";
    options.busy_timeout = 50ms;
    return options;
}

TEMPLATE_TEST_CASE("a second store beside write-behind on SQLite is busy, and learns who may have the database",
                   "[write_behind][sqlite][sole_writer]", NoCache, WriteThrough, WriteBehind) {
    const TempDir dir;
    auto first = joinly::open<SqliteBackend, WriteBehind>(impatient(dir));
    REQUIRE(first);
    REQUIRE(first->save(player("ada", 1)));
    const auto second = joinly::open<SqliteBackend, TestType>(impatient(dir));
    REQUIRE(!second);
    CHECK(second.error() == Errc::busy);
    const std::string message{second.error().message()};
    CHECK_THAT(message, Contains(dir / "db") && Contains("write-behind") && Contains("process"));

    REQUIRE(first->save(player("bob", 2)));  // it works on
    REQUIRE(first->close());
    first = joinly::failure(Errc::closed);
    auto next = joinly::open<SqliteBackend, TestType>(impatient(dir));
    REQUIRE(next);
    CHECK(*next->template count<Player>() == 2);
}

TEST_CASE("write-behind does not begin where another store has the database open, which goes on",
          "[write_behind][sqlite][sole_writer]") {
    const TempDir dir;
    auto first = joinly::open<SqliteBackend, WriteThrough>(impatient(dir));
    REQUIRE(first);
    const auto second = joinly::open<SqliteBackend, WriteBehind>(impatient(dir));
    REQUIRE(!second);
    CHECK(second.error() == Errc::busy);
    CHECK_THAT(std::string{second.error().message()}, Contains(dir / "db") && Contains("process"));
    CHECK(first->save(player("ada", 1)));
}

TEST_CASE("a store that only reads finds beside write-behind what has been flushed", "[write_behind][sqlite][sole_writer]") {
    const TempDir dir;
    auto writer = joinly::open<SqliteBackend, WriteBehind>(impatient(dir));
    REQUIRE(writer);
    REQUIRE(writer->save(player("ada", 1)));
    REQUIRE(writer->flush());
    SqliteOptions reading = impatient(dir);
    reading.read_only = true;
    auto reader = joinly::open<SqliteBackend, NoCache>(reading);
    REQUIRE(reader);
    CHECK((*reader->load<Player>("ada"))->skill_rating == 1);
    CHECK(reader->save(player("bob", 2)).error() == Errc::read_only);
}

TEST_CASE("a commit of a program's own, made while a flush was busy, is not taken for that flush", "[write_behind][sqlite]") {
    const TempDir dir;
    auto store = *joinly::open<SqliteBackend, WriteBehind>(impatient(dir), {.drive = joinly::Drive::caller});
    REQUIRE(store.save(player("ada", 1)));
    REQUIRE(store.flush());
    SqliteProbe program{dir / "db"};
    program.run("BEGIN IMMEDIATE");
    const auto saved = store.save(player("ada", 2));
    REQUIRE(store.flush().error() == Errc::busy);
    program.run("UPDATE meta SET value = value + 1 WHERE name = 'last_version'; COMMIT");
    CHECK(store.flush().error() == Errc::conflict);
    CHECK(store.wait(*saved, 0ms).error() == Errc::conflict);
    CHECK(store.dead_letters().size() == 1);
}

}  // namespace
