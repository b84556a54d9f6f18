#ifndef JOINLY_TESTS_SUPPORT_ENTITIES_HPP
#define JOINLY_TESTS_SUPPORT_ENTITIES_HPP
// Short ways to write the entities that tests are about.

#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace joinly::test {

inline Player player(std::string id, std::int32_t skill_rating = 1000) {
    Player player;
    player.username = "name of " + id;
    player.player_id = std::move(id);
    player.skill_rating = skill_rating;
    return player;
}

inline Lobby lobby(std::string id) {
    Lobby lobby;
    lobby.lobby_id = std::move(id);
    return lobby;
}

}  // namespace joinly::test
#endif
