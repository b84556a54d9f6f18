#ifndef JOINLY_DETAIL_GAME_COMPLETE_LOBBY_HPP
#define JOINLY_DETAIL_GAME_COMPLETE_LOBBY_HPP
// What a lobby must be before it is stored first, whoever makes it.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Whether these players could have come to sit there by joining it, one after the other.
[[nodiscard]] inline Status check_seats(const Lobby& lobby) {
    const std::string name = "lobby:" + printable(lobby.lobby_id);
    if (lobby.players.size() > lobby.max_players) {
        return failure(Errc::invalid_argument, name + " has " + std::to_string(lobby.players.size()) + " players and " +
                                                   std::to_string(lobby.max_players) + " seats");
    }
    if (lobby.owner.empty() && !lobby.players.empty()) return failure(Errc::invalid_argument, name + " has players and no owner");
    for (const std::string& player_id : lobby.players) {
        if (auto valid = validate_id(kind_of<Player>, player_id); !valid)
            return failure(Errc::invalid_argument, name + ": " + std::string{valid.error().message()});
    }
    std::vector<std::string_view> seated{lobby.players.begin(), lobby.players.end()};
    std::sort(seated.begin(), seated.end());
    const auto twice = std::adjacent_find(seated.begin(), seated.end());
    if (twice == seated.end()) return {};
    return failure(Errc::invalid_argument, name + " has " + printable(*twice) + " in two seats");
}

/// Seats the owner and gives the lobby its time, where whoever made it did not. `invalid_argument`: see check_seats.
[[nodiscard]] inline Status complete_lobby(Lobby& lobby, WallTime now) {
    std::vector<std::string>& players = lobby.players;
    const bool lacks_owner = std::find(players.begin(), players.end(), lobby.owner) == players.end();
    if (!lobby.owner.empty() && lacks_owner) players.insert(players.begin(), lobby.owner);
    if (lobby.created_at == Timestamp{}) lobby.created_at = now;
    return check_seats(lobby);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
