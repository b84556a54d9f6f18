#ifndef JOINLY_BENCHMARKS_SUPPORT_CODEC_SAMPLES_HPP
#define JOINLY_BENCHMARKS_SUPPORT_CODEC_SAMPLES_HPP
// What benchmarks/codec.cpp encodes: a player, a lobby of eight as the library has it, and a lobby with eight whole players in
// it, which is what a game sends about.

#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace joinly::bench {

struct Roster {
    std::string lobby_id = {};
    std::vector<Player> players = {};
    friend bool operator==(const Roster&, const Roster&) = default;
};

inline Timestamp at_second(int second) { return Timestamp{std::chrono::seconds{1'700'000'000 + second}}; }

/// 35 bytes in Binary.
inline Player sample_player(int number = 0) {
    return {.player_id = "player_" + std::to_string(456 + number),
            .username = "PlayerNr" + std::to_string(number),
            .skill_rating = 1200 + number,
            .created_at = at_second(number)};
}

inline Lobby sample_lobby() {
    Lobby lobby{.lobby_id = "lobby_123", .owner = "player_456", .created_at = at_second(0), .rating = 1350};
    for (int number = 0; number < 8; ++number) lobby.players.push_back("player_" + std::to_string(456 + number));
    lobby.attributes = {{"map", "dust"}, {"mode", "ranked"}};
    return lobby;
}

inline Roster sample_roster() {
    Roster roster{.lobby_id = "lobby_123"};
    for (int number = 0; number < 8; ++number) roster.players.push_back(sample_player(number));
    return roster;
}

}  // namespace joinly::bench

template <>
struct joinly::Entity<joinly::bench::Roster> {
    static constexpr std::string_view kind = "roster";
    static constexpr auto& id(auto& roster) { return roster.lobby_id; }
    static constexpr void fields(auto& roster, auto&& field) {
        field(1, "lobby_id", roster.lobby_id);
        field(2, "players", roster.players);
    }
};
#endif
