#ifndef JOINLY_BENCHMARKS_SUPPORT_MSGPACK_CODEC_HPP
#define JOINLY_BENCHMARKS_SUPPORT_MSGPACK_CODEC_HPP
// What benchmarks/codec.cpp encodes, by msgpack-cxx: each struct an array of its fields.

#include <benchmarks/support/codec_samples.hpp>

#define MSGPACK_NO_BOOST
#include <msgpack.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace joinly::bench {

struct Msgpack {
    struct StringSink {
        std::string& out;
        void write(const char* data, std::size_t size) { out.append(data, size); }
    };

    template <class T>
    static void encode(const T& object, std::string& out) {
        StringSink sink{out};
        msgpack::packer<StringSink> packer{sink};
        pack(packer, object);
    }
    template <class T>
    static void decode(std::string_view bytes, T& object) {
        const msgpack::object_handle handle = msgpack::unpack(bytes.data(), bytes.size());
        take(handle.get(), object);
    }

private:
    static std::int64_t count(Timestamp time) { return time.time_since_epoch().count(); }
    static const msgpack::object& at(const msgpack::object& array, std::uint32_t index, std::uint32_t size) {
        if (array.type != msgpack::type::ARRAY || array.via.array.size != size) throw msgpack::type_error{};
        return array.via.array.ptr[index];
    }

    template <class Packer, class... Fields>
    static void pack_all(Packer& packer, const Fields&... fields) {
        packer.pack_array(sizeof...(fields));
        (packer.pack(fields), ...);
    }
    template <class... Fields>
    static void take_all(const msgpack::object& array, Fields&... fields) {
        std::uint32_t index = 0;
        (at(array, index++, sizeof...(fields)).convert(fields), ...);
    }

    static void pack(auto& packer, const Player& player) {
        pack_all(packer, player.player_id, player.username, player.skill_rating, count(player.created_at), player.attributes);
    }
    static void take(const msgpack::object& from, Player& player) {
        std::int64_t created_at = 0;
        take_all(from, player.player_id, player.username, player.skill_rating, created_at, player.attributes);
        player.created_at = Timestamp{Timestamp::duration{created_at}};
    }
    static void pack(auto& packer, const Lobby& lobby) {
        pack_all(packer, lobby.lobby_id, static_cast<int>(lobby.state), lobby.players, lobby.max_players, lobby.owner,
                 count(lobby.created_at), lobby.attributes, lobby.rating);
    }
    static void take(const msgpack::object& from, Lobby& lobby) {
        int state = 0;
        std::int64_t created_at = 0;
        take_all(from, lobby.lobby_id, state, lobby.players, lobby.max_players, lobby.owner, created_at, lobby.attributes,
                 lobby.rating);
        lobby.state = static_cast<LobbyState>(state);
        lobby.created_at = Timestamp{Timestamp::duration{created_at}};
    }
    static void pack(auto& packer, const Roster& roster) {
        packer.pack_array(2);
        packer.pack(roster.lobby_id);
        packer.pack_array(static_cast<std::uint32_t>(roster.players.size()));
        for (const auto& player : roster.players) pack(packer, player);
    }
    static void take(const msgpack::object& from, Roster& roster) {
        at(from, 0, 2).convert(roster.lobby_id);
        const msgpack::object& players = at(from, 1, 2);
        if (players.type != msgpack::type::ARRAY) throw msgpack::type_error{};
        roster.players.resize(players.via.array.size);
        for (std::uint32_t i = 0; i < players.via.array.size; ++i) take(players.via.array.ptr[i], roster.players[i]);
    }
};

}  // namespace joinly::bench
#endif
