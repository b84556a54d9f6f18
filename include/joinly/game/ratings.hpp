#ifndef JOINLY_GAME_RATINGS_HPP
#define JOINLY_GAME_RATINGS_HPP
// What a match does to its players' ratings: settle_match writes the result and every new rating together, once. Elo is the
// rule that comes along; any function of the same form is another.
//
//     auto settled = joinly::settle_match(store, "match_7", {{"ada", 1}, {"bob", 0}}, joinly::Elo{.k = 24});
//
// Any thread.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// One player of a match that is over: what a rating rule goes by, and changes `rating` of.
struct RatedPlayer {
    std::string player_id = {};
    double score = 0;   ///< the more the better; only greater, equal or less counts for Elo
    double rating = 0;  ///< settle_match rounds it to a whole number
};

/// The share of a win that a player is expected to get from an opponent, between 0 and 1: ten to one for each 400 points. From
/// Arpad E. Elo, "The Rating of Chessplayers, Past and Present", 1978, with the logistic curve that is used since instead of
/// the normal one.
[[nodiscard]] inline double elo_expected(double rating, double opponent) noexcept {
    return 1.0 / (1.0 + std::pow(10.0, (opponent - rating) / 400.0));
}

/// Elo for two or more sides. A match counts as one game between each two of them, won by the better score; a side gains
/// `k` times the mean of what it got beyond what was expected of it. So two sides give the usual formula, and no match moves a
/// rating by more than `k`.
struct Elo {
    double k = 32;  ///< the most that a match can change; 10 to 40 are common, the greater the sooner a newcomer is placed

    /// Ids of those who played together; empty: each for himself. A team's rating and score are its members' means, and
    /// each member's rating changes by as much as the team's.
    std::vector<std::vector<std::string>> teams = {};

    /// `invalid_argument`: the teams do not have each player once.
    [[nodiscard]] Status operator()(std::vector<RatedPlayer>& players) const;
};

namespace detail {

struct EloSide {
    std::vector<RatedPlayer*> members;
    double score = 0;
    double rating = 0;
};

[[nodiscard]] inline EloSide elo_side(std::vector<RatedPlayer*> members) {
    EloSide side{std::move(members), 0, 0};
    const auto size = static_cast<double>(side.members.size());
    for (const RatedPlayer* member : side.members) {
        side.score += member->score / size;
        side.rating += member->rating / size;
    }
    return side;
}

[[nodiscard]] inline Result<std::vector<EloSide>> elo_sides(std::vector<RatedPlayer>& players,
                                                            const std::vector<std::vector<std::string>>& teams) {
    std::vector<EloSide> sides;
    if (teams.empty()) {
        for (RatedPlayer& player : players) sides.push_back(elo_side({&player}));
        return sides;
    }
    std::map<std::string_view, RatedPlayer*> unplaced;
    for (RatedPlayer& player : players) unplaced.emplace(player.player_id, &player);
    for (const auto& team : teams) {
        std::vector<RatedPlayer*> members;
        for (const std::string& player_id : team) {
            const auto at = unplaced.find(player_id);
            if (at == unplaced.end()) {
                return failure(Errc::invalid_argument, printable(player_id) + " is in two teams, or not in the match");
            }
            members.push_back(at->second);
            unplaced.erase(at);
        }
        if (!members.empty()) sides.push_back(elo_side(std::move(members)));
    }
    if (unplaced.empty()) return sides;
    return failure(Errc::invalid_argument, printable(unplaced.begin()->first) + " is in no team");
}

/// The players of a match with their scores; `invalid_argument` unless each of them has one number, and nobody else does.
[[nodiscard]] inline Result<std::vector<RatedPlayer>> scored_players(const Match& match,
                                                                     const std::map<std::string, double>& result) {
    std::vector<RatedPlayer> players;
    for (const std::string& player_id : match.players) {
        const auto score = result.find(player_id);
        if (score == result.end() || std::isnan(score->second)) {
            return failure(Errc::invalid_argument, "the result has no score of " + printable(player_id));
        }
        players.push_back({player_id, score->second, 0});
    }
    const std::set<std::string_view> once(match.players.begin(), match.players.end());
    if (once.size() != players.size())
        return failure(Errc::invalid_argument, "a player is twice in match:" + printable(match.match_id));
    for (const auto& [player_id, score] : result) {
        if (once.contains(player_id)) continue;
        return failure(Errc::invalid_argument,
                       "the result names " + printable(player_id) + ", who is not in match:" + printable(match.match_id));
    }
    return players;
}

[[nodiscard]] inline std::int32_t whole_rating(double rating) noexcept {
    constexpr double most = 2'147'483'647;
    return static_cast<std::int32_t>(std::lround((std::min)((std::max)(rating, -most), most)));
}

}  // namespace detail

inline Status Elo::operator()(std::vector<RatedPlayer>& players) const {
    const auto sides = detail::elo_sides(players, teams);
    if (!sides) return failure(sides.error());
    if (sides->size() < 2) return {};  // nobody to win against
    for (const auto& side : *sides) {
        double beyond_expected = 0;
        for (const auto& other : *sides) {
            if (&other == &side) continue;
            const double got = side.score > other.score ? 1.0 : side.score < other.score ? 0.0 : 0.5;
            beyond_expected += got - elo_expected(side.rating, other.rating);
        }
        const double change = k * beyond_expected / static_cast<double>(sides->size() - 1);
        for (RatedPlayer* member : side.members) member->rating += change;
    }
    return {};
}

enum class SettleOutcome : std::uint8_t { settled, already_settled };

struct SettleOptions {
    double guest_rating = 1000;  ///< what a player without a record counts as: a guest, or an erased account. He gets no rating
};

/// Ends a match: writes its result, its end, and the new rating of each player who has a record, all together.
///
/// A match is settled once. Settling it again, with whatever result, is `already_settled` and changes nothing, so that a
/// server which does not know whether its call arrived may make it again.
///
/// @param result  a score for each player of the match
/// @param rule    takes a `std::vector<RatedPlayer>&`, changes the ratings and returns a Status, whose error ends it all. It may be
///                called several times, so it must do nothing else
/// @return `not_found`: no such match; `invalid_argument`: the result does not have each player once, or the rule has made a rating
///         that is no number; what the rule refuses with. Nothing changed then.
template <class Store, class Rule = Elo>
[[nodiscard]] Result<SettleOutcome> settle_match(Store& store, std::string_view match_id,
                                                 const std::map<std::string, double>& result, const Rule& rule = {},
                                                 const SettleOptions& options = {}) {
    auto outcome = SettleOutcome::settled;
    const auto done = store.transaction([&](auto& tx) -> Status {
        outcome = SettleOutcome::settled;
        const auto loaded = tx.template load<Match>(match_id);
        if (!loaded) return failure(loaded.error());
        if ((*loaded)->ended_at) {
            outcome = SettleOutcome::already_settled;
            return {};
        }
        auto players = detail::scored_players(**loaded, result);
        if (!players) return failure(std::move(players).error());
        for (RatedPlayer& player : *players) {
            const auto record = tx.template load<Player>(player.player_id);
            if (!record && !(record.error() == Errc::not_found)) return failure(record.error());
            player.rating = record ? (*record)->skill_rating : options.guest_rating;
        }
        if (auto rated = rule(*players); !rated) return rated;
        for (const RatedPlayer& player : *players) {
            if (!std::isfinite(player.rating))
                return failure(Errc::invalid_argument,
                               "the new rating of " + detail::printable(player.player_id) + " is no number");
            auto updated = tx.template update<Player>(
                player.player_id, [&](Player& record) { record.skill_rating = detail::whole_rating(player.rating); });
            if (!updated && !(updated.error() == Errc::not_found)) return updated;
        }
        return tx.template update<Match>(match_id, [&](Match& match) {
            match.result = result;
            match.ended_at = store.now();
        });
    });
    if (!done) return failure(done.error());
    return outcome;
}

JOINLY_NAMESPACE_END
#endif
