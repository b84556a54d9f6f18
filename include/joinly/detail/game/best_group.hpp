#ifndef JOINLY_DETAIL_GAME_BEST_GROUP_HPP
#define JOINLY_DETAIL_GAME_BEST_GROUP_HPP
// Which of the waiting players should play together.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/entity/queue.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// How far from a ticket's rating the others of its group may lie.
struct GroupRule {
    std::size_t players;
    double window;
    double growth_per_second;
    double widest;

    [[nodiscard]] double window_of(const QueueTicket& ticket, WallTime now) const noexcept {
        return (std::min)(widest, window + growth_per_second * waited(ticket.enqueued_at, now).count());
    }

private:
    [[nodiscard]] static std::chrono::duration<double> waited(Timestamp since, Timestamp now) noexcept {
        if (since >= now) return {};
        // Any time may have been given: the difference may be more than a signed number holds.
        const auto ticks = static_cast<std::uint64_t>(now.time_since_epoch().count()) -
                           static_cast<std::uint64_t>(since.time_since_epoch().count());
        return std::chrono::duration<std::uint64_t, Timestamp::period>{ticks};
    }
};

/// The group of the first ticket that can have one: it and the nearest ratings within its window; of equally near ones those
/// further ahead. Empty: no ticket can. O(n log n) for n tickets, which come in the order of the queue, as does the answer.
[[nodiscard]] inline std::vector<QueueTicket> best_group(const std::vector<const QueueTicket*>& tickets, const GroupRule& rule,
                                                         WallTime now) {
    struct Place {
        double rating;
        std::size_t position;
    };
    std::vector<Place> by_rating;
    by_rating.reserve(tickets.size());
    for (std::size_t i = 0; i < tickets.size(); ++i) by_rating.push_back({static_cast<double>(tickets[i]->skill_rating), i});
    std::sort(by_rating.begin(), by_rating.end(), [](const Place& a, const Place& b) { return a.rating < b.rating; });

    for (std::size_t first = 0; first < tickets.size(); ++first) {
        const double rating = tickets[first]->skill_rating;
        const double window = rule.window_of(*tickets[first], now);
        const auto begin = std::lower_bound(by_rating.begin(), by_rating.end(), rating - window,
                                            [](const Place& place, double least) { return place.rating < least; });
        const auto end = std::upper_bound(begin, by_rating.end(), rating + window,
                                          [](double most, const Place& place) { return most < place.rating; });
        if (static_cast<std::size_t>(end - begin) < rule.players) continue;

        // How far a place is from the first ticket, which comes before all others.
        const auto rank = [&](const Place& place) {
            return std::tuple{place.position != first, std::abs(place.rating - rating), place.position};
        };
        std::vector<Place> group(rule.players, Place{});
        std::partial_sort_copy(begin, end, group.begin(), group.end(),
                               [&](const Place& a, const Place& b) { return rank(a) < rank(b); });
        std::sort(group.begin(), group.end(), [](const Place& a, const Place& b) { return a.position < b.position; });
        std::vector<QueueTicket> chosen;
        chosen.reserve(group.size());
        for (const Place& place : group) chosen.push_back(*tickets[place.position]);
        return chosen;
    }
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
