#ifndef JOINLY_BENCHMARKS_SUPPORT_NLOHMANN_CODEC_HPP
#define JOINLY_BENCHMARKS_SUPPORT_NLOHMANN_CODEC_HPP
// What benchmarks/codec.cpp encodes, by nlohmann-json as its documentation uses it: to and from a tree of values.

#include <benchmarks/support/codec_samples.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace joinly::bench::direct {

using nlohmann::json;

inline double seconds(Timestamp time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }
inline Timestamp time_of(const json& value) {
    return std::chrono::time_point_cast<Timestamp::duration>(
        std::chrono::sys_time<std::chrono::duration<double>>{std::chrono::duration<double>{value.get<double>()}});
}

inline json to_tree(const Player& player) {
    return {{"player_id", player.player_id},
            {"username", player.username},
            {"skill_rating", player.skill_rating},
            {"created_at", seconds(player.created_at)},
            {"attributes", player.attributes}};
}
inline void from_tree(const json& tree, Player& player) {
    tree.at("player_id").get_to(player.player_id);
    tree.at("username").get_to(player.username);
    tree.at("skill_rating").get_to(player.skill_rating);
    player.created_at = time_of(tree.at("created_at"));
    tree.at("attributes").get_to(player.attributes);
}

inline json to_tree(const Lobby& lobby) {
    return {{"lobby_id", lobby.lobby_id},     {"state", lobby.state == LobbyState::waiting ? "waiting" : "in_game"},
            {"players", lobby.players},       {"max_players", lobby.max_players},
            {"owner", lobby.owner},           {"created_at", seconds(lobby.created_at)},
            {"attributes", lobby.attributes}, {"rating", lobby.rating}};
}
inline void from_tree(const json& tree, Lobby& lobby) {
    tree.at("lobby_id").get_to(lobby.lobby_id);
    lobby.state = tree.at("state").get_ref<const std::string&>() == "waiting" ? LobbyState::waiting : LobbyState::in_game;
    tree.at("players").get_to(lobby.players);
    tree.at("max_players").get_to(lobby.max_players);
    tree.at("owner").get_to(lobby.owner);
    lobby.created_at = time_of(tree.at("created_at"));
    tree.at("attributes").get_to(lobby.attributes);
    tree.at("rating").get_to(lobby.rating);
}

inline json to_tree(const Roster& roster) {
    json players = json::array();
    for (const auto& player : roster.players) players.push_back(to_tree(player));
    return {{"lobby_id", roster.lobby_id}, {"players", std::move(players)}};
}
inline void from_tree(const json& tree, Roster& roster) {
    tree.at("lobby_id").get_to(roster.lobby_id);
    for (const auto& player : tree.at("players")) from_tree(player, roster.players.emplace_back());
}

template <class T>
void encode(const T& object, std::string& out) {
    out.append(to_tree(object).dump());
}
template <class T>
void decode(std::string_view text, T& object) {
    from_tree(json::parse(text), object);
}

}  // namespace joinly::bench::direct
#endif
