// Descriptions: what the concepts see in them, and that a game's own types are first-class. What a wrong description is
// answered with is in tests/compile_fail/.

#include "tests/codec/samples.hpp"
#include "tests/support/catch.hpp"

#include <joinly/codec/binary.hpp>
#include <joinly/entity/entity.hpp>

#include <string>

using namespace joinly;
using namespace joinly::test;

static_assert(entity<Lobby> && entity<Player> && entity<Match> && entity<Queue>);
static_assert(described<QueueTicket> && !entity<QueueTicket>);  // it only stands in a queue
static_assert(!entity<int> && !described<std::string> && !entity<LobbyState>);
static_assert(described_enum<LobbyState> && !described_enum<game::Undescribed> && !described_enum<int>);
static_assert(wire_convertible<game::Uuid> && !wire_convertible<Lobby>);

static_assert(detail::explain_entity<Lobby>() && detail::explain_entity<Player>());
static_assert(detail::explain_entity<Match>() && detail::explain_entity<Queue>());
static_assert(detail::explain_fields<game::Tree>() && detail::explain_fields<game::Everything>());
static_assert(kind_of<Lobby> == "lobby" && kind_of<Player> == "player" && kind_of<Match> == "match" && kind_of<Queue> == "queue");

namespace {

/// A description of the plainest kind, whose functions are not constexpr and take explicit types.
struct Plain {
    std::string name;
    int score = 0;
};

}  // namespace

template <>
struct joinly::Entity<Plain> {
    static constexpr const char* kind = "plain";
    static const std::string& id(const Plain& plain) { return plain.name; }
    template <class Object, class Field>
    static void fields(Object& plain, Field&& field) {
        field(1U, "name", plain.name);
        field(2L, "score", plain.score);
    }
};

TEST_CASE("the key of an object is its kind and its id", "[entity]") {
    CHECK(key_of(Lobby{.lobby_id = "lobby_123"}) == "lobby:lobby_123");
    CHECK(key_of(Player{.player_id = "a:b"}) == "player:a:b");
    CHECK(key_of(Match{.match_id = "1"}) == "match:1");
    CHECK(key_of(Queue{.queue_id = "q"}) == "queue:q");
    CHECK(key_of(Lobby{}).error() == Errc::invalid_argument);
    CHECK(key_of(Lobby{.lobby_id = std::string(1025, 'x')}).error() == Errc::invalid_argument);
}

TEST_CASE("a lobby's defaults are an open lobby for eight", "[entity]") {
    const Lobby lobby;
    CHECK(lobby.state == LobbyState::waiting);
    CHECK(lobby.max_players == 8);
    CHECK(lobby.players.empty());
}

TEST_CASE("a game's own entity, with nested structs, enums and a type of its own, is first-class", "[entity]") {
    static_assert(entity<game::Hero> && detail::explain_entity<game::Hero>());
    const game::Hero hero{.hero_id = {{0xab, 0x01}},
                          .mode = game::Mode::ranked,
                          .loadout = {.weapon = "axe", .ammunition = 0, .perks = {7}},
                          .spare = game::Loadout{},
                          .stash = {{}, {.weapon = ""}},
                          .lent = {{game::Uuid{{1, 2}}, {.weapon = "net"}}},
                          .name = "ada"};
    CHECK(key_of(hero) == "hero:ada");

    std::string bytes;
    REQUIRE(Binary::encode(hero, bytes));
    game::Hero back;
    REQUIRE(Binary::decode(bytes, back));
    CHECK(back == hero);
}

TEST_CASE("a description that cannot be walked at compile time works all the same", "[entity]") {
    static_assert(entity<Plain> && detail::explain_entity<Plain>());
    std::string bytes;
    REQUIRE(Binary::encode(Plain{"ada", 5}, bytes));
    Plain back;
    REQUIRE(Binary::decode(bytes, back));
    CHECK(back.name == "ada");
    CHECK(back.score == 5);
}
