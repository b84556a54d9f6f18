#ifndef JOINLY_GAME_MATCHMAKING_HPP
#define JOINLY_GAME_MATCHMAKING_HPP
// Players who wait for others of their strength: enqueue them, claim a group, and confirm the claim when its match is made.
//
//     auto queued = joinly::enqueue(store, "ranked_eu", {.player_id = "player_456", .skill_rating = 1200});
//     auto claim = joinly::claim_group(store, "ranked_eu", "server-1", {.players = 4});
//     if (!claim) return;                                                  // not_found: no group yet
//     joinly::Match match{.match_id = "match_7", .players = joinly::players_of(*claim)};
//     if (!joinly::confirm_claim(store, *claim, match)) return;            // conflict: too late, or somebody left
//
// Any number of servers may claim from a queue at once: no ticket is ever in two groups. Claimed tickets stay in their places,
// where nobody else takes them until the claim's time is over; so a server that dies holds a group up, and loses nobody. A clock
// that is set back after that may bring the claim back, while nobody has claimed or confirmed anything since.
//
// A queue is one record, and each call reads and writes all of it: made for up to a few thousand waiting players. With a thousand
// of them a call costs some tenths of a millisecond besides what the backend takes for 25 KB, and in proportion with more. Calls
// on one queue are made one after the other; split a busy one by region or mode. Any thread.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/game/best_group.hpp>
#include <joinly/detail/game/complete_lobby.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/entity/queue_claims.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct ClaimOptions {
    std::size_t players = 2;  ///< in a group; at least 1

    /// How far the others' ratings may lie from that of the group's oldest ticket: `window` at first, and `window_growth` more for
    /// each second that this ticket has waited, up to `widest_window`.
    double window = 100;
    double window_growth = 5;
    double widest_window = 1000;

    Ttl ttl = std::chrono::seconds{30};  ///< how long the claim holds; up to a day
};

/// The ids of the players in a claimed group, the longest-waiting first.
[[nodiscard]] inline std::vector<std::string> players_of(const QueueClaim& claim) {
    std::vector<std::string> players;
    players.reserve(claim.tickets.size());
    for (const QueueTicket& ticket : claim.tickets) players.push_back(ticket.player_id);
    return players;
}

namespace detail {

[[nodiscard]] inline auto ticket_of(std::string_view player_id) {
    return [player_id](const QueueTicket& ticket) { return ticket.player_id == player_id; };
}

[[nodiscard]] inline bool has_ticket(const std::vector<QueueTicket>& tickets, std::string_view player_id) {
    return std::any_of(tickets.begin(), tickets.end(), ticket_of(player_id));
}

/// What is stored under `id` and its version, or a fresh one: for a transaction that changes it either way.
template <class T, class Transaction>
[[nodiscard]] Result<T> load_or_new(Transaction& tx, std::string_view id) {
    auto loaded = tx.template load<T>(id);
    if (loaded) return T{**loaded};
    if (!(loaded.error() == Errc::not_found)) return failure(std::move(loaded).error());
    T fresh;
    Entity<T>::id(fresh) = id;
    return fresh;
}

[[nodiscard]] inline tl::unexpected<Error> claim_is_over(const QueueClaim& claim) {
    return failure(Errc::conflict, "claim " + std::to_string(claim.number) + " of queue:" + printable(claim.queue_id) + " is over");
}

/// Takes the claim off the list, and those whose time is over. False: it was not on it, or is one of those. What a newer build has
/// stored about it besides makes it no other.
[[nodiscard]] inline bool take_claim(QueueClaims& all, const QueueClaim& claim, WallTime now) {
    std::erase_if(all.claims, [&](const QueueClaim& each) { return each.expires_at <= now; });
    const auto is_it = [&](const QueueClaim& each) { return each.number == claim.number && each.claimer == claim.claimer; };
    return std::erase_if(all.claims, is_it) != 0;
}

/// The tickets that no claim holds, in the order of the queue.
[[nodiscard]] inline std::vector<const QueueTicket*> free_tickets(const Queue& queue, const QueueClaims& claims) {
    std::vector<std::string_view> claimed;
    for (const QueueClaim& claim : claims.claims) {
        for (const QueueTicket& ticket : claim.tickets) claimed.push_back(ticket.player_id);
    }
    std::sort(claimed.begin(), claimed.end());
    std::vector<const QueueTicket*> free;
    for (const QueueTicket& ticket : queue.tickets) {
        if (!std::binary_search(claimed.begin(), claimed.end(), std::string_view{ticket.player_id})) free.push_back(&ticket);
    }
    return free;
}

/// Removes the claim and its tickets, and calls `make(tx)` in the same transaction.
template <class Store, class Make>
[[nodiscard]] Status confirm(Store& store, const QueueClaim& claim, Make make) {
    const auto done = store.transaction([&](auto& tx) -> Status {
        auto claims = load_or_new<QueueClaims>(tx, claim.queue_id);
        if (!claims) return failure(std::move(claims).error());
        if (!take_claim(*claims, claim, store.now())) return claim_is_over(claim);
        if (auto saved = tx.save(*claims); !saved) return saved;
        auto removed = tx.template update<Queue>(claim.queue_id, [&](Queue& queue) -> Status {
            for (const QueueTicket& ticket : claim.tickets) {
                if (!has_ticket(queue.tickets, ticket.player_id)) return claim_is_over(claim);
            }
            std::erase_if(queue.tickets, [&](const QueueTicket& ticket) { return has_ticket(claim.tickets, ticket.player_id); });
            return {};
        });
        if (!removed && removed.error() == Errc::not_found) return claim_is_over(claim);
        return removed ? make(tx) : removed;
    });
    if (!done) return failure(done.error());
    return {};
}

}  // namespace detail

/// Puts a player into a queue, and makes the queue if there is none. An `enqueued_at` of zero becomes the store's time; one that is
/// given keeps its place among the others, for a player who waited before.
///
/// @return `conflict`: he is in it already; `invalid_argument`: the player's or the queue's id is empty or too long.
template <class Store>
[[nodiscard]] Result<Version> enqueue(Store& store, std::string_view queue_id, const QueueTicket& ticket) {
    if (auto valid = validate_id(kind_of<Player>, ticket.player_id); !valid) return failure(std::move(valid).error());
    QueueTicket placed = ticket;
    if (placed.enqueued_at == Timestamp{}) placed.enqueued_at = store.now();
    const auto place = [&](Queue& queue) -> Status {
        if (detail::has_ticket(queue.tickets, placed.player_id)) {
            return failure(Errc::conflict,
                           detail::printable(placed.player_id) + " is in queue:" + detail::printable(queue_id) + " already");
        }
        const auto comes_before = [](const QueueTicket& a, const QueueTicket& b) { return a.enqueued_at < b.enqueued_at; };
        queue.tickets.insert(std::upper_bound(queue.tickets.begin(), queue.tickets.end(), placed, comes_before), placed);
        return {};
    };
    return store.transaction([&](auto& tx) -> Status {
        auto updated = tx.template update<Queue>(queue_id, place);
        if (updated || !(updated.error() == Errc::not_found)) return updated;
        return tx.save(Queue{.queue_id = std::string{queue_id}, .tickets = {placed}});
    });
}

/// Takes a player out of a queue. A claim that has him ends with it, and the others of its group are free again.
///
/// @return `not_found`: he is not in it, or there is no such queue.
template <class Store>
[[nodiscard]] Status cancel_ticket(Store& store, std::string_view queue_id, std::string_view player_id) {
    const auto done = store.transaction([&](auto& tx) -> Status {
        auto removed = tx.template update<Queue>(queue_id, [&](Queue& queue) -> Status {
            if (std::erase_if(queue.tickets, detail::ticket_of(player_id)) != 0) return {};
            return failure(Errc::not_found, detail::printable(player_id) + " is not in queue:" + detail::printable(queue_id));
        });
        if (!removed) return removed;
        auto claims = detail::load_or_new<QueueClaims>(tx, queue_id);
        if (!claims) return failure(std::move(claims).error());
        const auto ended =
            std::erase_if(claims->claims, [&](const QueueClaim& claim) { return detail::has_ticket(claim.tickets, player_id); });
        return ended == 0 ? Status{} : tx.save(*claims);
    });
    if (!done) return failure(done.error());
    return {};
}

/// Claims the best group: that of the longest-waiting player who can have one, and with him those whose ratings are nearest.
///
/// @return the claim; `not_found`: no group yet, or no such queue; `invalid_argument`: a group of nobody, or a ttl that is not
/// positive or too long.
/// @par Complexity  O(n log n) for n waiting players, besides reading the queue.
template <class Store>
[[nodiscard]] Result<QueueClaim> claim_group(Store& store, std::string_view queue_id, std::string_view claimer,
                                             const ClaimOptions& options = {}) {
    if (options.players == 0) return failure(Errc::invalid_argument, "a group of no players");
    const std::chrono::milliseconds holds = options.ttl.duration();
    if (holds.count() <= 0 || holds > std::chrono::hours{24}) {
        return failure(Errc::invalid_argument,
                       "a claim must hold for up to a day, not for " + std::to_string(holds.count()) + " ms");
    }
    QueueClaim claim;
    const auto done = store.transaction([&](auto& tx) -> Status {
        const auto queue = tx.template load<Queue>(queue_id);
        if (!queue) return failure(queue.error());
        auto claims = detail::load_or_new<QueueClaims>(tx, queue_id);
        if (!claims) return failure(std::move(claims).error());

        const WallTime now = store.now();
        std::erase_if(claims->claims, [&](const QueueClaim& each) { return each.expires_at <= now; });
        const detail::GroupRule rule{options.players, options.window, options.window_growth, options.widest_window};
        auto group = detail::best_group(detail::free_tickets(**queue, *claims), rule, now);
        if (group.empty()) return failure(Errc::not_found, "no group in queue:" + detail::printable(queue_id) + " yet");
        claim = {.queue_id = std::string{queue_id},
                 .number = ++claims->last_number,
                 .claimer = std::string{claimer},
                 .tickets = std::move(group),
                 .expires_at = now + holds};
        claims->claims.push_back(claim);
        return tx.save(*claims);
    });
    if (!done) return failure(done.error());
    return claim;
}

/// Takes the claimed players out of the queue for good.
///
/// @return `conflict`: the claim's time is over, it was released or confirmed before, or one of its players left the queue, or the
///         queue is gone.
template <class Store>
[[nodiscard]] Status confirm_claim(Store& store, const QueueClaim& claim) {
    return detail::confirm(store, claim, [](auto&) { return Status{}; });
}

/// As above, and saves what they go to, a Match or a Lobby, in the same transaction. A match's `started_at` of zero becomes the
/// store's time; a lobby is completed as by create_lobby (joinly/game/lobbies.hpp). `conflict` besides when there is one under its
/// id already; `invalid_argument`, and the claim stays as it is, for a lobby that create_lobby refuses.
template <class Store, class T>
[[nodiscard]] Status confirm_claim(Store& store, const QueueClaim& claim, T made) {
    if constexpr (std::same_as<T, Match>) {
        if (made.started_at == Timestamp{}) made.started_at = store.now();
    } else if constexpr (std::same_as<T, Lobby>) {
        if (auto complete = detail::complete_lobby(made, store.now()); !complete) return complete;
    }
    return detail::confirm(store, claim, [&](auto& tx) { return tx.save(made, {.expect = absent}); });
}

/// Gives the players back to the queue, in their old places. Releasing a claim that is over is no error.
template <class Store>
[[nodiscard]] Status release_claim(Store& store, const QueueClaim& claim) {
    const auto done = store.transaction([&](auto& tx) -> Status {
        auto claims = detail::load_or_new<QueueClaims>(tx, claim.queue_id);
        if (!claims) return failure(std::move(claims).error());
        return detail::take_claim(*claims, claim, store.now()) ? tx.save(*claims) : Status{};
    });
    if (!done) return failure(done.error());
    return {};
}

JOINLY_NAMESPACE_END
#endif
