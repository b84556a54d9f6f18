// Entities as rows and columns: the views that create_views makes, and what it leaves alone.

#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/entity/formerly.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/ops/sql_views.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/sqlite_probe.hpp>
#include <tests/support/temp_dir.hpp>
#include <vector>

using namespace std::chrono_literals;
using joinly::create_views;
using joinly::Errc;
using joinly::Lobby;
using joinly::NoCache;
using joinly::Player;
using joinly::SqliteBackend;
using joinly::SqliteOptions;
using joinly::SqlRow;
using joinly::SqlView;
using joinly::Sync;
using joinly::WriteBehind;
using joinly::test::lobby;
using joinly::test::player;
using joinly::test::SqliteProbe;
using joinly::test::TempDir;

namespace {

struct JsonTraits : joinly::DefaultTraits {
    using Codec = joinly::Json;
};

SqliteOptions at(const std::string& path) {
    SqliteOptions options;
    options.path = path;
    options.sync = Sync::process_crash;
    return options;
}

auto open_json(const std::string& path) { return joinly::open<SqliteBackend, NoCache, JsonTraits>(at(path)).value(); }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

enum class Weather : std::uint8_t { sunny, wet };

struct Inner {
    std::int32_t depth = 0;
};

/// One field of each form, under a kind that SQL has a meaning for.
struct Order {
    std::string order_id = {};
    bool paid = false;
    std::int64_t coins = 0;
    std::uint64_t most = 0;
    double weight = 0;
    Weather weather = Weather::sunny;
    joinly::Timestamp placed_at = {};
    std::optional<std::int32_t> discount = {};
    std::vector<std::byte> seal = {};
    std::vector<std::string> items = {};
    std::map<std::string, std::int32_t> amounts = {};
    Inner inner = {};
};

/// The same kind a year later.
struct LaterOrder {
    std::string order_id = {};
    std::int64_t price = 0;
};

struct Table {  // its kind is the name of the library's own table
    std::string id = {};
};

struct Capitals {
    std::string id = {};
    std::string ID = {};
};

}  // namespace

template <>
struct joinly::Entity<Weather> {
    static constexpr void values(auto&& value) {
        value(Weather::sunny, "sunny");
        value(Weather::wet, "wet");
    }
};
template <>
struct joinly::Entity<Inner> {
    static constexpr void fields(auto& inner, auto&& field) { field(1, "depth", inner.depth); }
};
template <>
struct joinly::Entity<Order> {
    static constexpr std::string_view kind = "order";
    static constexpr auto& id(auto& order) { return order.order_id; }
    static constexpr void fields(auto& order, auto&& field) {
        field(1, "order_id", order.order_id);
        field(2, "paid", order.paid);
        field(3, "coins", order.coins);
        field(4, "most", order.most);
        field(5, "weight", order.weight);
        field(6, "weather", order.weather);
        field(7, "placed_at", order.placed_at);
        field(8, "discount", order.discount);
        field(9, "seal", order.seal);
        field(10, "items", order.items);
        field(11, "amounts", order.amounts);
        field(12, "inner", order.inner);
    }
};
template <>
struct joinly::Entity<LaterOrder> {
    static constexpr std::string_view kind = "order";
    static constexpr auto& id(auto& order) { return order.order_id; }
    static constexpr void fields(auto& order, auto&& field) {
        field(1, "order_id", order.order_id);
        field(3, "price", order.price, joinly::formerly("coins"));
    }
};
template <>
struct joinly::Entity<Table> {
    static constexpr std::string_view kind = "record";
    static constexpr auto& id(auto& table) { return table.id; }
    static constexpr void fields(auto& table, auto&& field) { field(1, "id", table.id); }
};
template <>
struct joinly::Entity<Capitals> {
    static constexpr std::string_view kind = "capitals";
    static constexpr auto& id(auto& capitals) { return capitals.id; }
    static constexpr void fields(auto& capitals, auto&& field) {
        field(1, "id", capitals.id);
        field(2, "ID", capitals.ID);
    }
};

TEST_CASE("a view has a column for each field, typed as the field is", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Order>(store));
    Order order;
    order.order_id = "o1";
    order.paid = true;
    order.coins = -7;
    order.most = 18446744073709551615U;
    order.weight = 2.0;
    order.weather = Weather::wet;
    order.placed_at = joinly::Timestamp{1'700'000'000'500ms};
    order.seal = {std::byte{1}, std::byte{2}};
    order.items = {"sword", "a \"shield\""};
    order.amounts = {{"sword", 2}};
    order.inner.depth = 3;
    REQUIRE(store.save(order));

    const auto rows = store.backend().query("SELECT * FROM \"order\"").value();
    CHECK(rows.columns() == std::vector<std::string>{"order_id", "paid", "coins", "most", "weight", "weather", "placed_at",
                                                     "discount", "seal", "items", "amounts", "inner", "_version", "_expires_at",
                                                     "_key"});
    REQUIRE(rows.size() == 1);
    const SqlRow& row = rows[0];
    CHECK(row.get<std::string>("order_id") == "o1");
    CHECK(row.get<bool>("paid") == true);
    CHECK(row.get<std::int64_t>("coins") == -7);
    CHECK(row.get<double>("most") == 18446744073709551615.0);
    CHECK(row[4].type_name() == "double");
    CHECK(row.get<double>("weight") == 2.0);
    CHECK(row.get<std::string>("weather") == "wet");
    CHECK(row.get<double>("placed_at") == 1'700'000'000.5);
    CHECK_FALSE(row.get<std::optional<std::int32_t>>("discount").value().has_value());
    CHECK(row.get<std::string>("seal") == "AQI=");
    CHECK(row.get<std::string>("items") == R"(["sword","a \"shield\""])");
    CHECK(row.get<std::string>("amounts") == R"({"sword":2})");
    CHECK(row.get<std::string>("inner") == R"({"depth":3})");
    CHECK(row.get<std::uint64_t>("_version") == store.load<Order>("o1")->version());
    CHECK_FALSE(row.get<std::optional<double>>("_expires_at").value().has_value());
    CHECK(row[14].to_text() == "x'6f726465723a6f31'");
}

TEST_CASE("views can be joined, filtered and grouped, and containers taken apart", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Player, Lobby>(store));
    REQUIRE(store.save_many(std::vector<Player>{player("ada", 1500), player("bob", 900), player("eve", 1200)}));
    Lobby full = lobby("full");
    full.players = {"ada", "eve"};
    full.attributes = {{"map", "dust"}};
    REQUIRE(store.save(full));
    REQUIRE(store.save(lobby("empty")));

    const auto seated = store.backend().query(
        "SELECT lobby_id, username, skill_rating FROM lobby, json_each(lobby.players) AS seat"
        " JOIN player ON player.player_id = seat.value WHERE state = ? AND lobby.attributes ->> 'map' = ? ORDER BY skill_rating",
        "waiting", "dust");
    REQUIRE(seated);
    REQUIRE(seated->size() == 2);
    CHECK((*seated)[0].get<std::string>("username") == "name of eve");
    CHECK((*seated)[1].get<int>("skill_rating") == 1500);
    CHECK(store.backend()
              .query("SELECT count(*), avg(skill_rating) FROM player WHERE skill_rating > 1000")
              .value()[0]
              .get<double>(1) == 1350.0);
}

TEST_CASE("a view reads its own kind by the key's index", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Player, Lobby>(store));
    REQUIRE(store.save(player("ada")));
    REQUIRE(store.put("playerx", "{}"));
    REQUIRE(store.put("play", "{}"));
    REQUIRE(store.save(lobby("one")));
    CHECK(store.backend().query("SELECT * FROM player").value().size() == 1);

    const auto plan = [&](const char* sql) { return store.backend().query(sql).value()[0].get<std::string>("detail").value(); };
    CHECK(contains(plan("EXPLAIN QUERY PLAN SELECT * FROM player WHERE skill_rating > 1000"), "(key>? AND key<?)"));
    CHECK(contains(plan("EXPLAIN QUERY PLAN SELECT count(*) FROM player"), "(key>? AND key<?)"));
    CHECK(contains(plan("EXPLAIN QUERY PLAN SELECT * FROM player WHERE _key = CAST('player:ada' AS BLOB)"), "(key=?)"));
}

TEST_CASE("an expired entity is in no view", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Player>(store));
    REQUIRE(store.save(player("ada"), {.ttl = 1h}));
    REQUIRE(store.save(player("bob")));
    joinly::Batch past;
    const joinly::WallTime long_ago{1'000'000ms};
    past.changes.push_back({"player:eve", "{}", joinly::Expiry{long_ago}, joinly::absent, joinly::ValueForm::text});
    REQUIRE(store.backend().write(past));

    const auto rows = store.backend().query("SELECT player_id, _expires_at FROM player").value();
    REQUIRE(rows.size() == 2);
    const auto expires_at = store.load<Player>("ada")->expires_at().at().time_since_epoch().count();
    CHECK(rows[0].get<double>("_expires_at").value() * 1000 == Approx(static_cast<double>(expires_at)).epsilon(1e-12));
}

TEST_CASE("what is no JSON is a row of NULLs, and the others stay readable", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Player>(store));
    REQUIRE(store.save(player("ada", 1500)));
    joinly::Batch batch;  // past the store, which puts no raw bytes where an index would not find them
    batch.put("player:bad", "no json").put("player:bytes", std::string{"\xff\x00\x01", 3}).put("player:list", "[1, 2]");
    REQUIRE(store.backend().write(batch));
    CHECK(store.backend().query("SELECT * FROM player").value().size() == 4);
    CHECK(store.backend().query("SELECT * FROM player WHERE skill_rating > 1000 ORDER BY username").value().size() == 1);
    const auto bad =
        store.backend().query("SELECT CAST(_key AS TEXT) AS key FROM player WHERE player_id IS NULL ORDER BY 1").value();
    REQUIRE(bad.size() == 3);
    CHECK(bad[0].get<std::string>("key") == "player:bad");
}

TEST_CASE("views that are there already are left alone, and cost no write", "[sqlite][views]") {
    const TempDir dir;
    {
        auto store = open_json(dir / "db");
        REQUIRE(create_views<Player, Lobby>(store));
    }
    SqliteOptions options = at(dir / "db");
    options.read_only = true;
    auto store = joinly::open<SqliteBackend, NoCache, JsonTraits>(options).value();
    CHECK(create_views<Player, Lobby>(store));
    CHECK(create_views<Order>(store).error() == Errc::read_only);
}

TEST_CASE("a view of an older description is replaced, and older records keep their columns", "[sqlite][views]") {
    const TempDir dir;
    {
        auto store = open_json(dir / "db");
        REQUIRE(create_views<Order, Player>(store));
        Order order;
        order.order_id = "old";
        order.coins = 7;
        REQUIRE(store.save(order));
    }
    auto store = open_json(dir / "db");
    REQUIRE(create_views<LaterOrder, Player>(store));
    LaterOrder later;
    later.order_id = "young";
    later.price = 9;
    REQUIRE(store.save(later));
    const auto rows = store.backend().query("SELECT * FROM \"order\" ORDER BY order_id").value();
    CHECK(rows.columns() == std::vector<std::string>{"order_id", "price", "_version", "_expires_at", "_key"});
    CHECK(rows[0].get<int>("price") == 7);
    CHECK(rows[1].get<int>("price") == 9);
}

TEST_CASE("a table or a view of somebody else's is never touched", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(store.backend().execute("CREATE VIEW Lobby AS SELECT 'mine' AS whose"));
    const auto foreign = create_views<Player, Lobby>(store);
    CHECK(foreign.error() == Errc::conflict);
    CHECK(contains(foreign.error().message(), "'lobby'"));
    CHECK(store.backend().query("SELECT whose FROM lobby").value()[0].get<std::string>(0) == "mine");
    CHECK(store.backend().query("SELECT * FROM player").error() == Errc::invalid_argument);  // all of them or none

    REQUIRE(store.backend().execute("CREATE TABLE player(x); INSERT INTO player VALUES('mine')"));
    CHECK(create_views<Player>(store).error() == Errc::conflict);
    CHECK(store.backend().query("SELECT x FROM player").value()[0].get<std::string>(0) == "mine");

    CHECK(create_views<Table>(store).error() == Errc::conflict);
    CHECK(store.backend().verify_integrity());
}

TEST_CASE("columns that SQL cannot tell apart, and names that it does not take, are refused", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    const auto refused = create_views<Capitals>(store);
    CHECK(refused.error() == Errc::invalid_argument);
    CHECK(contains(refused.error().message(), "'id' and 'ID'"));

    const auto create = [&](SqlView view) { return store.backend().create_views(std::vector<SqlView>{std::move(view)}); };
    CHECK(create({"sqlite_x", {{"id"}}}).error() == Errc::invalid_argument);
    CHECK(create({"a\"b", {{"id"}}}).error() == Errc::invalid_argument);
    CHECK(create({"x", {{"a'b"}}}).error() == Errc::invalid_argument);
    CHECK(create({"x", {{"_key"}}}).error() == Errc::invalid_argument);
    CHECK(create({"x", {{"a", {"b')"}}}}).error() == Errc::invalid_argument);
    CHECK(create({"select", {{"where"}, {"from"}}}));
    CHECK(store.backend().query("SELECT \"where\", \"from\" FROM \"select\""));
}

TEST_CASE("under write-behind a view shows what has been flushed", "[sqlite][views]") {
    const TempDir dir;
    auto store = joinly::open<SqliteBackend, WriteBehind, JsonTraits>(at(dir / "db"), {.max_delay = 1h}).value();
    REQUIRE(create_views<Player>(store));
    REQUIRE(store.save(player("ada")));
    CHECK(store.backend().query("SELECT * FROM player").value().empty());
    REQUIRE(store.flush());
    CHECK(store.backend().query("SELECT * FROM player").value().size() == 1);
    REQUIRE(store.save(player("bob")));
    REQUIRE(create_views<Lobby>(store));  // no write of somebody else's
    CHECK(store.flush());
}

TEST_CASE("views are read by any SQLite program, and are in a backup", "[sqlite][views]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Player>(store));
    REQUIRE(store.save(player("ada", 1500)));
    REQUIRE(store.backend().backup_to(dir / "copy"));
    for (const char* name : {"db", "copy"}) {
        SqliteProbe probe{dir / name};
        CHECK(probe.rows("SELECT username, skill_rating FROM player") == "name of ada|1500");
        CHECK(probe.rows("PRAGMA integrity_check") == "ok");
    }
}

TEST_CASE("connections of the caller's own read views and know the library's tables", "[sqlite][views][database]") {
    const TempDir dir;
    auto store = open_json(dir / "db");
    REQUIRE(create_views<Player>(store));
    REQUIRE(store.save(player("ada", 1500)));
    SQLite::Database database = store.backend().database().value();
    CHECK(database.execAndGet("SELECT skill_rating FROM player").getInt() == 1500);
    CHECK_THROWS_AS(database.exec("DELETE FROM record"), SQLite::Exception);
}
