#ifndef JOINLY_ENTITY_MATCH_HPP
#define JOINLY_ENTITY_MATCH_HPP
// A match: a game that players of one lobby play, and how it ended.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct Match {
    std::string match_id = {};
    std::string lobby_id = {};
    std::vector<std::string> players = {};      ///< ids
    Timestamp started_at = {};                  ///< this and the next in JSON: Unix seconds
    std::optional<Timestamp> ended_at = {};     ///< empty while it is being played
    std::map<std::string, double> result = {};  ///< a player's id and score
    UnknownFields unknown_fields = {};          ///< what a newer build has stored besides

    friend bool operator==(const Match&, const Match&) = default;
};

template <>
struct Entity<Match> {
    static constexpr std::string_view kind = "match";
    static constexpr auto& id(auto& match) { return match.match_id; }
    static constexpr auto& unknown_fields(auto& match) { return match.unknown_fields; }
    static constexpr void fields(auto& match, auto&& field) {
        field(1, "match_id", match.match_id);
        field(2, "lobby_id", match.lobby_id);
        field(3, "players", match.players);
        field(4, "started_at", match.started_at);
        field(5, "ended_at", match.ended_at);
        field(6, "result", match.result);
    }
};

JOINLY_NAMESPACE_END
#endif
