// What one language writes, the other loads: entities of the C interface and of C++ in one database.

#include <tests/c/rig.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <joinly/c/joinly.h>
#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/store.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace game {

/// A player as a build has it that is newer than the C interface's, with another index.
struct IndexedPlayer {
    std::string player_id;
    std::string username;
    std::int32_t skill_rating = 0;
};
/// A kind that the C interface does not know: raw bytes to it.
struct Guild {
    std::string guild_id;
    std::string name;
};

}  // namespace game

template <>
struct joinly::Entity<game::IndexedPlayer> {
    static constexpr std::string_view kind = "player";
    static constexpr auto& id(auto& player) { return player.player_id; }
    static constexpr void fields(auto& player, auto&& field) {
        field(1, "player_id", player.player_id);
        field(2, "username", player.username, joinly::indexed);
        field(3, "skill_rating", player.skill_rating, joinly::indexed);
    }
};
template <>
struct joinly::Entity<game::Guild> {
    static constexpr std::string_view kind = "guild";
    static constexpr auto& id(auto& guild) { return guild.guild_id; }
    static constexpr void fields(auto& guild, auto&& field) {
        field(1, "guild_id", guild.guild_id);
        field(2, "name", guild.name, joinly::indexed);
    }
};

namespace joinly::test {
namespace {

template <class Codec_>
struct WithCodec : DefaultTraits {
    using Codec = Codec_;
};
using JsonTraits = WithCodec<Json>;

auto open_json(const std::string& path) { return open<SqliteBackend, NoCache, JsonTraits>({.path = path}).value(); }

TEST_CASE("what C has saved, C++ loads as typed entities, and finds by their fields", "[c]") {
    const TempDir dir;
    const auto policy = GENERATE("none", "write_through", "write_behind");
    {
        const CStore store = open_c("sqlite", dir / "a.db", policy);
        CHECK(set(store, "player:ada", R"({"username": "Ada", "skill_rating": 1200, "guild": "owls"})") == JOINLY_OK);
        CHECK(set(store, "player:bob", R"({"skill_rating": 900})") == JOINLY_OK);
        CHECK(set(store, "player:cid", R"({"skill_rating": 1300})") == JOINLY_OK);
        CHECK(set(store, "player:cid", R"({"skill_rating": 100})") == JOINLY_OK);
        CHECK(set(store, "player:dan", R"({"skill_rating": 1250})") == JOINLY_OK);
        CHECK(erase(store, "player:dan") == JOINLY_OK);
        CHECK(joinly_touch(store.get(), "player:bob", 10, 3'600'000, nullptr) == JOINLY_OK);
        CHECK(set(store, "lobby:1", R"({"state": "in_game", "players": ["ada"], "created_at": 1.5})") == JOINLY_OK);
        CHECK(joinly_close(store.get(), 10'000, nullptr) == JOINLY_OK);
    }
    auto store = open_json(dir / "a.db");
    CHECK((*store.load<Player>("ada"))->username == "Ada");
    const auto lobby = store.load<Lobby>("1");
    REQUIRE(lobby);
    CHECK((*lobby)->lobby_id == "1");
    CHECK((*lobby)->state == LobbyState::in_game);
    CHECK((*lobby)->created_at.time_since_epoch().count() == 1'500'000);
    const auto strong = store.find<Player>(where(&Player::skill_rating).at_least(900));
    REQUIRE(strong);
    REQUIRE(strong->items.size() == 2);
    CHECK(strong->items[0]->player_id == "bob");
    CHECK(store.verify_indexes<Player>());
    CHECK(store.verify_indexes<Lobby>());
}

TEST_CASE("what C++ has saved, C loads as JSON, and what C++ does not know survives it", "[c]") {
    const TempDir dir;
    {
        const CStore store = open_c("sqlite", dir / "a.db", "none");
        CHECK(set(store, "player:ada", R"({"guild": {"name": "owls"}, "skill_rating": 1})") == JOINLY_OK);
    }
    {
        auto store = open_json(dir / "a.db");
        CHECK(store.update<Player>("ada", [](Player& player) { player.skill_rating = 2; }));
        CHECK(store.save(Lobby{.lobby_id = "1", .players = {"ada"}}));
    }
    const CStore store = open_c("sqlite", dir / "a.db", "write_through");
    const std::string player = get(store, "player:ada");
    CHECK(player.find(R"("skill_rating":2)") != std::string::npos);
    CHECK(player.find(R"("guild":{"name": "owls"})") != std::string::npos);
    CHECK(get(store, "lobby:1").find(R"("players":["ada"])") != std::string::npos);
}

TEST_CASE("with the binary codec it is C++'s own default that C reads and writes", "[c]") {
    const TempDir dir;
    {
        auto store = open<SqliteBackend, NoCache>({.path = dir / "a.db"}).value();
        CHECK(store.save(Player{.player_id = "ada", .username = "Ada"}));
    }
    {
        const CStore store = open_c("sqlite", dir / "a.db", "write_through", {{"codec", "binary"}});
        CHECK(get(store, "player:ada").find(R"("username":"Ada")") != std::string::npos);
        CHECK(set(store, "player:bob", R"({"username": "Bob", "skill_rating": 5})") == JOINLY_OK);
    }
    auto store = open<SqliteBackend, NoCache>({.path = dir / "a.db"}).value();
    CHECK((*store.load<Player>("bob"))->username == "Bob");
    CHECK(store.verify_indexes<Player>());
}

TEST_CASE("what C has compressed C++ reads, and the other way round", "[c]") {
    const TempDir dir;
    const auto policy = GENERATE("none", "write_through");
    const std::string wordy(2'000, 'x');
    const std::string json = R"({"username": ")" + wordy + R"(", "skill_rating": 5})";
    const auto check_both_ways = [&]<class Traits>(const char* codec, Traits) {
        const std::string path = dir / codec;
        {
            auto store = open<SqliteBackend, NoCache, Traits>({.path = path}).value();
            CHECK(store.save(Player{.player_id = "ada", .username = wordy}));
        }
        {
            const CStore store = open_c("sqlite", path, policy, {{"codec", codec}});
            CHECK(get(store, "player:ada").find(wordy) != std::string::npos);
            CHECK(set(store, "player:bob", json) == JOINLY_OK);
            CHECK(set(store, "player:cid", "{}") == JOINLY_OK);
            CHECK(get(store, "player:bob").find(wordy) != std::string::npos);
        }
        auto store = open<SqliteBackend, NoCache, Traits>({.path = path}).value();
        CHECK((*store.template load<Player>("bob"))->username == wordy);
        CHECK(store.get("player:bob")->size() < 200);
        CHECK(store.get("player:cid")->front() != '\xff');
        CHECK(store.template verify_indexes<Player>());
    };
    check_both_ways("json+zstd", WithCodec<Zstd<Json>>{});
    check_both_ways("binary+zstd", WithCodec<Zstd<Binary>>{});

    const CStore plain = open_c("sqlite", dir / "json+zstd", "none");
    joinly_error error{};
    CHECK(joinly_load_player(plain.get(), "bob", 3, nullptr, 0, nullptr, &error) == -JOINLY_INCOMPATIBLE);
    CHECK(get(plain, "player:cid") == R"({"player_id":"cid"})");
    const CStore again = open_c("sqlite", dir / "plain", "none");
    CHECK(set(again, "player:ada", json) == JOINLY_OK);
    const CStore compressing = open_c("sqlite", dir / "plain", "none", {{"codec", "json+zstd"}});
    CHECK(get(compressing, "player:ada") == get(again, "player:ada"));
}

TEST_CASE("records of the other codec are corrupt, and the message says what they were read with", "[c]") {
    const TempDir dir;
    {
        const CStore store = open_c("sqlite", dir / "a.db", "none", {{"codec", "binary"}});
        CHECK(set(store, "player:ada", R"({"username": "Ada"})") == JOINLY_OK);
    }
    const CStore store = open_c("sqlite", dir / "a.db", "none");
    joinly_error error{};
    CHECK(joinly_load_player(store.get(), "ada", 3, nullptr, 0, nullptr, &error) == -JOINLY_CORRUPT);
    CHECK(std::string{error.message}.find("codec=json") != std::string::npos);
}

TEST_CASE("entities that C has saved are rows of SQL", "[c]") {
    const TempDir dir;
    {
        const CStore store = open_c("sqlite", dir / "a.db", "write_through", {{"sql_views", "true"}});
        CHECK(set(store, "player:ada", R"({"username": "Ada", "skill_rating": 1200})") == JOINLY_OK);
    }
    auto store = open_json(dir / "a.db");
    const auto rows = store.backend().query("SELECT username FROM player WHERE skill_rating > 1000");
    REQUIRE(rows);
    REQUIRE(rows->begin() != rows->end());
    CHECK(rows->begin()->get<std::string>("username") == "Ada");
}

TEST_CASE("an index that another program has built does not miss what C writes afterwards", "[c][index]") {
    using game::IndexedPlayer;
    const TempDir dir;
    const auto policy = GENERATE("none", "read_through", "write_through");
    const int written_by = GENERATE(range(0, 4));
    CAPTURE(policy, written_by);
    const CStore store = open_c("sqlite", dir / "a.db", policy);
    CHECK(set(store, "player:ada", R"({"username": "Ada"})") == JOINLY_OK);
    CHECK(set(store, "player:bob", R"({"username": "Bob"})") == JOINLY_OK);
    auto newer = open_json(dir / "a.db");
    REQUIRE(newer.rebuild_indexes<IndexedPlayer>());
    REQUIRE(newer.find_ids<IndexedPlayer>(where(&IndexedPlayer::username))->ids.size() == 2);
    if (written_by == 0) CHECK(set(store, "player:cid", R"({"username": "Cid"})") == JOINLY_OK);
    if (written_by == 1) CHECK(joinly_touch(store.get(), "player:bob", 10, 3'600'000, nullptr) == JOINLY_OK);
    if (written_by == 2) {
        auto transaction = begin(store);
        CHECK(set(transaction, "player:cid", R"({"username": "Cid"})") == JOINLY_OK);
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_CONFLICT);
        transaction = begin(store);
        CHECK(set(transaction, "player:cid", R"({"username": "Cid"})") == JOINLY_OK);
        CHECK(joinly_commit(transaction.get(), nullptr, nullptr) == JOINLY_OK);
    }
    if (written_by == 3) {
        CHECK(erase(store, "player:bob") == JOINLY_OK);  // takes what is in the indexes with it, whatever they are
        CHECK(newer.find_ids<IndexedPlayer>(where(&IndexedPlayer::username))->ids.size() == 1);
        return;
    }
    CHECK(newer.find_ids<IndexedPlayer>(where(&IndexedPlayer::username)).error() == Errc::incompatible);
    REQUIRE(newer.rebuild_indexes<IndexedPlayer>());
    CHECK(newer.find_ids<IndexedPlayer>(where(&IndexedPlayer::username))->ids == *newer.ids<IndexedPlayer>());
    CHECK(newer.verify_indexes<IndexedPlayer>());
}

TEST_CASE("C does not touch what an index would not find afterwards", "[c][index]") {
    const TempDir dir;
    auto store = open_json(dir / "a.db");
    const CStore c = open_c("sqlite", dir / "a.db", "none");
    REQUIRE(store.save(game::Guild{"owls", "Owls"}));
    CHECK(joinly_touch(c.get(), "guild:owls", 10, 3'600'000, nullptr) == JOINLY_INVALID_ARGUMENT);
    CHECK(store.verify_indexes<game::Guild>());
    CHECK(store.find_ids<game::Guild>(where(&game::Guild::name))->ids.size() == 1);
}

}  // namespace
}  // namespace joinly::test
