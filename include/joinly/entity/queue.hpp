#ifndef JOINLY_ENTITY_QUEUE_HPP
#define JOINLY_ENTITY_QUEUE_HPP
// A matchmaking queue: players who wait for a match, in the order they came.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// One player's place in a queue. The rating is the one at the time of queueing.
struct QueueTicket {
    std::string player_id = {};
    std::int32_t skill_rating = 0;
    Timestamp enqueued_at = {};  ///< in JSON: Unix seconds
    UnknownFields unknown_fields = {};

    friend bool operator==(const QueueTicket&, const QueueTicket&) = default;
};

struct Queue {
    std::string queue_id = {};
    std::vector<QueueTicket> tickets = {};  ///< first come first
    UnknownFields unknown_fields = {};      ///< what a newer build has stored besides

    friend bool operator==(const Queue&, const Queue&) = default;
};

template <>
struct Entity<QueueTicket> {
    static constexpr auto& unknown_fields(auto& ticket) { return ticket.unknown_fields; }
    static constexpr void fields(auto& ticket, auto&& field) {
        field(1, "player_id", ticket.player_id);
        field(2, "skill_rating", ticket.skill_rating);
        field(3, "enqueued_at", ticket.enqueued_at);
    }
};

template <>
struct Entity<Queue> {
    static constexpr std::string_view kind = "queue";
    static constexpr auto& id(auto& queue) { return queue.queue_id; }
    static constexpr auto& unknown_fields(auto& queue) { return queue.unknown_fields; }
    static constexpr void fields(auto& queue, auto&& field) {
        field(1, "queue_id", queue.queue_id);
        field(2, "tickets", queue.tickets);
    }
};

JOINLY_NAMESPACE_END
#endif
