// A queue from which two servers make matches at once, and the ratings after a match. The clock is one that the program turns,
// so that half a minute of waiting takes no time.

#include <joinly/backend/memory.hpp>
#include <joinly/game/matchmaking.hpp>
#include <joinly/game/ratings.hpp>
#include <joinly/store.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

namespace {

using namespace std::chrono_literals;

int fail(const joinly::Error& error) {
    std::fprintf(stderr, "matchmaking: %s\n", std::string{error.message()}.c_str());
    return 1;
}

void print(const joinly::QueueClaim& claim) {
    std::printf("%s claims", claim.claimer.c_str());
    for (const auto& ticket : claim.tickets) std::printf(" %s (%d)", ticket.player_id.c_str(), ticket.skill_rating);
    std::printf("\n");
}

}  // namespace

int main() {
    joinly::ManualTraits traits;
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteThrough, joinly::ManualTraits>({}, {}, traits);
    if (!store) return fail(store.error());

    const std::map<std::string, int> ratings{{"ada", 1500}, {"bob", 1180}, {"cat", 1510}, {"dan", 1240}, {"eve", 1900}};
    for (const auto& [id, rating] : ratings) {
        if (auto saved = store->save(joinly::Player{.player_id = id, .skill_rating = rating}); !saved) return fail(saved.error());
        auto queued = joinly::enqueue(*store, "duel", {.player_id = id, .skill_rating = rating});
        if (!queued) return fail(queued.error());
        traits.clock.advance(1s);
    }

    // Each group is one server's for 30 seconds, whoever else asks.
    const joinly::ClaimOptions duel{.players = 2, .window = 100, .window_growth = 5, .ttl = 30s};
    const auto first = joinly::claim_group(*store, "duel", "server-1", duel);
    if (!first) return fail(first.error());
    print(*first);
    const auto second = joinly::claim_group(*store, "duel", "server-2", duel);
    if (!second) return fail(second.error());
    print(*second);

    const joinly::Match match{.match_id = "match_1", .players = joinly::players_of(*first)};
    if (auto confirmed = joinly::confirm_claim(*store, *first, match); !confirmed) return fail(confirmed.error());

    // server-2 dies. When its time is over, its players are back in their places.
    traits.clock.advance(30s);
    const auto late = joinly::confirm_claim(*store, *second);
    std::printf("server-2 comes too late: %s\n", late ? "no" : std::string{late.error().message()}.c_str());
    const auto third = joinly::claim_group(*store, "duel", "server-1", duel);
    if (!third) return fail(third.error());
    print(*third);

    bool is_as_told = !late && late.error() == joinly::Errc::conflict;
    is_as_told = is_as_told && joinly::players_of(*third) == joinly::players_of(*second);

    // The result and both ratings, together and once.
    for (int call = 1; call <= 2; ++call) {
        const auto settled = joinly::settle_match(*store, "match_1", {{match.players[0], 0}, {match.players[1], 1}});
        if (!settled) return fail(settled.error());
        is_as_told = is_as_told && (*settled == joinly::SettleOutcome::settled) == (call == 1);
        std::printf("match_1, call %d: %s\n", call, *settled == joinly::SettleOutcome::settled ? "settled" : "was settled before");
    }
    for (const auto& id : match.players) {
        const auto player = store->load<joinly::Player>(id);
        if (!player) return fail(player.error());
        const int before = ratings.at(id);
        const int now = (*player)->skill_rating;
        std::printf("%s: %d -> %d\n", id.c_str(), before, now);
        is_as_told = is_as_told && (id == match.players[0] ? now < before : now > before);
    }
    return is_as_told ? 0 : 1;
}
