// What a transaction promises over every backend and under every policy, one test each. To be included as store_suite.hpp.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/opened_store.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using joinly::absent;
using joinly::Errc;
using joinly::failure;
using joinly::Loaded;
using joinly::Lobby;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::Status;
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
    REQUIRE(loaded);
    return (*loaded)->skill_rating;
}

#define JOINLY_EACH_POLICY(name) \
    TEMPLATE_TEST_CASE(name, "[transaction][conformance]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournalledWriteBehind)

JOINLY_EACH_POLICY("a transaction writes entities of several kinds under one version") {
    Fixture<TestType> store;
    const auto version = store->transaction([](auto& tx) -> Status {
        if (auto saved = tx.save(player("ada")); !saved) return saved;
        return tx.save(lobby("north"));
    });
    REQUIRE(version);
    CHECK(store->template load<Player>("ada")->version() == *version);
    CHECK(store->template load<Lobby>("north")->version() == *version);
}

JOINLY_EACH_POLICY("a transaction that refuses has written nothing, and its reason is returned") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    const auto refused = store->transaction([](auto& tx) -> Status {
        (void)tx.save(player("ada", 2));
        (void)tx.template erase<Lobby>("north");
        return failure(Errc::full, "no seat is left");
    });
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::full);
    CHECK(refused.error().message() == "no seat is left");
    CHECK(rating_of(*store, "ada") == 1);
}

JOINLY_EACH_POLICY("an exception ends a transaction, with nothing written, and travels on") {
    Fixture<TestType> store;
    CHECK_THROWS_AS(store->transaction([](auto& tx) {
        (void)tx.save(player("ada"));
        throw std::runtime_error{"enough"};
    }),
                    std::runtime_error);
    CHECK(store->template load<Player>("ada").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a transaction reads what it has written") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    REQUIRE(store->save(player("bob", 2)));
    std::vector<std::string> ids;
    std::size_t count = 0;
    REQUIRE(store->transaction([&](auto& tx) {
        (void)tx.template update<Player>("ada", [](Player& ada) { ada.skill_rating += 10; });
        (void)tx.template update<Player>("ada", [](Player& ada) { ada.skill_rating += 10; });
        (void)tx.template erase<Player>("bob");
        (void)tx.save(player("cid", 3));
        ids = *tx.template ids<Player>();
        count = *tx.template count<Player>();
        CHECK((*tx.template load<Player>("ada"))->skill_rating == 21);
        CHECK(tx.template load<Player>("bob").error() == Errc::not_found);
        CHECK(tx.template exists<Player>("cid") == true);
    }));
    CHECK(ids == std::vector<std::string>{"ada", "cid"});
    CHECK(count == 2);
    CHECK(*store->template ids<Player>() == ids);
    CHECK(rating_of(*store, "ada") == 21);
}

JOINLY_EACH_POLICY("nobody sees a transaction's writes before it has committed") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    REQUIRE(store->transaction([&](auto& tx) {
        (void)tx.save(player("ada", 2));
        CHECK(rating_of(*store, "ada") == 1);
        CHECK(*store->template count<Player>() == 1);
    }));
    CHECK(rating_of(*store, "ada") == 2);
}

/// Runs a transaction whose first try is overtaken, once, by `meanwhile`, after it has done its reads.
template <class Store, class Read, class Meanwhile>
int tries_of(Store& store, Read read, Meanwhile meanwhile) {
    int tries = 0;
    const auto done = store.transaction([&](auto& tx) -> Status {
        read(tx);
        if (++tries == 1) meanwhile();
        return tx.save(player("outcome", tries));
    });
    REQUIRE(done);
    CHECK(rating_of(store, "outcome") == tries);
    return tries;
}

JOINLY_EACH_POLICY("a transaction is tried again when what it read has changed") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    const auto read = [](auto& tx) { REQUIRE(tx.template load<Player>("ada")); };
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(player("ada"))); }) == 2);
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(player("bob"))); }) == 1);
}

JOINLY_EACH_POLICY("a transaction is tried again when what it found missing has come") {
    Fixture<TestType> store;
    const auto read = [](auto& tx) { (void)tx.template load<Player>("ada"); };
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(player("ada"))); }) == 2);
}

JOINLY_EACH_POLICY("a transaction is tried again when what it read has gone, or gone and come back") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    const auto read = [](auto& tx) { (void)tx.template load<Player>("ada"); };
    CHECK(tries_of(*store, read, [&] {
              REQUIRE(store->template erase<Player>("ada"));
              REQUIRE(store->save(player("ada")));
          }) == 2);
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->template erase<Player>("ada")); }) == 2);
}

JOINLY_EACH_POLICY("a transaction is tried again when anything has come to, left or changed in what it listed") {
    Fixture<TestType> store;
    REQUIRE(store->save(lobby("north")));
    const auto read = [](auto& tx) { REQUIRE(tx.template ids<Lobby>()); };
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(lobby("south"))); }) == 2);
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->template erase<Lobby>("south")); }) == 2);
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(lobby("north"))); }) == 2);
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(player("ada"))); }) == 1);
}

JOINLY_EACH_POLICY("a page that was listed does not answer for what lies behind it") {
    Fixture<TestType> store;
    for (const char* id : {"a", "b", "c"}) REQUIRE(store->save(lobby(id)));
    const auto read = [](auto& tx) { CHECK(tx.template ids<Lobby>({.after = "", .limit = 2})->size() == 2); };
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(lobby("d"))); }) == 1);
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->save(lobby("aa"))); }) == 2);
}

JOINLY_EACH_POLICY("a transaction is tried again when what it read has expired") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada"), {.ttl = 10s}));
    const auto read = [](auto& tx) { (void)tx.template load<Player>("ada"); };
    CHECK(tries_of(*store, read, [&] { store.traits.clock.advance(10s); }) == 2);
}

JOINLY_EACH_POLICY("a refusal is founded on what was there together") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    REQUIRE(store->save(player("bob", 1)));
    int tries = 0;
    const auto judged = store->transaction([&](auto& tx) -> Status {
        const std::int32_t ada = (*tx.template load<Player>("ada"))->skill_rating;
        if (++tries == 1) {
            REQUIRE(store->transaction([](auto& other) {
                (void)other.save(player("ada", 2));
                (void)other.save(player("bob", 2));
            }));
        }
        const std::int32_t bob = (*tx.template load<Player>("bob"))->skill_rating;
        return failure(Errc::invalid_argument, ada == bob ? "equal" : "torn");
    });
    REQUIRE_FALSE(judged);
    CHECK(judged.error().message() == "equal");
    CHECK(tries == 2);
}

JOINLY_EACH_POLICY("a transaction gives up after so many tries") {
    Fixture<TestType> store;
    int tries = 0;
    const auto given_up = store->transaction(
        [&](auto& tx) -> Status {
            (void)tx.template load<Player>("ada");
            REQUIRE(store->save(player("ada", ++tries)));
            return tx.save(player("bob"));
        },
        {.max_tries = 5});
    REQUIRE_FALSE(given_up);
    CHECK(given_up.error() == Errc::conflict);
    CHECK(tries == 5);
    CHECK(store->template load<Player>("bob").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a transaction that gives up names what has changed") {
    Fixture<TestType> store;
    const bool writes = GENERATE(false, true);
    const bool lists = GENERATE(false, true);
    const bool reads_again = GENERATE(false, true);
    int rating = 0;
    const auto given_up = store->transaction(
        [&](auto& tx) -> Status {
            const auto read = [&] {
                return lists ? tx.template count<Player>().has_value() : tx.template exists<Player>("ada").has_value();
            };
            (void)read();
            REQUIRE(store->save(player("ada", ++rating)));
            if (reads_again) (void)read();
            return writes ? tx.save(player("bob")) : Status{};
        },
        {.max_tries = 3});
    REQUIRE_FALSE(given_up);
    CHECK(given_up.error() == Errc::conflict);
    const std::string message{given_up.error().message()};
    INFO(message);
    CHECK(message.find(lists ? "player:" : "player:ada") != std::string::npos);
}

JOINLY_EACH_POLICY("what a transaction expects is refused at once, and not tried again") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada")));
    int tries = 0;
    const auto refused = store->transaction([&](auto& tx) -> Status {
        ++tries;
        return tx.save(player("ada"), {.expect = absent});
    });
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == Errc::conflict);
    CHECK(tries == 1);
}

JOINLY_EACH_POLICY("a transaction that writes nothing tells the version that what it read belongs to") {
    Fixture<TestType> store;
    const auto first = store->save(player("ada"));
    const auto second = store->save(player("bob"));
    REQUIRE(second);
    const auto read = store->transaction([](auto& tx) {
        (void)tx.template load<Player>("ada");
        (void)tx.template load<Player>("bob");
    });
    CHECK(read == second);
    CHECK(store->save(player("ada")) == *second + 1);
}

JOINLY_EACH_POLICY("an update in a transaction keeps the expiry, and a missing entity is not found") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1), {.ttl = 1min}));
    const auto expires_at = store->template load<Player>("ada")->expires_at();
    REQUIRE(
        store->transaction([](auto& tx) { return tx.template update<Player>("ada", [](Player& ada) { ada.skill_rating = 2; }); }));
    CHECK(store->template load<Player>("ada")->expires_at() == expires_at);
    const auto missing = store->transaction([](auto& tx) { return tx.template update<Player>("nobody", [](Player&) {}); });
    CHECK(missing.error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a transaction reads and writes raw bytes as the store does") {
    Fixture<TestType> store;
    REQUIRE(store->put("note:1", "old"));
    REQUIRE(store->put("note:2", "old"));
    REQUIRE(store->transaction([](auto& tx) {
        CHECK(tx.get("note:1") == "old");
        CHECK(tx.put("note:1", "new"));
        CHECK(tx.get("note:1") == "new");
        CHECK(tx.erase_key("note:2"));
        CHECK(tx.get("note:2").error() == Errc::not_found);
        CHECK(tx.put("note:3", "added", {.ttl = 10s, .expect = absent}));
        CHECK(tx.keys("note:") == std::vector<std::string>{"note:1", "note:3"});
        CHECK(tx.keys("note:", {.after = "note:1", .limit = 9}) == std::vector<std::string>{"note:3"});
        CHECK(tx.put("\0key"s, "").error() == Errc::invalid_argument);
        CHECK(tx.get("").error() == Errc::invalid_argument);
        CHECK(tx.erase_key("").error() == Errc::invalid_argument);
    }));
    CHECK(store->get("note:1") == "new");
    CHECK(store->get("note:2").error() == Errc::not_found);
    CHECK(store->get("note:3") == "added");
    store.traits.clock.advance(10s);
    CHECK(store->get("note:3").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a transaction is tried again when bytes that it read, or keys that it listed, have changed") {
    Fixture<TestType> store;
    REQUIRE(store->put("note:1", "old"));
    const auto read = [](auto& tx) { REQUIRE(tx.get("note:1")); };
    CHECK(tries_of(*store, read, [&] { REQUIRE(store->put("note:1", "new")); }) == 2);
    const auto list = [](auto& tx) { REQUIRE(tx.keys("note:")); };
    CHECK(tries_of(*store, list, [&] { REQUIRE(store->put("note:2", "new")); }) == 2);
}

JOINLY_EACH_POLICY("what a transaction saves or updates may expire") {
    Fixture<TestType> store;
    REQUIRE(store->transaction([](auto& tx) {
        CHECK(tx.save(player("ada", 1), {.ttl = 10s}));
        CHECK(tx.template update<Player>("ada", [](Player& ada) { ada.skill_rating = 2; }));
    }));
    CHECK(rating_of(*store, "ada") == 2);
    store.traits.clock.advance(10s);
    CHECK(store->template load<Player>("ada").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("what a transaction erases may be expected to be at a version") {
    Fixture<TestType> store;
    const auto version = store->save(player("ada"));
    const auto note = store->put("note", "text");
    REQUIRE(version);
    REQUIRE(note);
    REQUIRE(store->transaction([&](auto& tx) {
        CHECK(tx.template erase<Player>("ada", {.expect = *version + 7}).error() == Errc::conflict);
        CHECK(tx.template erase<Player>("nobody", {.expect = *version}).error() == Errc::conflict);
        CHECK(tx.erase_key("note", {.expect = *version}).error() == Errc::conflict);
        CHECK(tx.put("note", "", {.expect = absent}).error() == Errc::conflict);
    }));
    CHECK(store->get("note") == "text");
    REQUIRE(store->transaction([&](auto& tx) {
        CHECK(tx.template erase<Player>("ada", {.expect = *version}));
        CHECK(tx.erase_key("note", {.expect = *note}));
    }));
    CHECK(store->template exists<Player>("ada") == false);
    CHECK(store->get("note").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a transaction neither changes an id nor puts bytes where an index would not find them") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 1)));
    REQUIRE(store->transaction([](auto& tx) {
        const Status renamed = tx.template update<Player>("ada", [](Player& ada) { ada.player_id = "eve"; });
        CHECK(renamed.error() == Errc::invalid_argument);
        CHECK(renamed.error().message() == "player:ada: an update must not change the id");
        CHECK(tx.put("player:raw", "").error() == Errc::invalid_argument);
    }));
    CHECK(*store->template ids<Player>() == std::vector<std::string>{"ada"});
}

JOINLY_EACH_POLICY("a closed store begins no transaction") {
    Fixture<TestType> store;
    REQUIRE(store->close());
    CHECK(store->transaction([](auto& tx) { return tx.save(player("ada")); }).error() == Errc::closed);
}

JOINLY_EACH_POLICY("transactions that move ratings between players beside each other keep their sum") {
    constexpr int players = 4;
    constexpr int threads = 3;
    constexpr int moves = 60;
    Fixture<TestType> store;
    for (int i = 0; i < players; ++i) REQUIRE(store->save(player(std::to_string(i), 100)));
    std::atomic<int> failed{0};
    std::atomic<int> wrong_sums{0};
    const auto work = [&](int seed) {
        for (int i = 0; i < moves; ++i) {
            const std::string from = std::to_string((seed + i) % players);
            const std::string to = std::to_string((seed + i * 3 + 1) % players);
            const auto moved = store->transaction([&](auto& tx) -> Status {
                if (auto taken = tx.template update<Player>(from, [](Player& p) { --p.skill_rating; }); !taken) return taken;
                return tx.template update<Player>(to, [](Player& p) { ++p.skill_rating; });
            });
            std::int32_t sum = 0;
            const auto summed = store->transaction([&](auto& tx) {
                sum = 0;
                return tx.template for_each<Player>([&](const Loaded<Player>& each) { sum += each->skill_rating; });
            });
            if (!moved || !summed) ++failed;
            if (summed && sum != players * 100) ++wrong_sums;
        }
    };
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i) workers.emplace_back(work, i);
    for (auto& worker : workers) worker.join();
    CHECK(failed == 0);
    CHECK(wrong_sums == 0);
}

}  // namespace
