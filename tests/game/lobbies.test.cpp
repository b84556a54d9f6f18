// What the verbs of a lobby ask of a backend: what they do is in tests/conformance/game_suite.hpp.
#include <joinly/game/lobbies.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/failing_backend.hpp>

#include <memory>

namespace {

using joinly::Errc;
using joinly::JoinOutcome;
using joinly::Lobby;
using joinly::test::FailingBackend;

TEST_CASE("a refusal by a lobby in the cache asks no backend that nobody else writes to", "[game]") {
    const auto control = std::make_shared<FailingBackend::Control>();
    auto store = *joinly::open<FailingBackend, joinly::WriteThrough>({.control = control});
    REQUIRE(joinly::create_lobby(store, {.lobby_id = "north", .players = {"ada"}, .max_players = 1, .owner = "ada"}));
    control->refuse_reads = Errc::io;
    control->refuse_writes = Errc::io;
    CHECK(joinly::join_lobby(store, "north", "bob") == JoinOutcome::full);
    CHECK(store.load<Lobby>("north"));
    CHECK(joinly::join_lobby(store, "south", "bob").error() == Errc::io);
}

}  // namespace
