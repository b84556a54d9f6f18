// What a store promises over every backend and under every policy, one test each.
//
// A test file names the backend and includes this, once, as with backend_suite.hpp:
//
//     struct Sqlite {
//         using Backend = joinly::SqliteBackend;
//         static Backend::Options options(const joinly::test::TempDir& dir) { return {.path = dir / "store.db"}; }
//     };
//     #define JOINLY_TESTED_BACKEND Sqlite
//     #include <tests/conformance/store_suite.hpp>
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/entity/queue.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/opened_store.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace game {

/// Another program's idea of a player, under the same kind.
struct Account {
    std::string account_id;
    std::string display_name;
};

}  // namespace game

template <>
struct joinly::Entity<game::Account> {
    static constexpr std::string_view kind = "player";
    static constexpr auto& id(auto& account) { return account.account_id; }
    static constexpr void fields(auto& account, auto&& field) {
        field(1, "account_id", account.account_id);
        field(2, "display_name", account.display_name);
    }
};

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using joinly::absent;
using joinly::Errc;
using joinly::Loaded;
using joinly::Lobby;
using joinly::NoCache;
using joinly::Player;
using joinly::Queue;
using joinly::ReadThrough;
using joinly::Status;
using joinly::Version;
using joinly::where;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::JournalledWriteBehind;
using joinly::test::lobby;
using joinly::test::player;

template <class Policy>
using Fixture = joinly::test::OpenedStore<JOINLY_TESTED_BACKEND, Policy>;

template <class Store>
std::int32_t rating_of(Store& store, std::string_view id) {
    auto loaded = store.template load<Player>(id);
    INFO((loaded ? "" : std::string{loaded.error().message()}));
    REQUIRE(loaded);
    return (*loaded)->skill_rating;
}

#define JOINLY_EACH_POLICY(name) \
    TEMPLATE_TEST_CASE(name, "[store][conformance]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournalledWriteBehind)

JOINLY_EACH_POLICY("a saved entity can be loaded") {
    Fixture<TestType> store;
    Player ada = player("ada", 1815);
    ada.attributes = {{"title", "countess"}};
    const auto version = store->save(ada);
    REQUIRE(version);

    const auto loaded = store->template load<Player>("ada");
    REQUIRE(loaded);
    CHECK(**loaded == ada);
    CHECK(loaded->version() == *version);
    CHECK(loaded->expires_at().is_never());
}

JOINLY_EACH_POLICY("what was never saved is not found") {
    Fixture<TestType> store;
    CHECK(store->template load<Player>("nobody").error() == Errc::not_found);
    CHECK(store->template exists<Player>("nobody") == false);
    CHECK(store->template count<Player>() == 0U);
}

JOINLY_EACH_POLICY("saving again replaces, under a greater version") {
    Fixture<TestType> store;
    const auto first = store->save(player("ada", 1));
    const auto second = store->save(player("ada", 2));
    REQUIRE(first);
    REQUIRE(second);
    CHECK(*second > *first);
    CHECK(rating_of(*store, "ada") == 2);
}

JOINLY_EACH_POLICY("an object that was loaded stays as it was") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    const auto before = store->template load<Player>("ada");
    REQUIRE(store->save(player("ada", 2)));
    REQUIRE(store->template erase<Player>("ada"));
    CHECK((*before)->skill_rating == 1);
}

JOINLY_EACH_POLICY("an erased entity is gone") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    REQUIRE(store->template erase<Player>("ada"));
    CHECK(store->template load<Player>("ada").error() == Errc::not_found);
    CHECK(store->template exists<Player>("ada") == false);
    CHECK(store->template ids<Player>()->empty());
}

JOINLY_EACH_POLICY("erasing what is not there is no error") {
    Fixture<TestType> store;
    CHECK(store->template erase<Player>("nobody"));
}

JOINLY_EACH_POLICY("a save that expects absence succeeds once") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1), {.expect = absent}));
    CHECK(store->save(player("ada", 2), {.expect = absent}).error() == Errc::conflict);
    CHECK(rating_of(*store, "ada") == 1);
}

JOINLY_EACH_POLICY("a save that expects an older version changes nothing") {
    Fixture<TestType> store;
    const auto first = store->save(player("ada", 1));
    REQUIRE(store->save(player("ada", 2), {.expect = *first}));
    CHECK(store->save(player("ada", 3), {.expect = *first}).error() == Errc::conflict);
    CHECK(rating_of(*store, "ada") == 2);
}

JOINLY_EACH_POLICY("a version that was loaded can be expected, flushed or not") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    REQUIRE(store->save(player("ada", 2), {.expect = store->template load<Player>("ada")->version()}));
    REQUIRE(store->flush());
    REQUIRE(store->save(player("ada", 3), {.expect = store->template load<Player>("ada")->version()}));
    CHECK(rating_of(*store, "ada") == 3);
}

JOINLY_EACH_POLICY("an erase that expects an older version changes nothing") {
    Fixture<TestType> store;
    const auto first = store->save(player("ada", 1));
    REQUIRE(store->save(player("ada", 2)));
    CHECK(store->template erase<Player>("ada", {.expect = *first}).error() == Errc::conflict);
    CHECK(rating_of(*store, "ada") == 2);
}

JOINLY_EACH_POLICY("a key that is erased and saved again never gets an old version back") {
    Fixture<TestType> store;
    const auto first = store->save(player("ada"));
    REQUIRE(store->template erase<Player>("ada"));
    REQUIRE(store->save(player("ada")));
    CHECK(store->save(player("ada"), {.expect = *first}).error() == Errc::conflict);
}

JOINLY_EACH_POLICY("an expired entity is absent to every read") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada"), {.ttl = 60s}));
    REQUIRE(store->save(player("bob")));
    CHECK(store->template load<Player>("ada"));
    store.traits.clock.advance(60s);

    CHECK(store->template load<Player>("ada").error() == Errc::not_found);
    CHECK(store->template exists<Player>("ada") == false);
    const std::vector<std::string> ids{"ada", "bob"};
    CHECK(store->template load_many<Player>(ids)[0].error() == Errc::not_found);
    CHECK(*store->template ids<Player>() == std::vector{"bob"s});
    CHECK(*store->template count<Player>() == 1);
    CHECK(store->get("player:ada").error() == Errc::not_found);
    CHECK(store->template update<Player>("ada", [](Player&) {}).error() == Errc::not_found);
}

JOINLY_EACH_POLICY("an expired entity counts as absent to a save that expects absence") {
    Fixture<TestType> store;
    const auto first = store->save(player("ada", 1), {.ttl = 60s});
    store.traits.clock.advance(1h);
    CHECK(store->save(player("ada", 2), {.expect = *first}).error() == Errc::conflict);
    CHECK(store->save(player("ada", 3), {.expect = absent}));
    CHECK(rating_of(*store, "ada") == 3);
}

JOINLY_EACH_POLICY("an entity that was renewed does not expire at its old time") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1), {.ttl = 60s}));
    store.traits.clock.advance(30s);
    REQUIRE(store->save(player("ada", 2), {.ttl = 60s}));
    store.traits.clock.advance(45s);
    CHECK(rating_of(*store, "ada") == 2);
}

JOINLY_EACH_POLICY("a ttl of zero or less is refused, and a very long one never ends") {
    Fixture<TestType> store;
    CHECK(store->save(player("ada"), {.ttl = 0s}).error() == Errc::invalid_argument);
    CHECK(store->save(player("ada"), {.ttl = -1s}).error() == Errc::invalid_argument);
    REQUIRE(store->save(player("ada"), {.ttl = (std::chrono::hours::max)()}));
    CHECK(store->template load<Player>("ada")->expires_at().is_never());
}

JOINLY_EACH_POLICY("a wall clock that jumps back revives nothing that was erased and loses nothing that lives") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada"), {.ttl = 1h}));
    REQUIRE(store->save(player("bob")));
    REQUIRE(store->template erase<Player>("bob"));
    store.traits.clock.set_wall(store.traits.clock.now() - 24h * 365);
    CHECK(store->template load<Player>("ada"));
    CHECK(store->template load<Player>("bob").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("update changes the entity and keeps its expiry") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1), {.ttl = 1h}));
    const auto expires_at = store->template load<Player>("ada")->expires_at();
    const auto version = store->template update<Player>("ada", [](Player& ada) { ada.skill_rating = 2; });
    REQUIRE(version);
    const auto loaded = store->template load<Player>("ada");
    CHECK((*loaded)->skill_rating == 2);
    CHECK(loaded->version() == *version);
    CHECK(loaded->expires_at() == expires_at);
}

JOINLY_EACH_POLICY("an update that refuses changes nothing, and its reason reaches the caller") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    const auto refused = store->template update<Player>("ada", [](Player& ada) -> Status {
        ada.skill_rating = 2;
        return joinly::failure(Errc::invalid_argument, "banned");
    });
    CHECK(refused.error().message() == "banned");
    CHECK(rating_of(*store, "ada") == 1);
}

JOINLY_EACH_POLICY("an update that throws changes nothing") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    CHECK_THROWS_AS(store->template update<Player>("ada", [](Player&) { throw std::runtime_error{"thrown"}; }), std::runtime_error);
    CHECK(rating_of(*store, "ada") == 1);
    CHECK(store->save(player("ada", 2)));
}

JOINLY_EACH_POLICY("an update cannot change the id") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    CHECK(store->template update<Player>("ada", [](Player& ada) { ada.player_id = "bob"; }).error() == Errc::invalid_argument);
    CHECK(store->template exists<Player>("bob") == false);
    std::string id = "ada";  // even if what was asked for changes along
    CHECK(store->template update<Player>(id, [&](Player& ada) { ada.player_id = id = "bob"; }).error() == Errc::invalid_argument);
    CHECK(store->template exists<Player>("bob") == false);
}

JOINLY_EACH_POLICY("save_many saves all under one version, and of two with one id the later") {
    Fixture<TestType> store;
    const auto version = store->save_many(std::vector{player("ada", 1), player("bob", 2), player("ada", 3)});
    REQUIRE(version);
    CHECK(rating_of(*store, "ada") == 3);
    CHECK(rating_of(*store, "bob") == 2);
    CHECK(store->template load<Player>("ada")->version() == *version);
    CHECK(store->template load<Player>("bob")->version() == *version);
}

JOINLY_EACH_POLICY("save_many with one bad id saves none") {
    Fixture<TestType> store;
    CHECK(store->save_many(std::vector{player("ada"), player("")}).error() == Errc::invalid_argument);
    CHECK(*store->template count<Player>() == 0);
}

JOINLY_EACH_POLICY("save_many with one failed expectation saves none") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("bob", 1)));
    CHECK(store->save_many(std::vector{player("ada"), player("bob", 2)}, {.expect = absent}).error() == Errc::conflict);
    CHECK(store->template exists<Player>("ada") == false);
    CHECK(rating_of(*store, "bob") == 1);
}

JOINLY_EACH_POLICY("load_many answers in the order of the ids, the missing and the malformed among them") {
    Fixture<TestType> store;
    REQUIRE(store->save_many(std::vector{player("ada", 1), player("bob", 2)}));
    REQUIRE(store->flush());
    REQUIRE(store->save(player("eve", 3)));
    const std::vector<std::string> ids{"bob", "nobody", "", "ada", "bob", "eve"};
    const auto loaded = store->template load_many<Player>(ids);
    REQUIRE(loaded.size() == 6);
    CHECK((*loaded[0])->skill_rating == 2);
    CHECK(loaded[1].error() == Errc::not_found);
    CHECK(loaded[2].error() == Errc::invalid_argument);
    CHECK((*loaded[3])->skill_rating == 1);
    CHECK((*loaded[4])->skill_rating == 2);
    CHECK((*loaded[5])->skill_rating == 3);
}

JOINLY_EACH_POLICY("ids come in byte order, of one kind only, and in pages") {
    Fixture<TestType> store;
    REQUIRE(store->save_many(std::vector{player("b"), player("a"), player("c\xff"), player("a:b"), player("B")}));
    REQUIRE(store->save(lobby("x")));
    CHECK(*store->template ids<Player>() == std::vector{"B"s, "a"s, "a:b"s, "b"s, "c\xff"s});
    CHECK(*store->template ids<Player>({.limit = 2}) == std::vector{"B"s, "a"s});
    CHECK(*store->template ids<Player>({.after = "a", .limit = 2}) == std::vector{"a:b"s, "b"s});
    CHECK(store->template ids<Player>({.after = "c\xff"})->empty());
    CHECK(store->template ids<Player>({.limit = 0})->empty());
}

JOINLY_EACH_POLICY("listings see what is flushed and what is pending as one") {
    Fixture<TestType> store;
    REQUIRE(store->save_many(std::vector{player("a", 1), player("b", 1), player("d", 1), player("f", 1)}));
    REQUIRE(store->flush());
    REQUIRE(store->save(player("b", 2)));
    REQUIRE(store->save(player("c", 2)));
    REQUIRE(store->save(player("g", 2)));
    REQUIRE(store->template erase<Player>("d"));
    std::string seen;
    REQUIRE(store->template for_each<Player>(
        [&](const Loaded<Player>& p) { seen += p->player_id + std::to_string(p->skill_rating) + ' '; }));
    CHECK(seen == "a1 b2 c2 f1 g2 ");
    CHECK(*store->template ids<Player>() == std::vector{"a"s, "b"s, "c"s, "f"s, "g"s});
    CHECK(*store->template count<Player>() == 5);
}

JOINLY_EACH_POLICY("for_each stops when its visitor says so") {
    Fixture<TestType> store;
    REQUIRE(store->save_many(std::vector{player("a"), player("b"), player("c")}));
    int visited = 0;
    REQUIRE(store->template for_each<Player>([&](const Loaded<Player>&) { return ++visited < 2; }));
    CHECK(visited == 2);
}

JOINLY_EACH_POLICY("a visitor may write to the store it visits") {
    Fixture<TestType> store;
    REQUIRE(store->save_many(std::vector{player("a"), player("b"), player("c")}));
    REQUIRE(store->template for_each<Player>([&](const Loaded<Player>& visited) {
        REQUIRE(store->template update<Player>(visited->player_id, [](Player& p) { p.skill_rating = 7; }));
        REQUIRE(store->save(player("z" + visited->player_id)));
        REQUIRE(store->flush());
    }));
    CHECK(*store->template count<Player>() == 6);
    CHECK(rating_of(*store, "c") == 7);
}

JOINLY_EACH_POLICY("a visitor that throws leaves the store usable") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("a")));
    CHECK_THROWS_AS(store->template for_each<Player>([](const Loaded<Player>&) { throw std::runtime_error{"thrown"}; }),
                    std::runtime_error);
    REQUIRE(store->save(player("b")));
    REQUIRE(store->flush());
    CHECK(*store->template count<Player>() == 2);
}

JOINLY_EACH_POLICY("raw bytes come back as they were put") {
    Fixture<TestType> store;
    const std::string bytes("\0\xff\n:", 4);
    REQUIRE(store->put("config", bytes));
    REQUIRE(store->put("empty", ""));
    CHECK(store->get("config") == bytes);
    CHECK(store->get("empty") == "");
    REQUIRE(store->flush());
    CHECK(store->get("config") == bytes);
    REQUIRE(store->erase_key("config"));
    CHECK(store->get("config").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("raw keys may be anything but empty, too long or reserved") {
    Fixture<TestType> store;
    CHECK(store->put("", "x").error() == Errc::invalid_argument);
    CHECK(store->put(std::string(joinly::max_key_bytes + 1, 'k'), "x").error() == Errc::invalid_argument);
    CHECK(store->put("\0key"s, "x").error() == Errc::invalid_argument);
    CHECK(store->put(std::string(joinly::max_key_bytes, 'k'), "x"));
}

JOINLY_EACH_POLICY("keys lists every kind, by prefix and in pages") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    REQUIRE(store->save(lobby("one")));
    REQUIRE(store->put("zone", "x"));
    CHECK(*store->keys() == std::vector{"lobby:one"s, "player:ada"s, "zone"s});
    CHECK(*store->keys("p") == std::vector{"player:ada"s});
    CHECK(*store->keys("", {.after = "lobby:one", .limit = 1}) == std::vector{"player:ada"s});
}

JOINLY_EACH_POLICY("raw bytes under an entity's key are its encoding, both ways") {
    Fixture<TestType> store;
    const Queue one{.queue_id = "ranked", .tickets = {{.player_id = "ada"}}};
    REQUIRE(store->save(one));
    const auto bytes = store->get("queue:ranked");
    REQUIRE(bytes);
    Queue decoded;
    REQUIRE(joinly::Binary::decode(*bytes, decoded));
    CHECK(decoded == one);

    const Queue two{.queue_id = "ranked", .tickets = {{.player_id = "bob"}}};
    std::string encoded;
    REQUIRE(joinly::Binary::encode(two, encoded));
    REQUIRE(store->put("queue:ranked", encoded));
    CHECK(**store->template load<Queue>("ranked") == two);
}

JOINLY_EACH_POLICY("bytes that are not an entity are corrupt, and stay") {
    Fixture<TestType> store;
    REQUIRE(store->put("player:ada", "\xfe\xff\xff"));
    const auto loaded = store->template load<Player>("ada");
    REQUIRE(!loaded);
    CHECK(loaded.error() == Errc::corrupt);
    CHECK(std::string{loaded.error().message()}.find("player:ada") != std::string::npos);
    CHECK(std::string{loaded.error().message()}.ends_with("(read as Binary)"));  // it may be another codec's
    CHECK(store->get("player:ada") == "\xfe\xff\xff");
}

JOINLY_EACH_POLICY("one record can be read as two types without mixing them up") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    for (int round = 0; round < 2; ++round) {
        CHECK((*store->template load<game::Account>("ada"))->display_name == "name of ada");
        CHECK((*store->template load<Player>("ada"))->username == "name of ada");
        REQUIRE(store->flush());
    }
}

JOINLY_EACH_POLICY("ids may hold any bytes") {
    Fixture<TestType> store;
    const std::vector<std::string> hostile{":"s,
                                           "a:b:c"s,
                                           "\0"s,
                                           "a\0b"s,
                                           "%"s,
                                           "'; DROP TABLE record; --"s,
                                           "\n"s,
                                           "\xff\xfe"s,
                                           "\xc3("s,
                                           "\""s,
                                           "\xf0\x9f\x8e\xae"s,
                                           std::string(joinly::max_id_bytes, 'x')};
    for (const std::string& id : hostile) REQUIRE(store->save(player(id, 7)));
    REQUIRE(store->flush());
    for (const std::string& id : hostile) CHECK(rating_of(*store, id) == 7);
    CHECK(store->template ids<Player>()->size() == hostile.size());
}

JOINLY_EACH_POLICY("an id that is empty or too long is refused by every call") {
    Fixture<TestType> store;
    for (const std::string& id : {""s, std::string(joinly::max_id_bytes + 1, 'x')}) {
        CHECK(store->save(player(id)).error() == Errc::invalid_argument);
        CHECK(store->template load<Player>(id).error() == Errc::invalid_argument);
        CHECK(store->template erase<Player>(id).error() == Errc::invalid_argument);
        CHECK(store->template exists<Player>(id).error() == Errc::invalid_argument);
        CHECK(store->template update<Player>(id, [](Player&) {}).error() == Errc::invalid_argument);
        CHECK(store->template touch<Player>(id, 1h).error() == Errc::invalid_argument);
        REQUIRE(store->transaction([&](auto& tx) {
            CHECK(tx.save(player(id)).error() == Errc::invalid_argument);
            CHECK(tx.template load<Player>(id).error() == Errc::invalid_argument);
            CHECK(tx.template erase<Player>(id).error() == Errc::invalid_argument);
            CHECK(tx.template exists<Player>(id).error() == Errc::invalid_argument);
            CHECK(tx.template update<Player>(id, [](Player&) {}).error() == Errc::invalid_argument);
        }));
    }
}

JOINLY_EACH_POLICY("an update that somebody overtakes each time gives up") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 0)));
    int calls = 0;
    const auto given_up = store->template update<Player>("ada", [&](Player&) { REQUIRE(store->save(player("ada", ++calls))); });
    CHECK(given_up.error() == Errc::conflict);
    CHECK(calls == 1'000);
    CHECK(rating_of(*store, "ada") == calls);
}

JOINLY_EACH_POLICY("a conflict tells the version that is there, and the one that was expected") {
    Fixture<TestType> store;
    const auto there = store->save(player("ada"));
    REQUIRE(there);
    for (const bool is_stored : {false, true}) {
        if (is_stored) REQUIRE(store->flush());
        const auto refused = store->save(player("ada"), {.expect = 7'777});
        CHECK(refused.error() == Errc::conflict);
        const std::string message{refused.error().message()};
        INFO(message);
        CHECK(message.find("version " + std::to_string(*there)) != std::string::npos);
        CHECK(message.find("7777") != std::string::npos);
    }
}

JOINLY_EACH_POLICY("values of many megabytes are kept") {
    Fixture<TestType> store;
    const std::string large(8U << 20U, 'v');
    REQUIRE(store->put("large", large));
    REQUIRE(store->flush());
    CHECK(store->get("large") == large);
}

JOINLY_EACH_POLICY("a closed store refuses every call, and may be closed again") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    REQUIRE(store->close());
    CHECK(store->save(player("ada")).error() == Errc::closed);
    CHECK(store->template load<Player>("ada").error() == Errc::closed);
    CHECK(store->template erase<Player>("ada").error() == Errc::closed);
    CHECK(store->template exists<Player>("ada").error() == Errc::closed);
    CHECK(store->template update<Player>("ada", [](Player&) {}).error() == Errc::closed);
    CHECK(store->template load_many<Player>(std::vector{"ada"s})[0].error() == Errc::closed);
    CHECK(store->template ids<Player>().error() == Errc::closed);
    CHECK(store->template count<Player>().error() == Errc::closed);
    CHECK(store->template for_each<Player>([](const Loaded<Player>&) {}).error() == Errc::closed);
    CHECK(store->template find<Player>(where(&Player::skill_rating)).error() == Errc::closed);
    CHECK(store->template find<Player>(where(&Player::skill_rating), {.build_missing_index = true}).error() == Errc::closed);
    CHECK(store->template find_ids<Player>(where(&Player::skill_rating)).error() == Errc::closed);
    CHECK(store->template rebuild_indexes<Player>().error() == Errc::closed);
    CHECK(store->template verify_indexes<Player>().error() == Errc::closed);
    CHECK(store->template touch<Player>("ada", 1h).error() == Errc::closed);
    CHECK(store->sweep().error() == Errc::closed);
    CHECK(store->get("x").error() == Errc::closed);
    CHECK(store->put("x", "").error() == Errc::closed);
    CHECK(store->erase_key("x").error() == Errc::closed);
    CHECK(store->keys().error() == Errc::closed);
    CHECK(store->flush().error() == Errc::closed);
    CHECK(store->close());
}

JOINLY_EACH_POLICY("saving nothing is refused by a closed store, too") {
    Fixture<TestType> store;
    REQUIRE(store->close());
    CHECK(store->save_many(std::vector<Player>{}).error() == Errc::closed);
}

JOINLY_EACH_POLICY("an entity that is given away and refused is as it was") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    Player ada = player("ada", 7);
    CHECK(store->save(std::move(ada), {.ttl = 0s}).error() == Errc::invalid_argument);
    CHECK(ada == player("ada", 7));
    CHECK(store->save(std::move(ada), {.expect = absent}).error() == Errc::conflict);
    CHECK(ada == player("ada", 7));
    REQUIRE(store->close());
    CHECK(store->save(std::move(ada)).error() == Errc::closed);
    CHECK(ada == player("ada", 7));
}

JOINLY_EACH_POLICY("a moved store goes on") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 5)));
    auto moved = std::move(*store);
    CHECK(rating_of(moved, "ada") == 5);
    *store = std::move(moved);
    CHECK(rating_of(*store, "ada") == 5);
}

JOINLY_EACH_POLICY("threads that update one entity lose no update") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 0)));
    constexpr int threads = 4;
    constexpr int rounds = 50;
    std::atomic<int> failures{0};
    std::vector<std::thread> updating;
    for (int t = 0; t < threads; ++t) {
        updating.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                if (!store->template update<Player>("ada", [](Player& ada) { ++ada.skill_rating; })) ++failures;
            }
        });
    }
    for (auto& thread : updating) thread.join();
    CHECK(failures == 0);
    CHECK(rating_of(*store, "ada") == threads * rounds);
}

JOINLY_EACH_POLICY("concurrent joins never overfill a lobby") {
    Fixture<TestType> store;
    Lobby eight = lobby("eight");
    eight.max_players = 8;
    REQUIRE(store->save(eight));
    std::atomic<int> seated{0};
    std::vector<std::thread> joining;
    for (int t = 0; t < 4; ++t) {
        joining.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                const auto joined = store->template update<Lobby>("eight", [&](Lobby& full) -> Status {
                    if (full.players.size() >= 8) return joinly::failure(Errc::full, "the lobby is full");
                    full.players.push_back(std::to_string(t) + '_' + std::to_string(i));
                    return {};
                });
                if (joined) ++seated;
            }
        });
    }
    for (auto& thread : joining) thread.join();
    CHECK(seated == 8);
    CHECK((*store->template load<Lobby>("eight"))->players.size() == 8);
}

JOINLY_EACH_POLICY("readers beside writers never see a value go back") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 0)));
    std::atomic<bool> done{false};
    std::atomic<int> went_back{0};
    std::vector<std::thread> reading;
    for (int t = 0; t < 2; ++t) {
        reading.emplace_back([&] {
            std::int32_t newest = 0;
            while (!done) {
                const auto loaded = store->template load<Player>("ada");
                if (!loaded || (*loaded)->skill_rating < newest) ++went_back;
                if (loaded) newest = (*loaded)->skill_rating;
            }
        });
    }
    int failures = 0;
    for (int i = 1; i <= 200; ++i) {
        if (!store->save(player("ada", i))) ++failures;
        if (i % 20 == 0 && !store->flush()) ++failures;
    }
    done = true;
    for (auto& thread : reading) thread.join();
    CHECK(failures == 0);
    CHECK(went_back == 0);
}

#undef JOINLY_EACH_POLICY

}  // namespace
