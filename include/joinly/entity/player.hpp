#ifndef JOINLY_ENTITY_PLAYER_HPP
#define JOINLY_ENTITY_PLAYER_HPP
// A player's account: what outlives every lobby and match.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

struct Player {
    std::string player_id = {};
    std::string username = {};
    std::int32_t skill_rating = 0;
    Timestamp created_at = {};                           ///< in JSON: Unix seconds
    std::map<std::string, std::string> attributes = {};  ///< what a game adds of its own: level, region, clan
    UnknownFields unknown_fields = {};                   ///< what a newer build has stored besides

    friend bool operator==(const Player&, const Player&) = default;
};

template <>
struct Entity<Player> {
    static constexpr std::string_view kind = "player";
    static constexpr auto& id(auto& player) { return player.player_id; }
    static constexpr auto& unknown_fields(auto& player) { return player.unknown_fields; }
    static constexpr void fields(auto& player, auto&& field) {
        field(1, "player_id", player.player_id);
        field(2, "username", player.username);
        field(3, "skill_rating", player.skill_rating, indexed);
        field(4, "created_at", player.created_at);
        field(5, "attributes", player.attributes);
    }
};

JOINLY_NAMESPACE_END
#endif
