// What the verbs of lobbies, queues and matches promise over every backend and under every policy, one test each. To be included
// as store_suite.hpp.
#ifndef JOINLY_TESTED_BACKEND
#error "define JOINLY_TESTED_BACKEND before including this"
#endif

#include <joinly/game/lobbies.hpp>
#include <joinly/game/lobby_lists.hpp>
#include <joinly/game/matchmaking.hpp>
#include <joinly/game/ratings.hpp>
#include <joinly/index/query.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/latch.hpp>
#include <tests/support/opened_store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// What stored lobbies before Lobby had indexes.
struct OldLobby {
    std::string lobby_id = {};
};

}  // namespace

template <>
struct joinly::Entity<OldLobby> {
    static constexpr std::string_view kind = "lobby";
    static constexpr auto& id(auto& lobby) { return lobby.lobby_id; }
    static constexpr void fields(auto& lobby, auto&& field) { field(1, "lobby_id", lobby.lobby_id); }
};

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using joinly::Errc;
using joinly::JoinOutcome;
using joinly::LeaveOutcome;
using joinly::Lobby;
using joinly::LobbyState;
using joinly::Match;
using joinly::NoCache;
using joinly::Player;
using joinly::Queue;
using joinly::QueueClaim;
using joinly::ReadThrough;
using joinly::SettleOutcome;
using joinly::StartOutcome;
using joinly::WhenEmpty;
using joinly::WriteBehind;
using joinly::WriteThrough;
using joinly::test::JournalledWriteBehind;
using joinly::test::Latch;
using joinly::test::player;
using Ids = std::vector<std::string>;

template <class Policy>
using Fixture = joinly::test::OpenedStore<JOINLY_TESTED_BACKEND, Policy>;

template <class T, class Store>
T stored(Store& store, std::string_view id) {
    auto loaded = store.template load<T>(id);
    INFO((loaded ? "" : std::string{loaded.error().message()}));
    REQUIRE(loaded);
    return **loaded;
}

template <class T, class Store>
joinly::Version version_of(Store& store, std::string_view id) {
    auto loaded = store.template load<T>(id);
    REQUIRE(loaded);
    return loaded->version();
}

/// A lobby "north" of `seats` seats with these players in it, the first of whom owns it.
template <class Store>
void make_lobby(Store& store, const Ids& players, std::uint32_t seats = 8) {
    const auto owner = players.empty() ? ""s : players.front();
    REQUIRE(joinly::create_lobby(store, {.lobby_id = "north", .players = players, .max_players = seats, .owner = owner}));
}

template <class Store>
void set_state(Store& store, LobbyState state) {
    REQUIRE(store.template update<Lobby>("north", [&](Lobby& lobby) { lobby.state = state; }));
}

/// Players of these ratings in the queue "ranked", each a second after the one before: "p0", "p1", ...
template <class Fixture>
void make_queue(Fixture& store, const std::vector<std::int32_t>& ratings) {
    for (std::size_t i = 0; i < ratings.size(); ++i) {
        REQUIRE(joinly::enqueue(*store, "ranked", {.player_id = "p" + std::to_string(i), .skill_rating = ratings[i]}));
        store.traits.clock.advance(1s);
    }
}

template <class Store>
Ids waiting(Store& store) {
    Ids ids;
    for (const auto& ticket : stored<Queue>(store, "ranked").tickets) ids.push_back(ticket.player_id);
    return ids;
}

/// Runs `work(i)` in so many threads at once. Nothing in it may assert: Catch2's assertions are for one thread.
template <class Work>
void at_once(int threads, Work work) {
    Latch begin;
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) {
        running.emplace_back([&, i] {
            begin.wait();
            work(i);
        });
    }
    begin.open();
    for (auto& thread : running) thread.join();
}

#define JOINLY_EACH_POLICY(name) \
    TEMPLATE_TEST_CASE(name, "[game][conformance]", NoCache, ReadThrough, WriteThrough, WriteBehind, JournalledWriteBehind)

// --- lobbies

JOINLY_EACH_POLICY("the owner of a new lobby sits in it, and it was created at the store's time") {
    Fixture<TestType> store;
    REQUIRE(joinly::create_lobby(*store, {.lobby_id = "north", .players = {"bob"}, .owner = "ada"}));
    const auto north = stored<Lobby>(*store, "north");
    CHECK(north.players == Ids{"ada", "bob"});
    CHECK(north.created_at == store.traits.clock.now());
}

JOINLY_EACH_POLICY("a lobby is not created over another, nor with more players than seats") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    CHECK(joinly::create_lobby(*store, {.lobby_id = "north", .owner = "bob"}).error() == Errc::conflict);
    CHECK(stored<Lobby>(*store, "north").owner == "ada");
    CHECK(joinly::create_lobby(*store, {.lobby_id = "south", .players = {"ada"}, .max_players = 1, .owner = "bob"}).error() ==
          Errc::invalid_argument);
    CHECK(store->template exists<Lobby>("south") == false);
}

JOINLY_EACH_POLICY("a lobby is not created with players who could not have joined it, and the refusal names them") {
    Fixture<TestType> store;
    const auto refusal = [&](Lobby lobby) {
        const auto created = joinly::create_lobby(*store, std::move(lobby));
        CHECK(created.error() == Errc::invalid_argument);
        return created ? ""s : std::string{created.error().message()};
    };
    CHECK(refusal({.lobby_id = "north", .players = {"ada", "bob", "ada"}, .owner = "ada"}) == "lobby:north has ada in two seats");
    CHECK(refusal({.lobby_id = "north", .players = {"bob", "bob"}, .owner = "ada"}) == "lobby:north has bob in two seats");
    CHECK(refusal({.lobby_id = "north", .players = {"ada", "bob"}}) == "lobby:north has players and no owner");
    CHECK(refusal({.lobby_id = "north", .players = {"ada", ""}, .owner = "ada"}).find("player") != std::string::npos);
    CHECK(store->template exists<Lobby>("north") == false);
}

JOINLY_EACH_POLICY("a lobby may be made to expire, and no verb puts that off") {
    Fixture<TestType> store;
    REQUIRE(joinly::create_lobby(*store, {.lobby_id = "north", .owner = "ada"}, {.ttl = 1h}));
    REQUIRE(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::joined);
    REQUIRE(joinly::leave_lobby(*store, "north", "ada") == LeaveOutcome::left);
    REQUIRE(joinly::begin_countdown(*store, "north") == StartOutcome::started);
    REQUIRE(joinly::start_lobby(*store, "north", "match_1") == StartOutcome::started);
    store.traits.clock.advance(1h);
    CHECK(store->template exists<Lobby>("north") == false);
}

JOINLY_EACH_POLICY("players sit in the order in which they joined") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    CHECK(joinly::join_lobby(*store, "north", "cat") == JoinOutcome::joined);
    CHECK(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::joined);
    CHECK(stored<Lobby>(*store, "north").players == Ids{"ada", "cat", "bob"});
    CHECK(stored<Lobby>(*store, "north").owner == "ada");
}

JOINLY_EACH_POLICY("the first who joins a lobby without owner owns it") {
    Fixture<TestType> store;
    make_lobby(*store, {});
    REQUIRE(joinly::join_lobby(*store, "north", "ada") == JoinOutcome::joined);
    REQUIRE(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::joined);
    CHECK(stored<Lobby>(*store, "north").owner == "ada");
}

JOINLY_EACH_POLICY("a join that is refused says why, and changes nothing") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada", "bob"}, 2);
    auto version = version_of<Lobby>(*store, "north");
    CHECK(joinly::join_lobby(*store, "north", "cat") == JoinOutcome::full);
    CHECK(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::already_in);
    CHECK(joinly::join_lobby(*store, "south", "cat").error() == Errc::not_found);
    CHECK(joinly::join_lobby(*store, "north", "").error() == Errc::invalid_argument);
    CHECK(version_of<Lobby>(*store, "north") == version);

    REQUIRE(store->template update<Lobby>("north", [](Lobby& lobby) {
        lobby.max_players = 8;
        lobby.attributes["locked"] = "true";
    }));
    version = version_of<Lobby>(*store, "north");
    CHECK(joinly::join_lobby(*store, "north", "cat") == JoinOutcome::locked);
    CHECK(version_of<Lobby>(*store, "north") == version);

    for (const auto state : {LobbyState::starting, LobbyState::in_game, LobbyState::closed}) {
        set_state(*store, state);
        CHECK(joinly::join_lobby(*store, "north", "cat") == JoinOutcome::wrong_state);
    }
    CHECK(stored<Lobby>(*store, "north").players == Ids{"ada", "bob"});
}

JOINLY_EACH_POLICY("a thousand joins at once on a lobby of eight seat exactly eight") {
    Fixture<TestType> store;
    make_lobby(*store, {});
    std::atomic<int> joined{0};
    std::atomic<int> full{0};
    at_once(40, [&](int thread) {
        for (int i = 0; i < 25; ++i) {
            const auto outcome = joinly::join_lobby(*store, "north", "p" + std::to_string(thread * 25 + i));
            joined += outcome == JoinOutcome::joined;
            full += outcome == JoinOutcome::full;
        }
    });
    CHECK(joined == 8);
    CHECK(full == 992);
    const auto players = stored<Lobby>(*store, "north").players;
    CHECK(players.size() == 8);
    CHECK(std::set<std::string>(players.begin(), players.end()).size() == 8);
}

JOINLY_EACH_POLICY("when the owner leaves, the player who has sat there longest owns the lobby") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada", "bob", "cat"});
    CHECK(joinly::leave_lobby(*store, "north", "bob") == LeaveOutcome::left);
    CHECK(stored<Lobby>(*store, "north").owner == "ada");
    REQUIRE(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::joined);
    CHECK(joinly::leave_lobby(*store, "north", "ada") == LeaveOutcome::left);
    CHECK(stored<Lobby>(*store, "north").owner == "cat");
    CHECK(stored<Lobby>(*store, "north").players == Ids{"cat", "bob"});
}

JOINLY_EACH_POLICY("leaving a lobby that one is not in changes nothing") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    const auto version = version_of<Lobby>(*store, "north");
    CHECK(joinly::leave_lobby(*store, "north", "bob") == LeaveOutcome::not_in);
    CHECK(joinly::leave_lobby(*store, "south", "ada").error() == Errc::not_found);
    CHECK(version_of<Lobby>(*store, "north") == version);
}

JOINLY_EACH_POLICY("a lobby that the last player leaves is erased, closed or kept") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    CHECK(joinly::leave_lobby(*store, "north", "ada", {.when_empty = WhenEmpty::keep}) == LeaveOutcome::emptied);
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::waiting);
    CHECK(stored<Lobby>(*store, "north").owner.empty());

    REQUIRE(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::joined);
    CHECK(joinly::leave_lobby(*store, "north", "bob") == LeaveOutcome::emptied);
    CHECK(store->template exists<Lobby>("north") == false);

    make_lobby(*store, {"cat"});
    CHECK(joinly::leave_lobby(*store, "north", "cat", {.when_empty = WhenEmpty::close}) == LeaveOutcome::emptied);
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::closed);
}

JOINLY_EACH_POLICY("nobody is lost who joins while the last player leaves") {
    Fixture<TestType> store;
    for (int round = 0; round < 20; ++round) {
        make_lobby(*store, {"ada"});
        std::atomic<bool> joined{false};
        std::atomic<bool> late{false};
        std::atomic<bool> left{false};
        at_once(2, [&](int thread) {
            if (thread == 0) {
                left = joinly::leave_lobby(*store, "north", "ada").has_value();
            } else {
                const auto outcome = joinly::join_lobby(*store, "north", "bob");
                joined = outcome == JoinOutcome::joined;
                late = !outcome && outcome.error() == Errc::not_found;
            }
        });
        CHECK(left);
        REQUIRE(joined != late);
        if (joined) {
            CHECK(stored<Lobby>(*store, "north").owner == "bob");
            REQUIRE(store->template erase<Lobby>("north"));
        }
        REQUIRE(store->template exists<Lobby>("north") == false);
    }
}

JOINLY_EACH_POLICY("a started lobby is in the game, and has a match of those who sit in it") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada", "bob"});
    store.traits.clock.advance(1min);
    CHECK(joinly::start_lobby(*store, "north", "match_1", {.by = "ada", .min_players = 2}) == StartOutcome::started);
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::in_game);
    const auto match = stored<Match>(*store, "match_1");
    CHECK(match.lobby_id == "north");
    CHECK(match.players == Ids{"ada", "bob"});
    CHECK(match.started_at == store.traits.clock.now());
    CHECK(version_of<Match>(*store, "match_1") == version_of<Lobby>(*store, "north"));
}

JOINLY_EACH_POLICY("a start that is refused says why, and makes no match") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada", "bob"});
    CHECK(joinly::start_lobby(*store, "north", "match_1", {.by = "bob"}) == StartOutcome::not_owner);
    CHECK(joinly::start_lobby(*store, "north", "match_1", {.min_players = 3}) == StartOutcome::too_few);
    CHECK(joinly::start_lobby(*store, "south", "match_1").error() == Errc::not_found);
    for (const auto state : {LobbyState::in_game, LobbyState::closed}) {
        set_state(*store, state);
        CHECK(joinly::start_lobby(*store, "north", "match_1") == StartOutcome::wrong_state);
    }
    CHECK(store->template count<Match>() == 0U);
}

JOINLY_EACH_POLICY("a lobby whose match would replace another is not started") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    REQUIRE(store->save(Match{.match_id = "match_1", .players = {"eve"}}));
    CHECK(joinly::start_lobby(*store, "north", "match_1").error() == Errc::conflict);
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::waiting);
    CHECK(stored<Match>(*store, "match_1").players == Ids{"eve"});
}

JOINLY_EACH_POLICY("a lobby that many start at once has one match") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    std::atomic<int> started{0};
    std::atomic<int> late{0};
    at_once(8, [&](int thread) {
        const auto outcome = joinly::start_lobby(*store, "north", "match_" + std::to_string(thread));
        started += outcome == StartOutcome::started;
        late += outcome == StartOutcome::wrong_state;
    });
    CHECK(started == 1);
    CHECK(late == 7);
    CHECK(store->template count<Match>() == 1U);
}

JOINLY_EACH_POLICY("nobody joins during the countdown, which can be called off") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    CHECK(joinly::cancel_countdown(*store, "north").error() == Errc::conflict);
    CHECK(joinly::begin_countdown(*store, "north", {.by = "bob"}) == StartOutcome::not_owner);
    CHECK(joinly::begin_countdown(*store, "north", {.by = "ada"}) == StartOutcome::started);
    CHECK(joinly::begin_countdown(*store, "north") == StartOutcome::wrong_state);
    CHECK(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::wrong_state);

    REQUIRE(joinly::cancel_countdown(*store, "north"));
    CHECK(joinly::join_lobby(*store, "north", "bob") == JoinOutcome::joined);
    REQUIRE(joinly::begin_countdown(*store, "north") == StartOutcome::started);
    CHECK(joinly::start_lobby(*store, "north", "match_1") == StartOutcome::started);
}

JOINLY_EACH_POLICY("a closed lobby keeps its players, and may be closed again") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    CHECK(joinly::close_lobby(*store, "north"));
    CHECK(joinly::close_lobby(*store, "north"));
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::closed);
    CHECK(stored<Lobby>(*store, "north").players == Ids{"ada"});
    CHECK(joinly::close_lobby(*store, "south").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a countdown needs a lobby, and players enough") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    CHECK(joinly::begin_countdown(*store, "north", {.min_players = 2}) == StartOutcome::too_few);
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::waiting);
    CHECK(joinly::begin_countdown(*store, "south").error() == Errc::not_found);
    CHECK(joinly::cancel_countdown(*store, "south").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a player may leave during the game, which goes on") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada", "bob"});
    REQUIRE(joinly::start_lobby(*store, "north", "match_1") == StartOutcome::started);
    CHECK(joinly::leave_lobby(*store, "north", "ada") == LeaveOutcome::left);
    CHECK(stored<Lobby>(*store, "north").state == LobbyState::in_game);
    CHECK(stored<Lobby>(*store, "north").owner == "bob");
}

JOINLY_EACH_POLICY("a lobby is locked by the word true and no other") {
    Fixture<TestType> store;
    REQUIRE(joinly::create_lobby(*store, {.lobby_id = "north", .attributes = {{"locked", "false"}}}));
    CHECK(joinly::join_lobby(*store, "north", "ada") == JoinOutcome::joined);
}

TEST_CASE("what becomes of a lobby's verbs has words", "[game][conformance]") {
    CHECK(to_string(JoinOutcome::joined) == "joined");
    CHECK(to_string(JoinOutcome::already_in) == "already in");
    CHECK(to_string(JoinOutcome::full) == "full");
    CHECK(to_string(JoinOutcome::locked) == "locked");
    CHECK(to_string(JoinOutcome::wrong_state) == "not waiting for players");
    CHECK(to_string(LeaveOutcome::left) == "left");
    CHECK(to_string(LeaveOutcome::emptied) == "left it empty");
    CHECK(to_string(LeaveOutcome::not_in) == "not in it");
    CHECK(to_string(StartOutcome::started) == "started");
    CHECK(to_string(StartOutcome::not_owner) == "not the owner");
    CHECK(to_string(StartOutcome::wrong_state) == "in the wrong state");
    CHECK(to_string(StartOutcome::too_few) == "too few players");
}

template <class Store>
Ids found(Store& store, std::int32_t rating, const joinly::FindLobbyOptions& options = {}) {
    const auto lobbies = joinly::find_open_lobbies(store, rating, options);
    INFO((lobbies ? "" : std::string{lobbies.error().message()}));
    REQUIRE(lobbies);
    Ids ids;
    for (const auto& lobby : *lobbies) ids.push_back(lobby->lobby_id);
    return ids;
}

JOINLY_EACH_POLICY("open lobbies are found by their rating, the nearest first") {
    Fixture<TestType> store;
    for (const auto& [id, rating] : std::vector<std::pair<std::string, std::int32_t>>{
             {"a", 1000}, {"b", 1100}, {"c", 1190}, {"d", 1210}, {"e", 1300}, {"f", 1400}, {"g", 1401}, {"h", -1000}}) {
        REQUIRE(joinly::create_lobby(*store, {.lobby_id = id, .owner = "ada", .rating = rating}));
    }
    CHECK(found(*store, 1200) == Ids{"c", "d", "b", "e", "a", "f"});
    CHECK(found(*store, 1200, {.within = 100, .limit = 3}) == Ids{"c", "d", "b"});
    CHECK(found(*store, 1100, {.within = 0}) == Ids{"b"});
    CHECK(found(*store, 5000).empty());
    CHECK(found(*store, (std::numeric_limits<std::int32_t>::min)(), {.within = 4'000'000'000, .limit = 1}) == Ids{"h"});
    CHECK(found(*store, 1200, {.limit = 0}).empty());
}

JOINLY_EACH_POLICY("lobbies that nobody can join are not found as open, however many there are") {
    Fixture<TestType> store;
    std::vector<Lobby> lobbies;
    for (int i = 0; i < 80; ++i) {
        lobbies.push_back({.lobby_id = "full" + std::to_string(i), .players = {"ada"}, .max_players = 1, .rating = 1000 + i % 2});
    }
    lobbies.push_back({.lobby_id = "locked", .attributes = {{"locked", "true"}}, .rating = 1000});
    lobbies.push_back({.lobby_id = "started", .state = LobbyState::in_game, .rating = 1000});
    lobbies.push_back({.lobby_id = "open", .players = {"ada"}, .max_players = 2, .rating = 1000});
    REQUIRE(store->save_many(lobbies));
    CHECK(found(*store, 1000) == Ids{"open"});
    REQUIRE(joinly::join_lobby(*store, "open", "bob") == JoinOutcome::joined);
    CHECK(found(*store, 1000).empty());
    REQUIRE(joinly::leave_lobby(*store, "open", "ada") == LeaveOutcome::left);
    CHECK(found(*store, 1000) == Ids{"open"});
    REQUIRE(joinly::close_lobby(*store, "open"));
    CHECK(found(*store, 1000).empty());
}

/// A store that does something between its first query and the next.
template <class Store, class Meanwhile>
struct InterruptedFinds {
    template <class T>
    auto find(const joinly::Query<T>& query) {
        auto found = store.find(query);
        if (++finds == 1) meanwhile();
        return found;
    }
    Store& store;
    Meanwhile meanwhile;
    int finds = 0;
};
template <class Store, class Meanwhile>
InterruptedFinds(Store&, Meanwhile) -> InterruptedFinds<Store, Meanwhile>;

JOINLY_EACH_POLICY("a lobby whose rating moves during the search is found once") {
    Fixture<TestType> store;
    REQUIRE(joinly::create_lobby(*store, {.lobby_id = "north", .owner = "ada", .rating = 1000}));
    InterruptedFinds interrupted{
        *store, [&] { REQUIRE(store->template update<Lobby>("north", [](Lobby& lobby) { lobby.rating = 1100; })); }};
    CHECK(found(interrupted, 1000) == Ids{"north"});
}

JOINLY_EACH_POLICY("lobbies that are older than their indexes are listed once these were built") {
    Fixture<TestType> store;
    REQUIRE(store->save(OldLobby{.lobby_id = "north"}));
    CHECK(joinly::find_open_lobbies(*store, 0).error() == Errc::incompatible);
    CHECK(joinly::erase_lobbies_older_than(*store, 24h).error() == Errc::incompatible);
    REQUIRE(store->template rebuild_indexes<Lobby>());
    CHECK(found(*store, 0) == Ids{"north"});
    CHECK(joinly::erase_lobbies_older_than(*store, 24h) == 1U);
}

JOINLY_EACH_POLICY("lobbies that were created too long ago are erased, and no others") {
    Fixture<TestType> store;
    for (int i = 0; i < 70; ++i) REQUIRE(joinly::create_lobby(*store, {.lobby_id = "old" + std::to_string(i), .owner = "ada"}));
    store.traits.clock.advance(1ms);
    REQUIRE(joinly::create_lobby(*store, {.lobby_id = "new", .owner = "ada"}));
    store.traits.clock.advance(24h);
    CHECK(joinly::erase_lobbies_older_than(*store, 24h) == 70U);
    CHECK(*store->template ids<Lobby>() == Ids{"new"});
    CHECK(joinly::erase_lobbies_older_than(*store, 24h) == 0U);
    CHECK(joinly::erase_lobbies_older_than(*store, 24h, store.traits.clock.now() + 1ms) == 1U);
}

JOINLY_EACH_POLICY("no lobby is older than all time, and a negative age is refused") {
    Fixture<TestType> store;
    REQUIRE(store->save(Lobby{.lobby_id = "north"}));
    CHECK(joinly::erase_lobbies_older_than(*store, (std::chrono::hours::max)()) == 0U);
    CHECK(joinly::erase_lobbies_older_than(*store, -1s).error() == Errc::invalid_argument);
    CHECK(joinly::erase_lobbies_older_than(*store, 0s) == 1U);
}

JOINLY_EACH_POLICY("a closed store refuses every verb") {
    Fixture<TestType> store;
    make_lobby(*store, {"ada"});
    make_queue(store, {1000, 1000});
    const auto claim = *joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(store->close());
    CHECK(joinly::create_lobby(*store, {.lobby_id = "south"}).error() == Errc::closed);
    CHECK(joinly::join_lobby(*store, "north", "bob").error() == Errc::closed);
    CHECK(joinly::leave_lobby(*store, "north", "ada").error() == Errc::closed);
    CHECK(joinly::begin_countdown(*store, "north").error() == Errc::closed);
    CHECK(joinly::cancel_countdown(*store, "north").error() == Errc::closed);
    CHECK(joinly::start_lobby(*store, "north", "match_1").error() == Errc::closed);
    CHECK(joinly::close_lobby(*store, "north").error() == Errc::closed);
    CHECK(joinly::find_open_lobbies(*store, 1000).error() == Errc::closed);
    CHECK(joinly::erase_lobbies_older_than(*store, 1h).error() == Errc::closed);
    CHECK(joinly::enqueue(*store, "ranked", {.player_id = "bob"}).error() == Errc::closed);
    CHECK(joinly::cancel_ticket(*store, "ranked", "p0").error() == Errc::closed);
    CHECK(joinly::claim_group(*store, "ranked", "server-1").error() == Errc::closed);
    CHECK(joinly::confirm_claim(*store, claim).error() == Errc::closed);
    CHECK(joinly::release_claim(*store, claim).error() == Errc::closed);
    CHECK(joinly::settle_match(*store, "match_1", {}).error() == Errc::closed);
}

// --- queues

JOINLY_EACH_POLICY("players queue up in the order of their times") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1100});
    CHECK(waiting(*store) == Ids{"p0", "p1"});
    CHECK(stored<Queue>(*store, "ranked").tickets[1].enqueued_at == store.traits.clock.now() - 1s);

    REQUIRE(joinly::enqueue(*store, "ranked", {.player_id = "early", .enqueued_at = store.traits.clock.now() - 1min}));
    CHECK(waiting(*store) == Ids{"early", "p0", "p1"});
}

JOINLY_EACH_POLICY("a queue that was made to expire does, whoever comes and goes") {
    Fixture<TestType> store;
    REQUIRE(store->save(Queue{.queue_id = "ranked"}, {.ttl = 1h}));
    make_queue(store, {1000, 1000});
    REQUIRE(joinly::cancel_ticket(*store, "ranked", "p0"));
    store.traits.clock.advance(1h);
    CHECK(store->template exists<Queue>("ranked") == false);
}

JOINLY_EACH_POLICY("nobody queues twice") {
    Fixture<TestType> store;
    make_queue(store, {1000});
    CHECK(joinly::enqueue(*store, "ranked", {.player_id = "p0"}).error() == Errc::conflict);
    CHECK(joinly::enqueue(*store, "ranked", {.player_id = ""}).error() == Errc::invalid_argument);
    CHECK(joinly::enqueue(*store, "", {.player_id = "p1"}).error() == Errc::invalid_argument);
    CHECK(waiting(*store) == Ids{"p0"});
}

JOINLY_EACH_POLICY("a player who leaves the queue is in it no more") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    CHECK(joinly::cancel_ticket(*store, "ranked", "p0"));
    CHECK(joinly::cancel_ticket(*store, "ranked", "p0").error() == Errc::not_found);
    CHECK(joinly::cancel_ticket(*store, "casual", "p1").error() == Errc::not_found);
    CHECK(waiting(*store) == Ids{"p1"});
}

JOINLY_EACH_POLICY("the longest-waiting player is grouped with those who are nearest to him") {
    Fixture<TestType> store;
    make_queue(store, {1500, 1000, 1560, 1460, 1510});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1", {.players = 3});
    REQUIRE(claim);
    CHECK(joinly::players_of(*claim) == Ids{"p0", "p3", "p4"});
    CHECK(claim->claimer == "server-1");
    CHECK(claim->expires_at == store.traits.clock.now() + 30s);
    CHECK(waiting(*store).size() == 5);
}

JOINLY_EACH_POLICY("a player is grouped with others further off the longer he waits") {
    Fixture<TestType> store;
    REQUIRE(joinly::enqueue(*store, "ranked", {.player_id = "ada", .skill_rating = 1000}));
    REQUIRE(joinly::enqueue(*store, "ranked", {.player_id = "bob", .skill_rating = 1300}));
    const joinly::ClaimOptions options{.window = 100, .window_growth = 5, .widest_window = 300};
    store.traits.clock.advance(39s);
    CHECK(joinly::claim_group(*store, "ranked", "server-1", options).error() == Errc::not_found);
    store.traits.clock.advance(1s);
    CHECK(joinly::claim_group(*store, "ranked", "server-1", options));
}

JOINLY_EACH_POLICY("a player who has waited for as long as time goes is grouped as one who has waited long") {
    Fixture<TestType> store;
    REQUIRE(
        joinly::enqueue(*store, "ranked", {.player_id = "ada", .skill_rating = 1000, .enqueued_at = (joinly::Timestamp::min)()}));
    REQUIRE(
        joinly::enqueue(*store, "ranked", {.player_id = "bob", .skill_rating = 1900, .enqueued_at = (joinly::Timestamp::max)()}));
    const auto claim = joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(claim);
    CHECK(joinly::players_of(*claim) == Ids{"ada", "bob"});
}

JOINLY_EACH_POLICY("a claim of an empty group, or for no time, is refused") {
    Fixture<TestType> store;
    make_queue(store, {1000});
    CHECK(joinly::claim_group(*store, "ranked", "server-1", {.players = 0}).error() == Errc::invalid_argument);
    CHECK(joinly::claim_group(*store, "ranked", "server-1", {.players = 1, .ttl = 0s}).error() == Errc::invalid_argument);
    CHECK(joinly::claim_group(*store, "ranked", "server-1", {.players = 1, .ttl = 1000h}).error() == Errc::invalid_argument);
    CHECK(joinly::claim_group(*store, "casual", "server-1").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("claimed players are nobody else's until the claim's time is over, and then in their old places") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000, 1000});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1", {.ttl = 10s});
    REQUIRE(claim);
    CHECK(joinly::claim_group(*store, "ranked", "server-2").error() == Errc::not_found);
    CHECK(joinly::enqueue(*store, "ranked", {.player_id = "p0"}).error() == Errc::conflict);

    store.traits.clock.advance(10s);
    const auto next = joinly::claim_group(*store, "ranked", "server-2");
    REQUIRE(next);
    CHECK(joinly::players_of(*next) == Ids{"p0", "p1"});
    CHECK(joinly::confirm_claim(*store, *claim).error() == Errc::conflict);
    CHECK(joinly::release_claim(*store, *claim));
    CHECK(joinly::confirm_claim(*store, *next));
    CHECK(waiting(*store) == Ids{"p2"});
}

JOINLY_EACH_POLICY("a claim whose time is over is void even when nobody claimed after it") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1", {.ttl = 10s});
    REQUIRE(claim);
    store.traits.clock.advance(10s);
    CHECK(joinly::confirm_claim(*store, *claim, Match{.match_id = "match_1"}).error() == Errc::conflict);
    CHECK(waiting(*store).size() == 2);
    CHECK(store->template exists<Match>("match_1") == false);
}

JOINLY_EACH_POLICY("a released claim gives the players back at once") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(claim);
    CHECK(joinly::release_claim(*store, *claim));
    CHECK(joinly::confirm_claim(*store, *claim).error() == Errc::conflict);
    const auto again = joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(again);
    CHECK(joinly::players_of(*again) == joinly::players_of(*claim));
    CHECK(joinly::confirm_claim(*store, *claim).error() == Errc::conflict);
}

JOINLY_EACH_POLICY("a confirmed claim takes its players out of the queue, once, and makes their match with it") {
    Fixture<TestType> store;
    make_queue(store, {1000, 2000, 1000});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(claim);
    const Match match{.match_id = "match_1", .players = joinly::players_of(*claim)};
    CHECK(joinly::confirm_claim(*store, *claim, match));
    CHECK(waiting(*store) == Ids{"p1"});
    CHECK(stored<Match>(*store, "match_1").players == Ids{"p0", "p2"});
    CHECK(stored<Match>(*store, "match_1").started_at == store.traits.clock.now());
    CHECK(version_of<Match>(*store, "match_1") == version_of<Queue>(*store, "ranked"));
    CHECK(joinly::confirm_claim(*store, *claim).error() == Errc::conflict);
}

JOINLY_EACH_POLICY("a claim stays its holder's though a newer build has stored more about it") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000, 1000, 1000});
    const auto claim = *joinly::claim_group(*store, "ranked", "server-1");
    const auto other = *joinly::claim_group(*store, "ranked", "server-2");
    REQUIRE(store->template update<joinly::QueueClaims>("ranked", [](joinly::QueueClaims& all) {
        for (QueueClaim& each : all.claims) each.tickets.front().skill_rating = 1;  // what the holders' copies do not have
    }));
    CHECK(joinly::confirm_claim(*store, claim));
    REQUIRE(joinly::release_claim(*store, other));
    CHECK(waiting(*store) == players_of(other));
    CHECK(joinly::claim_group(*store, "ranked", "server-3"));
}

JOINLY_EACH_POLICY("a claim is not another's of the same number") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    auto claim = *joinly::claim_group(*store, "ranked", "server-1");
    claim.claimer = "server-2";
    CHECK(joinly::confirm_claim(*store, claim).error() == Errc::conflict);
    CHECK(joinly::release_claim(*store, claim));
    CHECK(joinly::claim_group(*store, "ranked", "server-3").error() == Errc::not_found);
}

JOINLY_EACH_POLICY("a claim whose match would replace another stays as it is") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    REQUIRE(store->save(Match{.match_id = "match_1"}));
    const auto claim = joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(claim);
    CHECK(joinly::confirm_claim(*store, *claim, Match{.match_id = "match_1"}).error() == Errc::conflict);
    CHECK(waiting(*store).size() == 2);
    CHECK(joinly::confirm_claim(*store, *claim, Match{.match_id = "match_2"}));
}

JOINLY_EACH_POLICY("a claim's players go to a lobby as if it had been created") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    const auto claim = *joinly::claim_group(*store, "ranked", "server-1");
    const auto to = [&](std::uint32_t seats, std::string owner) {
        return Lobby{.lobby_id = "north", .players = joinly::players_of(claim), .max_players = seats, .owner = std::move(owner)};
    };
    CHECK(joinly::confirm_claim(*store, claim, to(1, "p0")).error() == Errc::invalid_argument);
    CHECK(joinly::confirm_claim(*store, claim, to(8, "")).error() == Errc::invalid_argument);
    CHECK(waiting(*store).size() == 2);
    REQUIRE(joinly::confirm_claim(*store, claim, to(8, "host")));
    CHECK(waiting(*store).empty());
    CHECK(stored<Lobby>(*store, "north").players == Ids{"host", "p0", "p1"});
    CHECK(stored<Lobby>(*store, "north").created_at == store.traits.clock.now());
    CHECK(joinly::erase_lobbies_older_than(*store, 24h) == 0U);
}

JOINLY_EACH_POLICY("a claim ends with its queue") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    const auto claim = *joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(store->template erase<Queue>("ranked"));
    CHECK(joinly::confirm_claim(*store, claim, Match{.match_id = "match_1"}).error() == Errc::conflict);
    CHECK(store->template exists<Match>("match_1") == false);
}

JOINLY_EACH_POLICY("a claim ends when one of its players leaves the queue, and the others are free") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000, 1000});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1");
    REQUIRE(claim);
    REQUIRE(joinly::cancel_ticket(*store, "ranked", "p0"));
    CHECK(joinly::confirm_claim(*store, *claim).error() == Errc::conflict);
    const auto next = joinly::claim_group(*store, "ranked", "server-2");
    REQUIRE(next);
    CHECK(joinly::players_of(*next) == Ids{"p1", "p2"});
}

JOINLY_EACH_POLICY("servers that claim at once share no player, and leave none behind") {
    Fixture<TestType> store;
    make_queue(store, std::vector<std::int32_t>(48, 1000));
    std::mutex mutex;  // guards the two below
    Ids matched;
    Ids errors;
    at_once(4, [&](int thread) {
        const auto note = [&](const joinly::Error& error) {
            const std::lock_guard lock{mutex};
            errors.emplace_back(error.message());
        };
        for (int i = 0;; ++i) {
            const auto claim = joinly::claim_group(*store, "ranked", "server-" + std::to_string(thread), {.players = 4});
            if (!claim && claim.error() == Errc::not_found) return;
            if (!claim) return note(claim.error());
            const auto players = joinly::players_of(*claim);
            const auto match_id = "match_" + std::to_string(thread) + '_' + std::to_string(i);
            const auto confirmed = joinly::confirm_claim(*store, *claim, Match{.match_id = match_id, .players = players});
            if (!confirmed) return note(confirmed.error());
            const std::lock_guard lock{mutex};
            matched.insert(matched.end(), players.begin(), players.end());
        }
    });
    CHECK(errors.empty());
    CHECK(matched.size() == 48);
    CHECK(std::set<std::string>(matched.begin(), matched.end()).size() == 48);
    CHECK(waiting(*store).empty());
    CHECK(store->template count<Match>() == 12U);
}

// --- ratings

template <class Store>
void make_match(Store& store, const Ids& players) {
    for (const auto& id : players) REQUIRE(store.save(player(id, 1000)));
    REQUIRE(store.save(Match{.match_id = "match_1", .players = players}));
}

JOINLY_EACH_POLICY("a settled match has its result, and its players have their ratings, under one version") {
    Fixture<TestType> store;
    make_match(*store, {"ada", "bob"});
    CHECK(joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}}) == SettleOutcome::settled);
    const auto match = stored<Match>(*store, "match_1");
    CHECK(match.result == std::map<std::string, double>{{"ada", 1}, {"bob", 0}});
    CHECK(match.ended_at == store.traits.clock.now());
    CHECK(stored<Player>(*store, "ada").skill_rating == 1016);
    CHECK(stored<Player>(*store, "bob").skill_rating == 984);
    CHECK(version_of<Player>(*store, "ada") == version_of<Match>(*store, "match_1"));
    CHECK(version_of<Player>(*store, "bob") == version_of<Match>(*store, "match_1"));
}

JOINLY_EACH_POLICY("a match that is settled again stays as it was") {
    Fixture<TestType> store;
    make_match(*store, {"ada", "bob"});
    REQUIRE(joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}}) == SettleOutcome::settled);
    const auto match = stored<Match>(*store, "match_1");
    store.traits.clock.advance(1s);
    CHECK(joinly::settle_match(*store, "match_1", {{"ada", 0}, {"bob", 1}}) == SettleOutcome::already_settled);
    CHECK(stored<Match>(*store, "match_1") == match);
    CHECK(stored<Player>(*store, "ada").skill_rating == 1016);
}

JOINLY_EACH_POLICY("a match that many settle at once is settled once") {
    Fixture<TestType> store;
    make_match(*store, {"ada", "bob"});
    std::atomic<int> settled{0};
    std::atomic<int> late{0};
    at_once(8, [&](int) {
        const auto outcome = joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}});
        settled += outcome == SettleOutcome::settled;
        late += outcome == SettleOutcome::already_settled;
    });
    CHECK(settled == 1);
    CHECK(late == 7);
    CHECK(stored<Player>(*store, "ada").skill_rating == 1016);
    CHECK(stored<Player>(*store, "bob").skill_rating == 984);
}

JOINLY_EACH_POLICY("matches of one player that are settled at once all count") {
    Fixture<TestType> store;
    constexpr int matches = 8;
    REQUIRE(store->save(player("ada", 1000)));
    for (int i = 0; i < matches; ++i) {
        const auto other = "p" + std::to_string(i);
        REQUIRE(store->save(player(other, 1000)));
        REQUIRE(store->save(Match{.match_id = "match_" + std::to_string(i), .players = {"ada", other}}));
    }
    const auto one_more = [](std::vector<joinly::RatedPlayer>& players) -> joinly::Status {
        for (auto& each : players) each.rating += 1;
        return {};
    };
    std::atomic<int> settled{0};
    at_once(matches, [&](int i) {
        const auto outcome =
            joinly::settle_match(*store, "match_" + std::to_string(i), {{"ada", 1}, {"p" + std::to_string(i), 0}}, one_more);
        settled += outcome == SettleOutcome::settled;
    });
    CHECK(settled == matches);
    CHECK(stored<Player>(*store, "ada").skill_rating == 1000 + matches);
}

JOINLY_EACH_POLICY("a player without a record is played against, and gets no rating") {
    Fixture<TestType> store;
    make_match(*store, {"ada", "guest"});
    REQUIRE(store->template erase<Player>("guest"));
    CHECK(joinly::settle_match(*store, "match_1", {{"ada", 1}, {"guest", 0}}, {}, {.guest_rating = 1400}) ==
          SettleOutcome::settled);
    CHECK(stored<Player>(*store, "ada").skill_rating == 1029);
    CHECK(store->template exists<Player>("guest") == false);
}

JOINLY_EACH_POLICY("a result that does not fit the match changes nothing") {
    Fixture<TestType> store;
    make_match(*store, {"ada", "bob"});
    const auto refused = [&](const std::map<std::string, double>& result, const joinly::Elo& elo = {}) {
        return joinly::settle_match(*store, "match_1", result, elo).error() == Errc::invalid_argument;
    };
    CHECK(refused({{"ada", 1}}));
    CHECK(refused({{"ada", 1}, {"bob", 0}, {"eve", 2}}));
    CHECK(joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}, {"eve", 2}}).error().message() ==
          "the result names eve, who is not in match:match_1");
    CHECK(refused({{"ada", 1}, {"bob", std::nan("")}}));
    CHECK(refused({{"ada", 1}, {"bob", 0}}, {.teams = {{"ada"}}}));
    CHECK(joinly::settle_match(*store, "match_2", {{"ada", 1}, {"bob", 0}}).error() == Errc::not_found);
    const auto settled_by = [&](auto rule) { return joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}}, rule); };
    using Players = std::vector<joinly::RatedPlayer>;
    CHECK(settled_by([](Players& players) -> joinly::Status {
              players.back().rating = std::nan("");
              return {};
          }).error() == Errc::invalid_argument);
    CHECK(settled_by([](Players& players) -> joinly::Status {
              players.front().rating = 0;
              return joinly::failure(Errc::busy, "not now");
          }).error() == Errc::busy);
    REQUIRE(store->save(Match{.match_id = "match_3", .players = {"ada", "bob", "ada"}}));
    CHECK(joinly::settle_match(*store, "match_3", {{"ada", 1}, {"bob", 0}}).error() == Errc::invalid_argument);
    CHECK_FALSE(stored<Match>(*store, "match_1").ended_at);
    CHECK(stored<Player>(*store, "ada").skill_rating == 1000);
}

}  // namespace
