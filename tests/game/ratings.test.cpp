// Elo: what is expected, what a match changes, and for teams. settle_match is tested over every backend in tests/conformance/.
#include <joinly/game/ratings.hpp>
#include <tests/support/catch.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace {

using joinly::Elo;
using joinly::elo_expected;
using joinly::Errc;
using joinly::RatedPlayer;

bool is_near(double value, double expected) { return std::abs(value - expected) < 1e-6; }

std::vector<double> changes(std::vector<RatedPlayer> players, const Elo& elo = {}) {
    std::vector<double> by;
    for (const auto& player : players) by.push_back(-player.rating);
    REQUIRE(elo(players));
    for (std::size_t i = 0; i < players.size(); ++i) by[i] += players[i].rating;
    return by;
}

TEST_CASE("equals are expected to share the point, and 400 points are ten to one", "[elo]") {
    CHECK(is_near(elo_expected(1500, 1500), 0.5));
    CHECK(is_near(elo_expected(1900, 1500), 10.0 / 11.0));
    CHECK(is_near(elo_expected(1500, 1900), 1.0 / 11.0));
    CHECK(is_near(elo_expected(1613, 1477), 0.6863003));
}

TEST_CASE("two players exchange k times what was not expected", "[elo]") {
    const auto won = changes({{"ada", 1, 1500}, {"bob", 0, 1900}});
    CHECK(is_near(won[0], 32 * 10.0 / 11.0));
    CHECK(is_near(won[1], -32 * 10.0 / 11.0));
    const auto drawn = changes({{"ada", 7, 1500}, {"bob", 7, 1900}}, {.k = 10});
    CHECK(is_near(drawn[0], 10 * (0.5 - 1.0 / 11.0)));
    CHECK(is_near(drawn[0] + drawn[1], 0));
}

TEST_CASE("of many each plays against each, and none wins or loses more than k", "[elo]") {
    const auto by = changes({{"a", 40, 1000}, {"b", 30, 1000}, {"c", 20, 1000}, {"d", 10, 1000}});
    CHECK(is_near(by[0], 16));
    CHECK(is_near(by[1], 16.0 / 3));
    CHECK(is_near(by[2], -16.0 / 3));
    CHECK(is_near(by[3], -16));
    CHECK(changes({{"a", 1, 0}, {"b", 0, 5000}, {"c", 0, 5000}})[0] <= 32);
}

TEST_CASE("a team plays as its members' mean, and each of them gets what it gets", "[elo]") {
    const auto by = changes({{"a", 1, 1000}, {"x", 0, 1500}, {"b", 1, 2000}}, {.teams = {{"a", "b"}, {"x"}}});
    CHECK(is_near(by[0], 16));
    CHECK(is_near(by[2], 16));
    CHECK(is_near(by[1], -16));
}

TEST_CASE("a player alone in a match keeps his rating", "[elo]") {
    CHECK(changes({{"ada", 1, 1500}})[0] == 0);
    CHECK(changes({}).empty());
}

TEST_CASE("teams must have each player once", "[elo]") {
    std::vector<RatedPlayer> players{{"a", 1, 1000}, {"b", 0, 1000}};
    CHECK(Elo{.teams = {{"a"}}}(players).error() == Errc::invalid_argument);
    CHECK(Elo{.teams = {{"a"}, {"b", "a"}}}(players).error() == Errc::invalid_argument);
    CHECK(Elo{.teams = {{"a"}, {"b"}, {"eve"}}}(players).error() == Errc::invalid_argument);
    CHECK(players[0].rating == 1000);
}

TEST_CASE("a rating that no player can have becomes the nearest one that he can", "[elo]") {
    CHECK(joinly::detail::whole_rating(1016.5) == 1017);
    CHECK(joinly::detail::whole_rating(-0.4) == 0);
    CHECK(joinly::detail::whole_rating(1e300) == 2'147'483'647);
    CHECK(joinly::detail::whole_rating(-1e300) == -2'147'483'647);
}

}  // namespace
