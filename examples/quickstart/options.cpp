#include "options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace quickstart {
namespace {

// What --help prints. examples/run prints it as well, before there is a program.
constexpr std::string_view help =
#include "help.txt"
    ;

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
    CLI::App app;
    app.formatter_fn([](const CLI::App*, std::string, CLI::AppFormatMode) { return std::string{help.substr(1)}; });
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("--players", options.players);
    app.add_option("--lobbies", options.lobbies);
    app.add_option("--lobby", options.lobby);
    app.add_option("--db", options.database);
    std::string backend;
    app.add_option("--backend", backend)->check(CLI::IsMember(names_of(backends)).description(""));
    std::string policy;
    app.add_option("--policy", policy)->check(CLI::IsMember(names_of(policies)).description(""));
    app.add_option("--compare-rows", options.compare_rows)->check(whole_number, "");
    std::string sample = "examples/data";
    app.add_option("--sample", sample);  // for examples/run, which may be called from anywhere
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
        return parsed;
    }
    if (options.players.empty() && options.lobbies.empty()) {
        options.players = sample + "/players.jsonl";
        options.lobbies = sample + "/lobbies.jsonl";
    }
    if (!backend.empty()) options.backend = named(backends, backend);
    if (!policy.empty()) options.policy = named(policies, policy);
    options.compare = backend.empty() && policy.empty();
    return parsed;
}

}  // namespace quickstart
