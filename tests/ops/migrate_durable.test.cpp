// Migrations between engines that keep files: every pair, kills at random instants, full disks, damage.

#include <joinly/ops/migrate.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/entities.hpp"
#include "tests/support/file_faults.hpp"
#include "tests/support/settings.hpp"
#include "tests/support/temp_dir.hpp"

#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace joinly;
using namespace joinly::test;
using namespace std::chrono_literals;

namespace {

struct JsonTraits : DefaultTraits {
    using Codec = Json;
};

struct Sqlite {
    using Backend = SqliteBackend;
    static SqliteOptions options(const std::string& path) { return {.path = path, .sync = Sync::process_crash}; }
};
struct LevelDb {
    using Backend = LevelDbBackend;
    static LevelDbOptions options(const std::string& path) {
        return {.path = path, .sync = Sync::process_crash, .block_cache_bytes = 1 << 20, .write_buffer_bytes = 64 << 10};
    }
};
struct Memory {
    using Backend = MemoryBackend;
    static MemoryOptions options(const std::string&) { return {}; }
};

template <class Subject, class Traits = DefaultTraits>
auto opened(const std::string& path) {
    auto store = open<typename Subject::Backend, NoCache, Traits>(Subject::options(path));
    INFO((store ? "" : std::string{store.error().message()}));
    REQUIRE(store);
    return std::move(*store);
}

template <class Store>
void fill(Store& store, int players) {
    std::vector<Player> some;
    for (int i = 0; i < players; ++i) some.push_back(player("p" + std::to_string(10'000 + i), i % 97));
    REQUIRE(store.save_many(some));
    REQUIRE(store.save(player("fleeting", 5), {.ttl = 1h}));
    REQUIRE(store.put("motd", std::string{"\0\xff", 2}));
}

template <class Left, class Right>
void check_same(Left& left, Right& right) {
    const auto expected = take_inventory(left.backend());
    const auto found = take_inventory(right.backend());
    REQUIRE((expected && found));
    CHECK(expected->kinds == found->kinds);
    CHECK(right.template verify_indexes<Player>());
    CHECK(right.backend().read(detail::migration_key).error() == Errc::not_found);
}

template <class From, class To>
void migrate_there() {
    const TempDir dir;
    auto source = opened<From>(dir / "source");
    fill(source, 500);
    auto target = opened<To>(dir / "target");
    const auto report = migrate(source, target, {.batch_bytes = 20'000});
    INFO((report ? "" : std::string{report.error().message()}));
    REQUIRE(report);
    check_same(source, target);
}

const MigrateOptions small_batches{.batch_bytes = 3'000};

/// Goes on with a migration in children that are killed at random instants, until one comes to its end. Everything is done in
/// children: after a fork LevelDB lacks the thread that it has started before.
template <class From, class To>
void survive_kills(std::uint64_t seed) {
    INFO("JOINLY_SEED=" << seed);
    std::mt19937_64 random{seed};
    const TempDir dir;
    const auto in_child = [&](auto work) {
        return ChildProcess{[&] {
            auto source = opened<From>(dir / "source");
            auto target = opened<To>(dir / "target");
            return work(source, target) ? 0 : 1;
        }};
    };
    REQUIRE(in_child([](auto& source, auto&) { return fill(source, 3'000), true; }).wait() == 0);
    int code = -1;
    for (int kills = 0; code != 0; ++kills) {
        ChildProcess child =
            in_child([](auto& source, auto& target) { return migrate(source, target, small_batches).has_value(); });
        if (kills < 12) {
            std::this_thread::sleep_for(std::chrono::microseconds{random() % 60'000});
            child.kill();
        }
        code = child.wait();
        REQUIRE(code <= 0);  // killed, or at its end
    }
    CHECK(in_child([](auto& source, auto& target) {
              return take_inventory(source.backend())->kinds == take_inventory(target.backend())->kinds &&
                     target.template verify_indexes<Player>() && !target.backend().read(detail::migration_key);
          }).wait() == 0);
}

/// A disk that is full after so many bytes, and then has room again.
template <class To>
void survive_full_disk() {
    const TempDir dir;
    std::filesystem::create_directory(dir / "disk");
    FileFaults faults{dir / "disk"};
    auto source = opened<Sqlite>(dir / "source");
    fill(source, 3'000);
    for (const std::int64_t room : {200'000, 100'000}) {
        auto target = opened<To>(dir / "disk/target");
        faults.set_room(room);
        const auto report = migrate(source, target, small_batches);
        REQUIRE_FALSE(report);
        CHECK((report.error() == Errc::full || report.error() == Errc::io));
        faults.lift();
    }
    auto target = opened<To>(dir / "disk/target");
    const auto report = migrate(source, target, small_batches);
    INFO((report ? "" : std::string{report.error().message()}));
    REQUIRE(report);
    CHECK(report->written < 3'000);
    check_same(source, target);
}

}  // namespace

// The kills come first: children of a process that has used LevelDB cannot.
TEST_CASE("a migration from SQLite to LevelDB that is killed at random instants comes to its end", "[migrate][crash]") {
    survive_kills<Sqlite, LevelDb>(setting("JOINLY_SEED", std::random_device{}()));
}

TEST_CASE("a migration from LevelDB to SQLite that is killed at random instants comes to its end", "[migrate][crash]") {
    survive_kills<LevelDb, Sqlite>(setting("JOINLY_SEED", std::random_device{}()));
}

TEST_CASE("every backend migrates to every other", "[migrate]") {
    migrate_there<Sqlite, LevelDb>();
    migrate_there<Sqlite, Sqlite>();
    migrate_there<Sqlite, Memory>();
    migrate_there<LevelDb, Sqlite>();
    migrate_there<LevelDb, LevelDb>();
    migrate_there<LevelDb, Memory>();
    migrate_there<Memory, Sqlite>();
    migrate_there<Memory, LevelDb>();
}

TEST_CASE("a migration to LevelDB goes on when a full disk has room again", "[migrate][fault]") { survive_full_disk<LevelDb>(); }

TEST_CASE("a migration to SQLite goes on when a full disk has room again", "[migrate][fault]") { survive_full_disk<Sqlite>(); }

TEST_CASE("a damaged record of the source is named and the migration goes on when it is repaired", "[migrate][fault]") {
    const TempDir dir;
    auto source = opened<Sqlite>(dir / "source");
    fill(source, 500);
    const std::string where = " WHERE key = CAST('player:p10300' AS BLOB)";
    REQUIRE(source.backend().execute("UPDATE record SET version = version + 1000" + where));
    auto target = opened<LevelDb>(dir / "target");
    const auto report = migrate(source, target, small_batches);
    REQUIRE_FALSE(report);
    CHECK(report.error() == Errc::corrupt);
    CHECK_THAT(std::string{report.error().message()}, Catch::Matchers::Contains("player:p10300"));
    REQUIRE(source.backend().execute("UPDATE record SET version = version - 1000" + where));
    REQUIRE(migrate(source, target, small_batches));
    check_same(source, target);
}

TEST_CASE("entities that become JSON in SQLite are text there", "[migrate]") {
    const TempDir dir;
    auto source = opened<LevelDb>(dir / "source");
    fill(source, 10);
    auto json = opened<Sqlite, JsonTraits>(dir / "json");
    REQUIRE(migrate<Player>(source, json));
    auto again = opened<Sqlite, JsonTraits>(dir / "again");
    REQUIRE(migrate(json, again));  // the same codec: as bytes
    for (auto* store : {&json, &again}) {
        const auto rows = store->backend().query("SELECT count(*) FROM record WHERE typeof(value) = 'text'");
        REQUIRE(rows);
        CHECK(*(*rows)[0].get<int>(0) == 11);
    }
}
