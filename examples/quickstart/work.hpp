#ifndef QUICKSTART_WORK_HPP
#define QUICKSTART_WORK_HPP
// The work that the quickstart does, whatever the backend and the policy: import, save, open again, ask, load.
// Read `run` first. Results are gathered in a Report; report.cpp prints it.

#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "import.hpp"
#include "job.hpp"

namespace quickstart {

inline constexpr std::size_t single_saves = 300;
inline constexpr std::size_t single_loads = 20'000;

class Stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

template <class Store>
[[nodiscard]] joinly::Status import_both(Store& store, const Job& job, Report& report) {
    const Stopwatch stopwatch;
    auto players = import_file<joinly::Player>(store, job.options.players, job.most_rows, job.messages, [](const auto&) {});
    if (!players) return joinly::failure(players.error());

    report.shown_lobby_id = job.options.lobby;
    std::size_t most_players = 0;
    const auto remember_fullest = [&](const joinly::Lobby& lobby) {
        if (!job.options.lobby.empty() || lobby.players.size() <= most_players) return;
        most_players = lobby.players.size();
        report.shown_lobby_id = lobby.lobby_id;
    };
    auto lobbies = import_file<joinly::Lobby>(store, job.options.lobbies, job.most_rows, job.messages, remember_fullest);
    if (!lobbies) return joinly::failure(lobbies.error());

    if (auto stored = store.flush(); !stored) return stored;
    report.rows_imported = {*players, *lobbies};
    report.import_seconds = stopwatch.seconds();
    return {};
}

/// What a game does all day: a save of one player at a time. Each saves what is there already.
template <class Store>
[[nodiscard]] joinly::Status save_singly(Store& store, Report& report) {
    auto ids = store.template ids<joinly::Player>({.limit = single_saves});
    if (!ids) return joinly::failure(ids.error());
    std::vector<joinly::Player> players;
    for (auto& player : store.template load_many<joinly::Player>(*ids)) {
        if (!player) return joinly::failure(player.error());
        players.push_back(**player);
    }

    const Stopwatch stopwatch;
    for (const auto& player : players) {
        if (auto saved = store.save(player); !saved) return joinly::failure(saved.error());
    }
    if (auto stored = store.flush(); !stored) return stored;  // a promise to store soon does not count
    report.saves_per_second = static_cast<double>(players.size()) / stopwatch.seconds();
    return {};
}

/// Everything once, in the order of the keys: counts, who waits, who is best. Keeps ten of each.
template <class Store>
[[nodiscard]] joinly::Status survey(Store& store, Report& report) {
    auto players = store.template for_each<joinly::Player>([&](const auto& player) {
        ++report.players;
        report.best.offer(*player);
    });
    if (!players) return players;
    return store.template for_each<joinly::Lobby>([&](const auto& lobby) {
        ++report.lobbies;
        ++report.lobbies_by_state[lobby->state];
        if (lobby->state == joinly::LobbyState::waiting) report.waiting.offer(*lobby);
    });
}

/// One lobby by its id, and its players in one trip.
template <class Store>
[[nodiscard]] joinly::Status show_lobby(Store& store, Report& report) {
    if (report.shown_lobby_id.empty()) return {};
    auto lobby = store.template load<joinly::Lobby>(report.shown_lobby_id);
    if (!lobby) return lobby.error() == joinly::Errc::not_found ? joinly::Status{} : joinly::failure(lobby.error());
    report.shown_lobby = **lobby;

    for (auto& player : store.template load_many<joinly::Player>((*lobby)->players)) {
        if (!player && player.error() != joinly::Errc::not_found) return joinly::failure(player.error());
        report.shown_players.push_back(player ? std::optional{**player} : std::nullopt);
    }
    return {};
}

/// Loads one of `ids`, some much oftener than others.
template <class T, class Store>
[[nodiscard]] joinly::Status load_a_popular_one(Store& store, const std::vector<std::string>& ids, std::mt19937& random) {
    const double popularity = std::pow(static_cast<double>(random()) / 4294967296.0, 3);
    const auto& id = ids[static_cast<std::size_t>(popularity * static_cast<double>(ids.size()))];
    if (auto loaded = store.template load<T>(id); !loaded) return joinly::failure(loaded.error());
    return {};
}

/// What players ask for: who somebody is, and now and then a lobby.
template <class Store>
[[nodiscard]] joinly::Status load_singly(Store& store, Report& report) {
    auto players = store.template ids<joinly::Player>({.limit = 5000});
    if (!players) return joinly::failure(players.error());
    auto lobbies = store.template ids<joinly::Lobby>({.limit = 1000});
    if (!lobbies) return joinly::failure(lobbies.error());

    if (players->empty() && lobbies->empty()) return {};

    std::mt19937 random{1};  // the same ones in every run
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < single_loads; ++i) {
        const bool a_lobby = players->empty() || (i % 5 == 0 && !lobbies->empty());
        auto loaded = a_lobby ? load_a_popular_one<joinly::Lobby>(store, *lobbies, random)
                              : load_a_popular_one<joinly::Player>(store, *players, random);
        if (!loaded) return loaded;
    }
    report.loads_per_second = static_cast<double>(single_loads) / stopwatch.seconds();
    return {};
}

template <class Store>
[[nodiscard]] joinly::Status fill(Store& store, const Job& job, Report& report) {
    if (auto done = import_both(store, job, report); !done) return done;
    if (auto done = save_singly(store, report); !done) return done;
    auto size = store.size_on_disk();  // while the store is open: closing folds the write-ahead log into the database
    if (!size) return joinly::failure(size.error());
    report.bytes_on_disk = *size;
    return {};
}

template <class Store>
[[nodiscard]] joinly::Status ask(Store& store, const Stopwatch& since_opening, Report& report) {
    if (auto done = survey(store, report); !done) return done;
    report.reload_seconds = since_opening.seconds();
    if (auto done = show_lobby(store, report); !done) return done;
    if (auto done = load_singly(store, report); !done) return done;
    report.cache = store.stats().cache;
    return {};
}

/// @tparam outlives_store  whether a store that is opened later finds what an earlier one has stored
template <class Backend, class CachePolicy, bool outlives_store>
[[nodiscard]] joinly::Status run(const Job& job, const typename Backend::Options& options, Report& report) {
    {
        auto store = joinly::open<Backend, CachePolicy>(options);
        if (!store) return joinly::failure(store.error());
        if (auto done = fill(*store, job, report); !done) return done;
        if constexpr (!outlives_store) return ask(*store, Stopwatch{}, report);
        if (auto closed = store->close(); !closed) return closed;
    }
    const Stopwatch stopwatch;
    auto store = joinly::open<Backend, CachePolicy>(options);
    if (!store) return joinly::failure(store.error());
    return ask(*store, stopwatch, report);
}

template <class Backend, bool outlives_store = true>
[[nodiscard]] joinly::Result<Report> run_under(Policy policy, const Job& job, const typename Backend::Options& options) {
    Report report;
    joinly::Status done;
    switch (policy) {
        case Policy::no_cache: done = run<Backend, joinly::NoCache, outlives_store>(job, options, report); break;
        case Policy::read_through: done = run<Backend, joinly::ReadThrough, outlives_store>(job, options, report); break;
        case Policy::write_through: done = run<Backend, joinly::WriteThrough, outlives_store>(job, options, report); break;
        case Policy::write_behind: done = run<Backend, joinly::WriteBehind, outlives_store>(job, options, report); break;
    }
    if (!done) return joinly::failure(done.error());
    return report;
}

}  // namespace quickstart
#endif
