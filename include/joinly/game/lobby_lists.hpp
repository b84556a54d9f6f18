#ifndef JOINLY_GAME_LOBBY_LISTS_HPP
#define JOINLY_GAME_LOBBY_LISTS_HPP
// What concerns all lobbies: the open ones near a rating, and the old ones. Both go by indexes of Lobby, so they cost what they
// find and not what there is; a database older than these indexes answers `incompatible` until rebuild_indexes<Lobby>() was called.
//
//     const auto open = joinly::find_open_lobbies(store, player.skill_rating, {.within = 150, .limit = 20});
//     const auto erased = joinly::erase_lobbies_older_than(store, 24h);           // once an hour, say
//
// Any thread.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/result.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/game/lobbies.hpp>
#include <joinly/index/query.hpp>
#include <joinly/loaded.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// Whether somebody who is not in it could join.
[[nodiscard]] inline bool is_open(const Lobby& lobby) {
    return lobby.state == LobbyState::waiting && lobby.players.size() < lobby.max_players && !is_locked(lobby);
}

struct FindLobbyOptions {
    std::uint32_t within = 200;  ///< how far a lobby's rating may lie from the one asked for
    std::size_t limit = 20;      ///< at most so many lobbies
};

namespace detail {

/// The open lobbies that a query asks for, one after the other, a page at a time.
template <class Store>
class OpenLobbies {
public:
    OpenLobbies(Store& store, Query<Lobby> query) : store_{store}, query_{std::move(query)} {}

    /// Has `current()` tell the next one; false: it was the last one, or the store could not tell.
    [[nodiscard]] Result<bool> advance() {
        for (;;) {
            if (next_ == page_.size()) {
                if (is_last_page_) return false;
                auto found = store_.template find<Lobby>(query_.limit(page_size).after(cursor_));
                if (!found) return failure(std::move(found).error());
                page_ = std::move(found->items);
                cursor_ = std::move(found->cursor);
                is_last_page_ = cursor_.empty();
                next_ = 0;
            } else if (is_open(*page_[next_++])) {
                return true;
            }
        }
    }
    [[nodiscard]] const Loaded<Lobby>& current() const { return page_[next_ - 1]; }

private:
    static constexpr std::size_t page_size = 32;
    Store& store_;
    Query<Lobby> query_;
    std::vector<Loaded<Lobby>> page_;
    std::size_t next_ = 0;
    std::string cursor_;
    bool is_last_page_ = false;
};

}  // namespace detail

/// The open lobbies whose rating is nearest to `rating`, the nearest first; of two that are equally near the weaker one. They are
/// as they were when they were read: whether there is still a seat is for join_lobby to say.
///
/// @par Complexity  O(what is returned and the waiting lobbies that are nearer, full and locked ones included), by pages of 32.
template <class Store>
[[nodiscard]] Result<std::vector<Loaded<Lobby>>> find_open_lobbies(Store& store, std::int32_t rating,
                                                                   const FindLobbyOptions& options = {}) {
    const auto waiting = where(&Lobby::state, &Lobby::rating).equals(LobbyState::waiting);
    const std::int64_t centre = rating;
    detail::OpenLobbies<Store> weaker{store, waiting.between(centre - options.within, centre).descending()};
    detail::OpenLobbies<Store> stronger{store, waiting.greater_than(centre).at_most(centre + options.within)};
    const auto distance = [&](const detail::OpenLobbies<Store>& lobbies) {
        const std::int64_t to = lobbies.current()->rating;
        return to < centre ? centre - to : to - centre;
    };
    std::vector<Loaded<Lobby>> nearest;
    std::set<std::string> met;  // one whose rating changes between the pages is met twice
    auto has_weaker = weaker.advance();
    auto has_stronger = stronger.advance();
    while (nearest.size() < options.limit) {
        if (!has_weaker) return failure(std::move(has_weaker).error());
        if (!has_stronger) return failure(std::move(has_stronger).error());
        if (!*has_weaker && !*has_stronger) break;
        const bool take_weaker = *has_weaker && (!*has_stronger || distance(weaker) <= distance(stronger));
        const Loaded<Lobby>& next = take_weaker ? weaker.current() : stronger.current();
        if (met.insert(next->lobby_id).second) nearest.push_back(next);
        (take_weaker ? has_weaker : has_stronger) = (take_weaker ? weaker : stronger).advance();
    }
    return nearest;
}

/// Erases the lobbies that were created more than `age` before `now`, whatever state they are in and whoever sits in them. One that
/// was saved without a `created_at` counts as created in 1970.
///
/// @return how many; `invalid_argument`: the age is negative. After any other error some may have been erased; call again.
/// @par Complexity  O(those that are old), in transactions of up to 64.
template <class Store>
[[nodiscard]] Result<std::size_t> erase_lobbies_older_than(Store& store, Ttl age, WallTime now) {
    if (age.duration().count() < 0) return failure(Errc::invalid_argument, "lobbies cannot be older than a negative age");
    std::size_t erased = 0;
    if (age.duration() > now.time_since_epoch()) return erased;
    const Timestamp oldest_kept = now - age.duration();
    const auto old = where(&Lobby::created_at).less_than(oldest_kept).limit(64);
    std::string cursor;
    do {
        const auto page = store.template find_ids<Lobby>(old.after(cursor));
        if (!page) return failure(page.error());
        std::size_t erased_of_page = 0;
        const auto done = store.transaction([&](auto& tx) -> Status {
            erased_of_page = 0;
            for (const std::string& id : page->ids) {
                const auto lobby = tx.template load<Lobby>(id);
                if (!lobby && lobby.error() == Errc::not_found) continue;
                if (!lobby) return failure(lobby.error());
                if ((*lobby)->created_at >= oldest_kept) continue;  // another one of the same id since
                if (auto gone = tx.template erase<Lobby>(id); !gone) return gone;
                ++erased_of_page;
            }
            return {};
        });
        if (!done) return failure(done.error());
        erased += erased_of_page;
        cursor = page->cursor;
    } while (!cursor.empty());
    return erased;
}

/// As above, by the store's clock.
template <class Store>
[[nodiscard]] Result<std::size_t> erase_lobbies_older_than(Store& store, Ttl age) {
    return erase_lobbies_older_than(store, age, store.now());
}

JOINLY_NAMESPACE_END
#endif
