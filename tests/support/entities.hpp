#ifndef JOINLY_TESTS_SUPPORT_ENTITIES_HPP
#define JOINLY_TESTS_SUPPORT_ENTITIES_HPP
// Short ways to write the entities that tests are about.

#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace joinly::test {

inline Player player(std::string id, std::int32_t skill_rating = 1000) {
    Player player;
    player.username = "name of " + id;
    player.player_id = std::move(id);
    player.skill_rating = skill_rating;
    return player;
}

/// A player without an index, for tests that count what the store writes.
struct Account {
    std::string player_id = {};
    std::string username = {};
    std::int32_t skill_rating = 0;

    friend bool operator==(const Account&, const Account&) = default;
};

inline Account account(std::string id, std::int32_t skill_rating = 1000) { return {id, "name of " + id, skill_rating}; }

inline Lobby lobby(std::string id) {
    Lobby lobby;
    lobby.lobby_id = std::move(id);
    return lobby;
}

}  // namespace joinly::test

template <>
struct joinly::Entity<joinly::test::Account> {
    static constexpr std::string_view kind = "player";
    static constexpr auto& id(auto& account) { return account.player_id; }
    static constexpr void fields(auto& account, auto&& field) {
        field(1, "player_id", account.player_id);
        field(2, "username", account.username);
        field(3, "skill_rating", account.skill_rating);
    }
};
#endif
