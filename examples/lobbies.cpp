// A lobby from its creation to its match: eight seats, twenty players who all press "join" at once, and an owner who leaves.
// Before that, how a player finds it among others, and after, how the old ones go.

#include <joinly/backend/memory.hpp>
#include <joinly/game/lobbies.hpp>
#include <joinly/game/lobby_lists.hpp>
#include <joinly/store.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

int fail(const joinly::Error& error) {
    std::fprintf(stderr, "lobbies: %s\n", std::string{error.message()}.c_str());
    return 1;
}

/// Twenty players, each from a thread of his own; how many got a seat.
template <class Store>
int join_all_at_once(Store& store) {
    std::atomic<int> seated{0};
    std::vector<std::thread> players;
    for (int i = 1; i <= 20; ++i) {
        players.emplace_back([&store, &seated, i] {
            const auto outcome = joinly::join_lobby(store, "lobby_123", "player_" + std::to_string(i));
            if (outcome == joinly::JoinOutcome::joined) ++seated;
        });
    }
    for (auto& player : players) player.join();
    return seated;
}

}  // namespace

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::WriteThrough>({});
    if (!store) return fail(store.error());

    for (const joinly::Lobby& lobby : {joinly::Lobby{.lobby_id = "lobby_121", .max_players = 8, .owner = "zoe", .rating = 1900},
                                       joinly::Lobby{.lobby_id = "lobby_122", .max_players = 8, .owner = "yan", .rating = 1340},
                                       joinly::Lobby{.lobby_id = "lobby_123", .max_players = 8, .owner = "ada", .rating = 1210}}) {
        if (auto created = joinly::create_lobby(*store, lobby); !created) return fail(created.error());
    }
    const auto open = joinly::find_open_lobbies(*store, 1250, {.within = 150});
    if (!open) return fail(open.error());
    for (const auto& lobby : *open) std::printf("%s, rated %d, is open\n", lobby->lobby_id.c_str(), lobby->rating);
    const int seated = join_all_at_once(*store);
    std::printf("ada made a lobby of eight; of 20 who joined at once, %d sat down with her\n", seated);

    // A refusal is an answer, not an error: errors are for what is not there, or broken.
    const auto late = joinly::join_lobby(*store, "lobby_123", "eve");
    if (!late) return fail(late.error());
    std::printf("eve came late: %s\n", std::string{to_string(*late)}.c_str());

    if (auto left = joinly::leave_lobby(*store, "lobby_123", "ada"); !left) return fail(left.error());
    const auto found = store->load<joinly::Lobby>("lobby_123");
    if (!found) return fail(found.error());
    const std::string owner = (*found)->owner;
    std::printf("ada left; the lobby belongs to %s, who joined first\n", owner.c_str());

    bool is_as_told = open->size() == 2 && (*open)[0]->lobby_id == "lobby_123" && seated == 7 && owner == (*found)->players[0];
    is_as_told = is_as_told && *late == joinly::JoinOutcome::full;
    for (const std::string& player : {std::string{"eve"}, owner}) {
        const auto started = joinly::start_lobby(*store, "lobby_123", "match_1", {.by = player, .min_players = 2});
        if (!started) return fail(started.error());
        std::printf("%s starts it: %s\n", player.c_str(), std::string{to_string(*started)}.c_str());
        using joinly::StartOutcome;
        is_as_told = is_as_told && *started == (player == owner ? StartOutcome::started : StartOutcome::not_owner);
    }
    const auto match = store->load<joinly::Match>("match_1");
    if (!match) return fail(match.error());
    std::printf("match_1 has %zu players\n", (*match)->players.size());

    // Two days later, as a service does it once an hour: what is left over is nobody's any more.
    const auto erased = joinly::erase_lobbies_older_than(*store, 24h, store->now() + 48h);
    if (!erased) return fail(erased.error());
    std::printf("two days later %zu old lobbies were erased\n", *erased);
    is_as_told = is_as_told && (*match)->players.size() == 7 && *erased == 3;
    return is_as_told ? 0 : 1;
}
