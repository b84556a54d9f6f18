#ifndef QUICKSTART_REPORT_HPP
#define QUICKSTART_REPORT_HPP
// What the work found and what it took, and how that is printed.

#include <joinly/cache/stats.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "best.hpp"
#include "options.hpp"

namespace quickstart {

struct HigherRating {
    bool operator()(const joinly::Player& left, const joinly::Player& right) const {
        return left.skill_rating > right.skill_rating;
    }
};
struct WaitsLonger {
    bool operator()(const joinly::Lobby& left, const joinly::Lobby& right) const { return left.created_at < right.created_at; }
};

struct Report {
    struct {
        std::uint64_t players = 0;
        std::uint64_t lobbies = 0;
    } rows_imported;
    double import_seconds = 0;
    double saves_per_second = 0;
    std::uint64_t bytes_on_disk = 0;

    double reload_seconds = 0;
    std::uint64_t players = 0;
    std::uint64_t lobbies = 0;
    std::map<joinly::LobbyState, std::uint64_t> lobbies_by_state;
    Best<joinly::Player, HigherRating, 10> best;
    Best<joinly::Lobby, WaitsLonger, 10> waiting;

    std::string shown_lobby_id;  // empty: there was none to show
    std::optional<joinly::Lobby> shown_lobby;
    std::vector<std::optional<joinly::Player>> shown_players;  // as in the lobby; nullopt: not in the store

    double loads_per_second = 0;
    joinly::CacheStats cache;
};

/// Everything about one run, on stdout.
void print(const Report& report, const Options& options, const std::string& path);

/// The comparison: a heading once, then a line for each run.
void print_table_heading(const Options& options);
void print_table_row(const Report& report, Backend backend, Policy policy);

}  // namespace quickstart
#endif
