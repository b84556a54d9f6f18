// A game that has the headers and tl::expected, and nothing else.
#include <joinly/backend/memory.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/store.hpp>

#include <cstdio>

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteThrough>({});
    if (!store || !store->save(joinly::Lobby{.lobby_id = "lobby_123", .owner = "player_456"})) return 1;
    const auto lobby = store->load<joinly::Lobby>("lobby_123");
    if (!lobby || (*lobby)->owner != "player_456") return 1;
    std::puts("kept in memory");
}
