// Which players are grouped.
#include <joinly/detail/game/best_group.hpp>
#include <tests/support/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using joinly::QueueTicket;
using joinly::WallTime;
using joinly::detail::best_group;
using joinly::detail::GroupRule;
using Ids = std::vector<std::string>;

constexpr WallTime start{1'000'000s};

/// The group of players "0", "1", ... of these ratings, each of whom came a second after the one before.
Ids group(const std::vector<std::int32_t>& ratings, const GroupRule& rule, std::chrono::milliseconds later = 0s) {
    std::vector<QueueTicket> tickets;
    for (std::size_t i = 0; i < ratings.size(); ++i) {
        tickets.push_back(
            {.player_id = std::to_string(i), .skill_rating = ratings[i], .enqueued_at = start + std::chrono::seconds{i}});
    }
    std::vector<const QueueTicket*> pointers;
    for (const auto& ticket : tickets) pointers.push_back(&ticket);
    Ids ids;
    for (const auto& ticket : best_group(pointers, rule, start + later)) ids.push_back(ticket.player_id);
    return ids;
}

TEST_CASE("the first player who can have a group has it", "[matchmaking]") {
    CHECK(group({9000, 1000, 5000, 1050, 5050}, {2, 100, 0, 100}) == Ids{"1", "3"});
    CHECK(group({1000, 1200}, {2, 100, 0, 100}).empty());
    CHECK(group({}, {1, 100, 0, 100}).empty());
    CHECK(group({1000}, {1, 0, 0, 0}) == Ids{"0"});
}

TEST_CASE("the nearest are chosen from both sides, and of equally near ones those further ahead", "[matchmaking]") {
    CHECK(group({1000, 1030, 985, 1020, 990}, {3, 100, 0, 100}) == Ids{"0", "2", "4"});
    CHECK(group({1000, 1010, 990, 1010, 1000}, {3, 100, 0, 100}) == Ids{"0", "1", "4"});
    CHECK(group({1000, 1000, 1000, 1000}, {3, 100, 0, 100}) == Ids{"0", "1", "2"});
}

TEST_CASE("a player at the edge of the window is within it", "[matchmaking]") {
    CHECK(group({1000, 1100}, {2, 100, 0, 100}) == Ids{"0", "1"});
    CHECK(group({1000, 900}, {2, 100, 0, 100}) == Ids{"0", "1"});
    CHECK(group({1000, 1101}, {2, 100, 0, 100}).empty());
}

TEST_CASE("the window grows while the first player waits, up to the widest", "[matchmaking]") {
    CHECK(group({1000, 1150}, {2, 100, 10, 200}, 4s).empty());
    CHECK(group({1000, 1150}, {2, 100, 10, 200}, 5s) == Ids{"0", "1"});
    CHECK(group({1000, 1201}, {2, 100, 10, 200}, 24h).empty());
}

TEST_CASE("ratings at the ends of their range, and a clock that was set back, do no harm", "[matchmaking]") {
    constexpr auto least = (std::numeric_limits<std::int32_t>::min)();
    constexpr auto most = (std::numeric_limits<std::int32_t>::max)();
    CHECK(group({least, most}, {2, 1000, 0, 1000}).empty());
    CHECK(group({least, most}, {2, 1e10, 0, 1e10}) == Ids{"0", "1"});
    CHECK(group({1000, 1050}, {2, 100, 10, 200}, -24h) == Ids{"0", "1"});
}

/// The rule, as it is told, with no regard to time.
Ids by_the_book(const std::vector<std::int32_t>& ratings, std::size_t players, std::int32_t window) {
    for (std::size_t first = 0; first < ratings.size(); ++first) {
        std::vector<bool> chosen(ratings.size(), false);
        chosen[first] = true;
        std::size_t count = 1;
        for (std::int32_t distance = 0; distance <= window; ++distance) {
            for (std::size_t i = 0; i < ratings.size() && count < players; ++i) {
                if (chosen[i] || std::abs(ratings[i] - ratings[first]) != distance) continue;
                chosen[i] = true;
                ++count;
            }
        }
        if (count < players) continue;
        Ids ids;
        for (std::size_t i = 0; i < ratings.size(); ++i) {
            if (chosen[i]) ids.push_back(std::to_string(i));
        }
        return ids;
    }
    return {};
}

TEST_CASE("groups are those of the rule, whatever the queue", "[matchmaking]") {
    std::mt19937 random{7};
    for (int round = 0; round < 500; ++round) {
        std::vector<std::int32_t> ratings(random() % 12);
        for (auto& rating : ratings) rating = static_cast<std::int32_t>(random() % 60);
        const std::size_t players = 1 + random() % 4;
        const auto window = static_cast<std::int32_t>(random() % 15);
        CHECK(group(ratings, {players, static_cast<double>(window), 0, 1000}) == by_the_book(ratings, players, window));
    }
}

}  // namespace
