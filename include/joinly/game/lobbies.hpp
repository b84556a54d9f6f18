#ifndef JOINLY_GAME_LOBBIES_HPP
#define JOINLY_GAME_LOBBIES_HPP
// What players do with a lobby: create, join, leave, start, close. Free functions over any store, each of them atomic: however
// many servers call them at once, a lobby of eight seats eight.
//
//     const auto joined = joinly::join_lobby(store, "lobby_123", "player_456");
//     if (!joined) return fail(joined.error());                                   // no such lobby, or the disk is broken
//     if (*joined == joinly::JoinOutcome::full) return tell(player, "too late");  // an answer, which changed nothing
//
// A lobby passes through its states in the order of LobbyState: `waiting` takes players; `starting` is a countdown, in which
// nobody joins; `in_game` has a match; `closed` is over. A waiting lobby whose attribute "locked" is "true" takes nobody.
// Every call is safe from any thread, costs a load and a save, and keeps the lobby's expiry. game/lobby_lists.hpp has what concerns
// many lobbies: the open ones near a rating, and the old ones.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/game/complete_lobby.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// What became of a join. Everything but `joined` changed nothing.
enum class JoinOutcome : std::uint8_t { joined, already_in, full, locked, wrong_state };

/// What became of a leave. `emptied`: he was the last one. `not_in` changed nothing.
enum class LeaveOutcome : std::uint8_t { left, emptied, not_in };

/// What became of a start. Everything but `started` changed nothing.
enum class StartOutcome : std::uint8_t { started, not_owner, wrong_state, too_few };

[[nodiscard]] constexpr std::string_view to_string(JoinOutcome outcome) noexcept {
    switch (outcome) {
        case JoinOutcome::joined: return "joined";
        case JoinOutcome::already_in: return "already in";
        case JoinOutcome::full: return "full";
        case JoinOutcome::locked: return "locked";
        case JoinOutcome::wrong_state: return "not waiting for players";
    }
    return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(LeaveOutcome outcome) noexcept {
    switch (outcome) {
        case LeaveOutcome::left: return "left";
        case LeaveOutcome::emptied: return "left it empty";
        case LeaveOutcome::not_in: return "not in it";
    }
    return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(StartOutcome outcome) noexcept {
    switch (outcome) {
        case StartOutcome::started: return "started";
        case StartOutcome::not_owner: return "not the owner";
        case StartOutcome::wrong_state: return "in the wrong state";
        case StartOutcome::too_few: return "too few players";
    }
    return "unknown";
}

/// The attribute by which a lobby is kept shut while it waits: for its password, or for friends only.
inline constexpr std::string_view locked_attribute = "locked";

[[nodiscard]] inline bool is_locked(const Lobby& lobby) {
    const auto locked = lobby.attributes.find(std::string{locked_attribute});
    return locked != lobby.attributes.end() && locked->second == "true";
}

[[nodiscard]] inline bool is_in(const Lobby& lobby, std::string_view player_id) noexcept {
    return std::find(lobby.players.begin(), lobby.players.end(), player_id) != lobby.players.end();
}

/// What a join of the player would come to if it were made now.
[[nodiscard]] inline JoinOutcome join_outcome(const Lobby& lobby, std::string_view player_id) {
    if (is_in(lobby, player_id)) return JoinOutcome::already_in;
    if (lobby.state != LobbyState::waiting) return JoinOutcome::wrong_state;
    if (is_locked(lobby)) return JoinOutcome::locked;
    return lobby.players.size() < lobby.max_players ? JoinOutcome::joined : JoinOutcome::full;
}

namespace detail {

/// Ends an update that a rule of the game refuses; the caller returns the outcome in its place. Costs nothing.
[[nodiscard]] inline Status refused() noexcept { return failure(Errc::conflict); }

/// Changes a lobby by a rule that answers what came of it; everything but `changed` leaves it as it is. In a transaction, so that a
/// refusal is founded on what is stored too, and not on what a cache still has of it.
template <class Outcome, class Store, class Rule>
[[nodiscard]] Result<Outcome> change_lobby(Store& store, std::string_view lobby_id, Outcome changed, Rule rule) {
    auto outcome = changed;
    const auto done = store.transaction([&](auto& tx) -> Status {
        outcome = changed;
        auto updated = tx.template update<Lobby>(lobby_id, [&](Lobby& lobby) -> Status {
            outcome = rule(lobby);
            return outcome == changed ? Status{} : refused();
        });
        return outcome == changed ? updated : refused();
    });
    if (!done && (outcome == changed || done.error() != Errc::conflict)) return failure(done.error());
    return outcome;
}

}  // namespace detail

struct CreateLobbyOptions {
    std::optional<Ttl> ttl = {};  ///< the lobby expires so long after its creation, whatever happens in it
};

/// Creates a lobby. An owner who is not among its players is seated before them, and a `created_at` of zero becomes the store's
/// time. A lobby without players needs no owner: the first who joins is it.
///
/// @return its version; `conflict`: there is one under this id, which stays as it is; `invalid_argument`: more players than
///         seats, one of them in two seats or with an id that no player can have, players without an owner, or what Store::save
///         refuses.
template <class Store>
[[nodiscard]] Result<Version> create_lobby(Store& store, Lobby lobby, const CreateLobbyOptions& options = {}) {
    if (auto made = detail::complete_lobby(lobby, store.now()); !made) return failure(std::move(made).error());
    return store.save(std::move(lobby), {.ttl = options.ttl, .expect = absent});
}

/// Seats the player, who becomes the owner where there is none. `not_found`: no such lobby.
template <class Store>
[[nodiscard]] Result<JoinOutcome> join_lobby(Store& store, std::string_view lobby_id, std::string_view player_id) {
    if (auto valid = validate_id(kind_of<Player>, player_id); !valid) return failure(std::move(valid).error());
    return detail::change_lobby(store, lobby_id, JoinOutcome::joined, [&](Lobby& lobby) {
        const JoinOutcome outcome = join_outcome(lobby, player_id);
        if (outcome != JoinOutcome::joined) return outcome;
        lobby.players.emplace_back(player_id);
        if (lobby.owner.empty()) lobby.owner = player_id;
        return outcome;
    });
}

/// What becomes of a lobby that the last player leaves.
enum class WhenEmpty : std::uint8_t { erase, close, keep };

struct LeaveOptions {
    WhenEmpty when_empty = WhenEmpty::erase;
};

/// Takes the player out, whatever the lobby's state. When he is its owner, the player who has sat there longest comes after him;
/// in an empty lobby that is kept or closed nobody does. `not_found`: no such lobby.
template <class Store>
[[nodiscard]] Result<LeaveOutcome> leave_lobby(Store& store, std::string_view lobby_id, std::string_view player_id,
                                               const LeaveOptions& options = {}) {
    auto outcome = LeaveOutcome::left;
    const auto take_out = [&](Lobby& lobby) -> Status {
        const auto seat = std::find(lobby.players.begin(), lobby.players.end(), player_id);
        outcome = seat == lobby.players.end() ? LeaveOutcome::not_in : LeaveOutcome::left;
        if (outcome == LeaveOutcome::not_in) return detail::refused();
        lobby.players.erase(seat);
        if (lobby.owner == player_id) lobby.owner = lobby.players.empty() ? std::string{} : lobby.players.front();
        if (!lobby.players.empty()) return {};
        outcome = LeaveOutcome::emptied;
        if (options.when_empty == WhenEmpty::close) lobby.state = LobbyState::closed;
        return {};
    };
    const auto done = store.transaction([&](auto& tx) -> Status {
        outcome = LeaveOutcome::left;
        auto updated = tx.template update<Lobby>(lobby_id, take_out);
        if (outcome == LeaveOutcome::not_in) return {};  // commits what it read: that he is not in it
        if (!updated || outcome != LeaveOutcome::emptied || options.when_empty != WhenEmpty::erase) return updated;
        return tx.template erase<Lobby>(lobby_id);
    });
    if (!done) return failure(done.error());
    return outcome;
}

struct StartOptions {
    std::string by = {};          ///< who asks: only the owner may. Empty: the server itself, which always may
    std::size_t min_players = 1;  ///< with fewer there is no match
};

/// What a start would come to if it were made now.
[[nodiscard]] inline StartOutcome start_outcome(const Lobby& lobby, const StartOptions& options) noexcept {
    if (!options.by.empty() && options.by != lobby.owner) return StartOutcome::not_owner;
    if (lobby.state != LobbyState::waiting && lobby.state != LobbyState::starting) return StartOutcome::wrong_state;
    return lobby.players.size() < options.min_players ? StartOutcome::too_few : StartOutcome::started;
}

/// Starts the game: the lobby, waiting or in its countdown, is `in_game`, and there is a match of the players who sit in it; both
/// or neither. `not_found`: no such lobby; `conflict`: there is a match with this id.
template <class Store>
[[nodiscard]] Result<StartOutcome> start_lobby(Store& store, std::string_view lobby_id, std::string_view match_id,
                                               const StartOptions& options = {}) {
    auto outcome = StartOutcome::started;
    const auto done = store.transaction([&](auto& tx) -> Status {
        outcome = StartOutcome::started;
        Match match;
        auto updated = tx.template update<Lobby>(lobby_id, [&](Lobby& lobby) -> Status {
            outcome = start_outcome(lobby, options);
            if (outcome != StartOutcome::started) return detail::refused();
            lobby.state = LobbyState::in_game;
            match.players = lobby.players;
            return {};
        });
        if (outcome != StartOutcome::started) return {};  // commits what it read
        if (!updated) return updated;
        match.match_id = match_id;
        match.lobby_id = lobby_id;
        match.started_at = store.now();
        return tx.save(match, {.expect = absent});
    });
    if (!done) return failure(done.error());
    return outcome;
}

/// Begins the countdown of a waiting lobby: it is `starting`, so nobody joins any more. start_lobby ends it.
template <class Store>
[[nodiscard]] Result<StartOutcome> begin_countdown(Store& store, std::string_view lobby_id, const StartOptions& options = {}) {
    return detail::change_lobby(store, lobby_id, StartOutcome::started, [&](Lobby& lobby) {
        if (lobby.state == LobbyState::starting) return StartOutcome::wrong_state;
        const StartOutcome outcome = start_outcome(lobby, options);
        if (outcome == StartOutcome::started) lobby.state = LobbyState::starting;
        return outcome;
    });
}

/// Calls a countdown off: the lobby waits for players again. `conflict`: it is not in its countdown; `not_found`: no such lobby.
template <class Store>
[[nodiscard]] Status cancel_countdown(Store& store, std::string_view lobby_id) {
    const auto done = store.transaction([&](auto& tx) -> Status {
        return tx.template update<Lobby>(lobby_id, [&](Lobby& lobby) -> Status {
            if (lobby.state != LobbyState::starting) {
                return failure(Errc::conflict, "lobby:" + detail::printable(lobby_id) + " is not in its countdown");
            }
            lobby.state = LobbyState::waiting;
            return {};
        });
    });
    if (!done) return failure(done.error());
    return {};
}

/// Closes the lobby, whatever its state; its players stay listed. Closing it again is no error. `not_found`: no such lobby.
template <class Store>
[[nodiscard]] Status close_lobby(Store& store, std::string_view lobby_id) {
    const auto saved = store.template update<Lobby>(lobby_id, [](Lobby& lobby) { lobby.state = LobbyState::closed; });
    if (!saved) return failure(saved.error());
    return {};
}

JOINLY_NAMESPACE_END
#endif
