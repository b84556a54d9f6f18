#ifndef JOINLY_BENCHMARKS_SUPPORT_CEREAL_CODEC_HPP
#define JOINLY_BENCHMARKS_SUPPORT_CEREAL_CODEC_HPP
// What benchmarks/codec.cpp encodes, by cereal's binary archive, which goes through a stream.

#include <benchmarks/support/codec_samples.hpp>

#include <cereal/archives/binary.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <sstream>
#include <string>
#include <string_view>

namespace joinly {

template <class Archive>
void serialize(Archive& archive, Player& player) {
    auto created_at = player.created_at.time_since_epoch().count();
    archive(player.player_id, player.username, player.skill_rating, created_at, player.attributes);
    player.created_at = Timestamp{Timestamp::duration{created_at}};
}
template <class Archive>
void serialize(Archive& archive, Lobby& lobby) {
    auto created_at = lobby.created_at.time_since_epoch().count();
    archive(lobby.lobby_id, lobby.state, lobby.players, lobby.max_players, lobby.owner, created_at, lobby.attributes, lobby.rating);
    lobby.created_at = Timestamp{Timestamp::duration{created_at}};
}

namespace bench {

template <class Archive>
void serialize(Archive& archive, Roster& roster) {
    archive(roster.lobby_id, roster.players);
}

struct Cereal {
    template <class T>
    static void encode(const T& object, std::string& out) {
        std::ostringstream stream;
        cereal::BinaryOutputArchive{stream}(object);
        out.append(stream.view());
    }
    template <class T>
    static void decode(std::string_view bytes, T& object) {
        std::istringstream stream{std::string{bytes}};
        cereal::BinaryInputArchive{stream}(object);
    }
};

}  // namespace bench
}  // namespace joinly
#endif
