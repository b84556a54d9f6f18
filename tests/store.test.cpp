#include <joinly/backend/sqlite.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/fwd.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/temp_dir.hpp>

#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using joinly::Errc;
using joinly::Lobby;
using joinly::test::TempDir;

/// Works in a directory of its own, for code that names its files without one.
class WorkingDirectory {
public:
    explicit WorkingDirectory(const std::string& path) { std::filesystem::current_path(path); }
    WorkingDirectory(const WorkingDirectory&) = delete;
    WorkingDirectory& operator=(const WorkingDirectory&) = delete;
    ~WorkingDirectory() { std::filesystem::current_path(before_); }

private:
    std::filesystem::path before_ = std::filesystem::current_path();
};

int fail(const joinly::Error&) { return -1; }

/// The first snippet of the design, as it stands there: it leaves the results of two calls unseen.
// clang-format off
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-result"
int run_snippet(std::vector<std::string>& used) {
    const auto use = [&](const std::vector<std::string>& players) { used = players; };

    auto store = joinly::open<joinly::SqliteBackend, joinly::WriteBehind>({.path = "joinly.db"});
    if (!store) return fail(store.error());

    store->save(joinly::Lobby{.lobby_id = "lobby_123", .state = joinly::LobbyState::waiting});
    store->update<joinly::Lobby>("lobby_123", [](joinly::Lobby& lobby) { lobby.players.push_back("player_456"); });

    if (auto lobby = store->load<joinly::Lobby>("lobby_123")) use((*lobby)->players);   // a shared, immutable object
    else if (lobby.error() == joinly::Errc::not_found) { /* no such lobby */ }
    return 0;
}
#pragma GCC diagnostic pop
// clang-format on

TEST_CASE("the design's first snippet compiles as written and does what it says", "[store]") {
    const TempDir dir;
    const WorkingDirectory inside{dir.path()};
    std::vector<std::string> used;
    REQUIRE(run_snippet(used) == 0);
    CHECK(used == std::vector<std::string>{"player_456"});

    auto reopened = joinly::open<joinly::SqliteBackend, joinly::NoCache>({.path = "joinly.db"});
    REQUIRE(reopened);
    CHECK((*reopened->load<Lobby>("lobby_123"))->players == used);
}

TEST_CASE("a store is SQLite under write-through unless it says otherwise", "[store]") {
    STATIC_REQUIRE(
        std::is_same_v<joinly::Store<>, joinly::Store<joinly::SqliteBackend, joinly::WriteThrough, joinly::DefaultTraits>>);
    const TempDir dir;
    auto store = joinly::open({.path = dir / "joinly.db"});
    REQUIRE(store);
    STATIC_REQUIRE(std::is_same_v<std::remove_cvref_t<decltype(*store)>, joinly::Store<>>);
}

TEST_CASE("a store whose backend does not open says why, and leaves nothing behind", "[store]") {
    const TempDir dir;
    const auto store = joinly::open<joinly::SqliteBackend, joinly::WriteBehind>({.path = dir / "missing/joinly.db"});
    REQUIRE(!store);
    CHECK(store.error() == Errc::io);
    CHECK(std::filesystem::is_empty(dir.path()));
}

}  // namespace
