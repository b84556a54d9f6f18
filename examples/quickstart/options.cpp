#include "options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace quickstart {
namespace {

constexpr const char* about =
    "Reads players and lobbies from JSON Lines files, keeps them in an embedded\n"
    "database, opens it again and answers from it. Without --backend and --policy it\n"
    "does so with SQLite under write-behind, and then compares every backend under\n"
    "every policy.";

constexpr const char* more =
    "A row is a JSON object on a line of its own, such as\n"
    "  {\"player_id\": \"p1\", \"username\": \"Ada\", \"skill_rating\": 1200}\n"
    "  {\"lobby_id\": \"l1\", \"state\": \"waiting\", \"players\": [\"p1\"], \"max_players\": 4}\n"
    "Of rows with the same id the last one counts. examples/data/generate.py writes\n"
    "files of any size.\n\n"
    "Exit code: 0 every row was kept; 1 some lines were bad, and have been named;\n"
    "2 it could not be done.";

constexpr const char* database_help =
    "where to keep the database: a file for sqlite, a\n"
    "directory for leveldb; rows are added to what is there\n"
    "[a temporary directory, removed at the end]";

constexpr const char* policy_help =
    "only this one [write-behind]:\n"
    "  no-cache       ask the database every time\n"
    "  read-through   keep in memory what was read\n"
    "  write-through  and what was written\n"
    "  write-behind   answer at once, store soon after";

std::string whole_number(const std::string& text) {
    return text.find_first_not_of("0123456789") == std::string::npos ? "" : text + " is no whole number";
}

template <class Values>
std::vector<std::string> names_of(const Values& values) {
    std::vector<std::string> names;
    for (const auto value : values) names.emplace_back(name_of(value));
    return names;
}

template <class Values>
auto named(const Values& values, const std::string& name) {
    return *std::find_if(values.begin(), values.end(), [&](auto value) { return name_of(value) == name; });
}

}  // namespace

Parsed parse_command_line(int argc, char** argv) {
    Parsed parsed;
    Options& options = parsed.options;
    CLI::App app{about, "quickstart"};
    app.get_formatter()->column_width(22);
    app.footer(more);
    // The last one wins, so that a script can put defaults of its own in front.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("--players", options.players, "players to import [examples/data/players.jsonl]")->type_name("FILE");
    app.add_option("--lobbies", options.lobbies, "lobbies to import [examples/data/lobbies.jsonl]")->type_name("FILE");
    app.add_option("--lobby", options.lobby, "the lobby to show [the fullest one]")->type_name("ID");
    app.add_option("--db", options.database, database_help)->type_name("PATH");
    std::string backend;
    app.add_option("--backend", backend, "only this one: sqlite, leveldb or memory [sqlite]")
        ->type_name("NAME")
        ->check(CLI::IsMember(names_of(backends)).description(""));
    std::string policy;
    app.add_option("--policy", policy, policy_help)->type_name("NAME")->check(CLI::IsMember(names_of(policies)).description(""));
    app.add_option("--compare-rows", options.compare_rows, "rows of each file that are compared on; 0: all [20000]")
        ->type_name("N")
        ->check(whole_number, "");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
        return parsed;
    }
    if (!backend.empty()) options.backend = named(backends, backend);
    if (!policy.empty()) options.policy = named(policies, policy);
    options.compare = backend.empty() && policy.empty();
    return parsed;
}

}  // namespace quickstart
