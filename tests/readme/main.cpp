// The program of the projects in README.md's CMake snippets.
#include <joinly/backend/sqlite.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::SqliteBackend, joinly::WriteThrough>({.path = "game.db"});
    return store && store->save(joinly::Lobby{.lobby_id = "lobby_123"}) && store->close() ? 0 : 1;
}
