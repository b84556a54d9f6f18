#ifndef JOINLY_ENTITY_LOBBY_HPP
#define JOINLY_ENTITY_LOBBY_HPP
// A lobby: where players gather before a match.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

enum class LobbyState : std::uint8_t { waiting, starting, in_game, closed };

struct Lobby {
    std::string lobby_id = {};
    LobbyState state = LobbyState::waiting;
    std::vector<std::string> players = {};  ///< ids, in the order they joined
    std::uint32_t max_players = 8;
    std::string owner = {};                              ///< a player's id; empty: nobody's
    Timestamp created_at = {};                           ///< in JSON: Unix seconds
    std::map<std::string, std::string> attributes = {};  ///< what a game adds of its own: map, mode, region
    std::int32_t rating = 0;                             ///< the strength that it is meant for, by which players find it
    UnknownFields unknown_fields = {};                   ///< what a newer build has stored besides

    friend bool operator==(const Lobby&, const Lobby&) = default;
};

template <>
struct Entity<LobbyState> {
    static constexpr void values(auto&& value) {
        value(LobbyState::waiting, "waiting");
        value(LobbyState::starting, "starting");
        value(LobbyState::in_game, "in_game");
        value(LobbyState::closed, "closed");
    }
};

template <>
struct Entity<Lobby> {
    static constexpr std::string_view kind = "lobby";
    static constexpr auto& id(auto& lobby) { return lobby.lobby_id; }
    static constexpr auto& unknown_fields(auto& lobby) { return lobby.unknown_fields; }
    static constexpr void fields(auto& lobby, auto&& field) {
        field(1, "lobby_id", lobby.lobby_id);
        field(2, "state", lobby.state);
        field(3, "players", lobby.players);
        field(4, "max_players", lobby.max_players);
        field(5, "owner", lobby.owner);
        field(6, "created_at", lobby.created_at, indexed);
        field(7, "attributes", lobby.attributes);
        field(8, "rating", lobby.rating);
    }
    static constexpr void indexes(auto& lobby, auto&& index) { index(1000, "state_rating", lobby.state, lobby.rating); }
};

JOINLY_NAMESPACE_END
#endif
