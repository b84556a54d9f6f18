#ifndef JOINLY_ENTITY_QUEUE_CLAIMS_HPP
#define JOINLY_ENTITY_QUEUE_CLAIMS_HPP
// The groups that servers have claimed from a queue, for a limited time each. Kept beside the queue: its tickets stay in their
// places until a claim is confirmed.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

struct QueueClaim {
    std::string queue_id = {};
    std::uint64_t number = 0;  ///< one of its own in the queue
    std::string claimer = {};
    std::vector<QueueTicket> tickets = {};  ///< the oldest first
    Timestamp expires_at = {};              ///< from then on the tickets are free again
    UnknownFields unknown_fields = {};

    friend bool operator==(const QueueClaim&, const QueueClaim&) = default;
};

struct QueueClaims {
    std::string queue_id = {};
    std::uint64_t last_number = 0;
    std::vector<QueueClaim> claims = {};
    UnknownFields unknown_fields = {};  ///< what a newer build has stored besides

    friend bool operator==(const QueueClaims&, const QueueClaims&) = default;
};

template <>
struct Entity<QueueClaim> {
    static constexpr auto& unknown_fields(auto& claim) { return claim.unknown_fields; }
    static constexpr void fields(auto& claim, auto&& field) {
        field(1, "queue_id", claim.queue_id);
        field(2, "number", claim.number);
        field(3, "claimer", claim.claimer);
        field(4, "tickets", claim.tickets);
        field(5, "expires_at", claim.expires_at);
    }
};

template <>
struct Entity<QueueClaims> {
    static constexpr std::string_view kind = "queue_claims";
    static constexpr auto& id(auto& claims) { return claims.queue_id; }
    static constexpr auto& unknown_fields(auto& claims) { return claims.unknown_fields; }
    static constexpr void fields(auto& claims, auto&& field) {
        field(1, "queue_id", claims.queue_id);
        field(2, "last_number", claims.last_number);
        field(3, "claims", claims.claims);
    }
};

JOINLY_NAMESPACE_END
#endif
