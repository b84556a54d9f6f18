// What a store does about entities whose time has come, over every backend and under every policy, one test each. To be included as
// store_suite.hpp.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/opened_store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::Errc;
using joinly::ExpiredEntity;
using joinly::Lobby;
using joinly::NoCache;
using joinly::Player;
using joinly::ReadThrough;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::JournalledWriteBehind;
using joinly::test::lobby;
using joinly::test::player;

template <class Policy>
using Fixture = joinly::test::OpenedStore<JOINLY_TESTED_BACKEND, Policy>;

#define JOINLY_EACH_POLICY(name) \
    TEMPLATE_TEST_CASE(name, "[expiry][conformance]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournalledWriteBehind)

/// Everything that is stored, expired or not.
template <class Store>
std::size_t stored_records(Store& store) {
    std::size_t count = 0;
    REQUIRE(store.flush());
    REQUIRE(store.backend().scan(joinly::user_keys(), [&](std::string_view, const joinly::RecordView&) { return ++count != 0; }));
    return count;
}

JOINLY_EACH_POLICY("a sweep erases what has expired, the earliest first, and nothing else") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("second"), {.ttl = 20s}));
    REQUIRE(store->save(lobby("first"), {.ttl = 10s}));
    REQUIRE(store->save(player("later"), {.ttl = 1h}));
    REQUIRE(store->save(player("never")));
    store.traits.clock.advance(30s);
    CHECK(stored_records(*store) == 4);

    std::vector<std::string> told;
    const auto swept = store->sweep(
        1s, [&](const ExpiredEntity& expired) { told.push_back(std::string{expired.kind()} + '/' + std::string{expired.id()}); });
    REQUIRE(swept);
    CHECK(swept->erased == 2);
    CHECK(swept->is_done);
    CHECK(told == std::vector<std::string>{"lobby/first", "player/second"});
    CHECK(stored_records(*store) == 2);
    CHECK(store->sweep()->erased == 0);
}

TEST_CASE("an expired key that is no entity's has no kind, and is its own id", "[expiry][conformance]") {
    ExpiredEntity expired;
    for (const std::string key : {":x", "Not A Kind:x", "note", ""}) {
        CAPTURE(key);
        expired.key = key;
        CHECK(expired.kind().empty());
        CHECK(expired.id() == key);
    }
    expired.key = "lobby:a:b";
    CHECK(expired.kind() == "lobby");
    CHECK(expired.id() == "a:b");
}

JOINLY_EACH_POLICY("a sweep whose listener throws has erased what it would have told, and the store goes on") {
    Fixture<TestType> store;
    for (int i = 0; i < 10; ++i) REQUIRE(store->save(player(std::to_string(i)), {.ttl = 10s}));
    store.traits.clock.advance(10s);
    int told = 0;
    const auto throw_at_third = [&](const ExpiredEntity&) {
        if (++told == 3) throw std::runtime_error{"enough"};
    };
    CHECK_THROWS(store->sweep(1s, throw_at_third));
    CHECK(store->sweep()->erased == 0);
    CHECK(stored_records(*store) == 0);
    REQUIRE(store->save(player("0")));
    CHECK(store->template exists<Player>("0") == true);
}

JOINLY_EACH_POLICY("a sweep leaves alone what was renewed, replaced or erased") {
    Fixture<TestType> store;
    for (const char* id : {"touched", "replaced", "erased"}) REQUIRE(store->save(player(id), {.ttl = 10s}));
    REQUIRE(store->flush());
    REQUIRE(store->template touch<Player>("touched", 1h));
    REQUIRE(store->save(player("replaced")));
    REQUIRE(store->template erase<Player>("erased"));
    store.traits.clock.advance(10s);
    CHECK(store->sweep()->erased == 0);
    CHECK(store->template exists<Player>("touched") == true);
    CHECK(store->template exists<Player>("replaced") == true);
    store.traits.clock.advance(1h);
    CHECK(store->sweep()->erased == 1);
    CHECK(store->template exists<Player>("replaced") == true);
}

JOINLY_EACH_POLICY("touch changes the expiry and nothing else") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 7), {.ttl = 10s}));
    const auto touched = store->template touch<Player>("ada", 1h);
    REQUIRE(touched);
    store.traits.clock.advance(30min);
    const auto loaded = store->template load<Player>("ada");
    REQUIRE(loaded);
    CHECK(**loaded == player("ada", 7));
    CHECK(loaded->version() == *touched);
    REQUIRE(store->template touch<Player>("ada", std::nullopt));
    CHECK(store->template load<Player>("ada")->expires_at().is_never());
}

JOINLY_EACH_POLICY("a touch beside updates undoes none of them") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada", 0)));
    std::atomic<int> failed{0};
    std::thread toucher{[&] {
        for (int i = 0; i < 200; ++i) failed += !store->template touch<Player>("ada", 1h);
    }};
    for (int i = 0; i < 200; ++i) failed += !store->template update<Player>("ada", [](Player& ada) { ++ada.skill_rating; });
    toucher.join();
    CHECK(failed == 0);
    CHECK((*store->template load<Player>("ada"))->skill_rating == 200);
}

JOINLY_EACH_POLICY("what has expired or was never there cannot be touched") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada"), {.ttl = 10s}));
    store.traits.clock.advance(10s);
    CHECK(store->template touch<Player>("ada", 1h).error() == Errc::not_found);
    CHECK(store->template touch<Player>("nobody", 1h).error() == Errc::not_found);
    CHECK(store->template touch<Player>("ada", 0s).error() == Errc::not_found);
    REQUIRE(store->save(player("ada")));
    CHECK(store->template touch<Player>("ada", 0s).error() == Errc::invalid_argument);
    CHECK(store->template touch<Player>("", 1h).error() == Errc::invalid_argument);
}

JOINLY_EACH_POLICY("a swept entity can be saved anew, and is not swept with the old one") {
    Fixture<TestType> store;
    REQUIRE(store->save(player("ada"), {.ttl = 10s}));
    store.traits.clock.advance(10s);
    REQUIRE(store->sweep());
    REQUIRE(store->save(player("ada"), {.expect = joinly::absent}));
    CHECK(store->sweep()->erased == 0);
    CHECK(store->template exists<Player>("ada") == true);
}

JOINLY_EACH_POLICY("a sweep without time erases a part, and the next ones the rest") {
    Fixture<TestType> store;
    constexpr int records = 600;
    for (int i = 0; i < records; ++i) REQUIRE(store->save(player(std::to_string(i)), {.ttl = 10s}));
    store.traits.clock.advance(10s);
    const auto first = store->sweep(0us);
    REQUIRE(first);
    CHECK(first->erased > 0);
    CHECK(first->erased < records);
    CHECK_FALSE(first->is_done);
    std::size_t erased = first->erased;
    for (int i = 0; i < records && erased < records; ++i) erased += store->sweep(0us)->erased;
    CHECK(erased == records);
    CHECK(stored_records(*store) == 0);
}

JOINLY_EACH_POLICY("beside sweeps no renewal is lost, and each expiry is told once") {
    constexpr int entities = 8;
    constexpr int rounds = 60;
    Fixture<TestType> store;
    std::mutex mutex;  // guards the two below
    std::set<std::pair<std::string, joinly::Version>> told;
    int twice = 0;
    const auto tell = [&](const ExpiredEntity& each) {
        const std::lock_guard lock{mutex};
        twice += !told.emplace(each.key, each.version).second;
    };
    std::atomic<int> lost{0};
    std::atomic<bool> done{false};
    const auto sweep = [&] {
        while (!done) {
            if (!store->sweep(1ms, tell)) ++lost;
        }
    };
    std::thread one{sweep};
    std::thread two{sweep};
    std::size_t expired = 0;
    for (int round = 0; round < rounds; ++round) {
        for (int i = 0; i < entities; ++i) {
            if (!store->save(player(std::to_string(i), round), {.ttl = i % 2 == 0 ? 10s : 1h})) ++lost;
        }
        store.traits.clock.advance(10s);  // those with even numbers
        for (int i = 1; i < entities; i += 2) {
            const auto loaded = store->template load<Player>(std::to_string(i));
            if (!loaded || (*loaded)->skill_rating != round) ++lost;
        }
        expired += entities / 2;
    }
    while (!store->sweep(1s, tell)->is_done) {
    }
    done = true;
    one.join();
    two.join();
    CHECK(lost == 0);
    CHECK(twice == 0);
    CHECK(told.size() <= expired);  // what was saved anew before a sweep came is told to nobody
    CHECK(told.size() >= entities / 2);
}

}  // namespace
