// What the verbs of a game promise besides over a durable backend, under every policy. Included after game_suite.hpp.

#include <tests/support/catch.hpp>

namespace {

JOINLY_EACH_POLICY("players whose claimer died are free when its time is over, also after a restart") {
    Fixture<TestType> store;
    make_queue(store, {1000, 1000});
    const auto claim = joinly::claim_group(*store, "ranked", "server-1", {.ttl = 10s});
    REQUIRE(claim);
    store.reopen();
    CHECK(joinly::claim_group(*store, "ranked", "server-2").error() == Errc::not_found);
    store.traits.clock.advance(10s);
    const auto next = joinly::claim_group(*store, "ranked", "server-2");
    REQUIRE(next);
    CHECK(joinly::players_of(*next) == Ids{"p0", "p1"});
    CHECK(next->number > claim->number);
}

JOINLY_EACH_POLICY("a match that was settled before a restart is not settled after it") {
    Fixture<TestType> store;
    make_match(*store, {"ada", "bob"});
    REQUIRE(joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}}) == SettleOutcome::settled);
    store.reopen();
    CHECK(joinly::settle_match(*store, "match_1", {{"ada", 1}, {"bob", 0}}) == SettleOutcome::already_settled);
    CHECK(stored<Player>(*store, "ada").skill_rating == 1016);
}

}  // namespace
