#include "report.hpp"

#include <cstddef>
#include <cstdio>
#include <string_view>

#include "../common/text.hpp"

namespace quickstart {
using namespace common;

namespace {

void line(const std::string& text = {}) { std::fputs((text + '\n').c_str(), stdout); }

std::string left(std::string_view text, std::size_t width) {
    return std::string{text} + std::string(text.size() < width ? width - text.size() : 0, ' ');
}

std::string count_of(std::uint64_t number, std::string_view one, std::string_view many) {
    return grouped(number) + ' ' + std::string{number == 1 ? one : many};
}

std::string per_second(double rate) { return grouped(static_cast<std::uint64_t>(rate)); }

std::string rating(std::int32_t number) {
    const auto size = static_cast<std::uint64_t>(number < 0 ? -std::int64_t{number} : std::int64_t{number});
    return number < 0 ? '-' + grouped(size) : grouped(size);
}

constexpr std::string_view name_of(joinly::LobbyState state) noexcept {
    std::string_view name = "?";
    joinly::Entity<joinly::LobbyState>::values([&](joinly::LobbyState value, std::string_view text) {
        if (value == state) name = text;
    });
    return name;
}

// Names come last in a line: how wide they are on a screen, only the screen knows.
void player_line(const joinly::Player& player) {
    line("  " + right(rating(player.skill_rating), 6) + "  " + left(printable(player.player_id, 24), 16) + "  " +
         printable(player.username, 40));
}

void print_import(const Report& report, const Options& options) {
    line("Imported in " + fixed(report.import_seconds, 3) + " s, and stored");
    const auto rows = [](std::uint64_t number, const char* what, const std::string& file) {
        if (!file.empty()) line("  " + right(grouped(number), 9) + what + printable(file));
    };
    rows(report.rows_imported.players, " players  from ", options.players);
    rows(report.rows_imported.lobbies, " lobbies  from ", options.lobbies);
    if (report.saves_per_second == 0) return;  // there are no players
    line("  Then players saved one by one: " + per_second(report.saves_per_second) + " a second, until stored");
}

void print_counts(const Report& report, const Options& options) {
    const bool reopened = options.backend != Backend::memory;
    line((reopened ? "Opened again and read in " : "Read (memory does not outlive its store) in ") +
         fixed(report.reload_seconds, 3) + " s");
    line("  " + right(grouped(report.players), 9) + " players");
    std::string states;
    for (const auto& [state, count] : report.lobbies_by_state) {
        states += (states.empty() ? "  " : ", ") + grouped(count) + ' ' + std::string{name_of(state)};
    }
    line("  " + right(grouped(report.lobbies), 9) + " lobbies" + states);
}

void print_lobby(const Report& report) {
    line("The lobby " + printable(report.shown_lobby_id, 60));
    if (!report.shown_lobby) return line("  is not there.");
    const joinly::Lobby& lobby = *report.shown_lobby;
    line("  " + std::string{name_of(lobby.state)} + ", " + std::to_string(lobby.players.size()) + " of " +
         std::to_string(lobby.max_players) + " players, since " + utc(lobby.created_at) + " UTC");
    for (const auto& [name, value] : lobby.attributes) line("  " + printable(name, 20) + ": " + printable(value, 50));
    line("  rating  player            name");
    for (std::size_t at = 0; at < report.shown_players.size(); ++at) {
        if (report.shown_players[at]) {
            player_line(*report.shown_players[at]);
        } else {
            line("       -  " + left(printable(lobby.players[at], 24), 16) + "  (not in the store)");
        }
    }
}

void print_waiting(const Report& report) {
    const auto total = report.lobbies_by_state.find(joinly::LobbyState::waiting);
    line("Waiting lobbies: " + grouped(total == report.lobbies_by_state.end() ? 0 : total->second) +
         "; those that have waited longest");
    line("  since (UTC)          players  lobby");
    for (const auto& lobby : report.waiting.items()) {
        const std::string players = std::to_string(lobby.players.size()) + " of " + std::to_string(lobby.max_players);
        line("  " + utc(lobby.created_at) + "  " + right(players, 7) + "  " + printable(lobby.lobby_id, 40));
    }
}

void print_best(const Report& report) {
    line("The best players by rating");
    line("  rating  player            name");
    for (const auto& player : report.best.items()) player_line(player);
}

void print_cache(const Report& report) {
    line("Cache, after lobbies and players were loaded at " + per_second(report.loads_per_second) + " a second");
    line("  hit rate " + fixed(report.cache.hit_rate_percent(), 1) + " %  (" + count_of(report.cache.hits, "hit", "hits") + ", " +
         count_of(report.cache.misses, "miss", "misses") + ")");
    line("  size " + grouped(report.cache.size) + '/' + grouped(report.cache.max_size) + " entries");
}

void print_size(const Report& report, const Options& options) {
    switch (options.backend) {
        case Backend::sqlite: return line("Database size: " + file_size(report.bytes_on_disk) + ", write-ahead log included");
        case Backend::leveldb: return line("Database size: " + file_size(report.bytes_on_disk) + ", log included");
        case Backend::memory: return line("Database size: nothing on disk");
    }
}

}  // namespace

void print(const Report& report, const Options& options, const std::string& path) {
    line("Joinly Storage: " + std::string{name_of(options.backend)} + " under " + std::string{name_of(options.policy)});
    if (options.backend != Backend::memory) line("  " + printable(path));
    line();
    print_import(report, options);
    line();
    print_counts(report, options);
    line();
    if (!report.shown_lobby_id.empty()) {
        print_lobby(report);
        line();
    }
    print_waiting(report);
    line();
    print_best(report);
    line();
    print_cache(report);
    line();
    print_size(report, options);
    line();
    std::fflush(stdout);
}

void print_table_heading(const Options& options) {
    line("The same work on every backend under every policy");
    if (options.compare_rows != 0) line("  (at most " + grouped(options.compare_rows) + " rows of each file: --compare-rows)");
    line("  import    read, decode and save both files, until stored");
    line("  saves     of one player each, until stored; sqlite and leveldb fsync what");
    line("            they return (Sync::power_loss, the default)");
    line("  reload    open again and read everything; memory only reads");
    line("  loads     of one lobby or player each; hits: what the cache answered");
    line();
    line("backend policy        import s   saves/s reload s    loads/s   hits  on disk");
    std::fflush(stdout);
}

void print_table_row(const Report& report, Backend backend, Policy policy) {
    const bool caches = policy != Policy::no_cache;
    line(left(name_of(backend), 8) + left(name_of(policy), 14) + right(fixed(report.import_seconds, 3), 8) +
         right(per_second(report.saves_per_second), 10) + right(fixed(report.reload_seconds, 3), 9) +
         right(per_second(report.loads_per_second), 11) + right(caches ? fixed(report.cache.hit_rate_percent(), 1) + '%' : "-", 7) +
         right(backend == Backend::memory ? "-" : file_size(report.bytes_on_disk), 9));
    std::fflush(stdout);
}

}  // namespace quickstart
