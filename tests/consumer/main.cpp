// A game that keeps the same lobby in every engine.
#include <joinly/backend/leveldb.hpp>
#include <joinly/backend/memory.hpp>
#include <joinly/backend/sqlite.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/codec/zstd.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <cstdio>
#include <string>

namespace {

struct JsonTraits : joinly::DefaultTraits {
    using Codec = joinly::Json;
};

struct SmallTraits : joinly::DefaultTraits {
    using Codec = joinly::Zstd<joinly::Binary>;
};

template <class Backend, class Policy, class Traits = joinly::DefaultTraits>
bool keeps_a_lobby(const char* engine, const typename Backend::Options& options) {
    auto store = joinly::open<Backend, Policy, Traits>(options);
    if (!store) return std::fprintf(stderr, "%s: %s\n", engine, std::string{store.error().message()}.c_str()), false;
    if (!store->save(joinly::Lobby{.lobby_id = "lobby_123", .players = {"player_456"}})) return false;
    const auto lobby = store->template load<joinly::Lobby>("lobby_123");
    if (!lobby || (*lobby)->players.size() != 1 || !store->close()) return false;
    std::printf("kept in %s\n", engine);
    return true;
}

}  // namespace

int main() {
    using namespace joinly;
    const bool kept = keeps_a_lobby<SqliteBackend, WriteBehind, SmallTraits>("SQLite", {.path = "game.db"}) &&
                      keeps_a_lobby<LevelDbBackend, WriteThrough, JsonTraits>("LevelDB", {.path = "game.leveldb"}) &&
                      keeps_a_lobby<MemoryBackend, NoCache>("memory", {});
    return kept ? 0 : 1;
}
