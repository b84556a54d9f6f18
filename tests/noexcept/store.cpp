// The store over memory, with its codec and each policy, without exceptions and RTTI.
#include <joinly/joinly.hpp>

#include <string>
#include <string_view>

#include "expect.hpp"

using namespace joinly;

namespace {

template <class Policy>
void keeps_lobbies() {
    auto store = joinly::open<MemoryBackend, Policy>({});
    EXPECT(store.has_value());
    EXPECT(store->template load<Lobby>("lobby_1").error() == Errc::not_found);

    const auto version = store->save(Lobby{.lobby_id = "lobby_1", .owner = "player_1"});
    EXPECT(version.has_value());
    EXPECT(store->save(Lobby{.lobby_id = "lobby_1"}, {.expect = absent}).error() == Errc::conflict);
    EXPECT(store->template update<Lobby>("lobby_1", [](Lobby& lobby) { lobby.players.push_back("player_2"); }).has_value());
    EXPECT(store->save(Lobby{}).error() == Errc::invalid_argument);

    const auto lobby = store->template load<Lobby>("lobby_1");
    EXPECT(lobby && (*lobby)->players.size() == 1 && lobby->version() > *version);
    EXPECT(store->put("note", "\xff bytes").has_value());
    EXPECT(store->flush().has_value());

    // What the codec cannot decode is an error, and nothing else.
    EXPECT(store->put("match:damaged", "\x80").has_value());
    EXPECT(store->flush().has_value());
    EXPECT(store->template load<Match>("damaged").error() == Errc::corrupt);

    EXPECT(store->close().has_value());
    EXPECT(store->template load<Lobby>("lobby_1").error() == Errc::closed);
}

}  // namespace

int main() {
    keeps_lobbies<NoCache>();
    keeps_lobbies<ReadThrough>();
    keeps_lobbies<WriteThrough>();
    keeps_lobbies<WriteBehind>();
    EXPECT(proto_schema<Lobby>().find("message Lobby") != std::string::npos);
}
