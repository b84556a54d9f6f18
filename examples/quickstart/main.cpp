// The quickstart: what a game does with a store, from a first import to a comparison of all backends and policies.
// Where to read on: work.hpp does the work, in the order of this file's output; import.hpp fills a store from a file.

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "../common/text.hpp"
#include "job.hpp"
#include "temporary.hpp"

namespace quickstart {
using namespace common;

namespace {

joinly::Result<Report> run_on(Backend backend, Policy policy, const Job& job) {
    switch (backend) {
        case Backend::sqlite: return run_on_sqlite(policy, job);
        case Backend::leveldb: return run_on_leveldb(policy, job);
        case Backend::memory: return run_on_memory(policy, job);
    }
    return joinly::failure(joinly::Errc::unsupported);
}

joinly::Status main_job(const Options& options, const std::filesystem::path& temporary, Messages& messages) {
    const std::string usual_name = options.backend == Backend::leveldb ? "joinly_leveldb" : "joinly.db";
    const Job job{options, options.database.empty() ? (temporary / usual_name).string() : options.database, 0, messages};
    auto report = run_on(options.backend, options.policy, job);
    messages.end_of_bad_lines();
    if (!report) return joinly::failure(report.error());
    print(*report, options, job.path);
    if (!report->shown_lobby_id.empty() && !report->shown_lobby) messages.missing_lobby(report->shown_lobby_id);
    return {};
}

joinly::Status compare_all(const Options& options, const std::filesystem::path& temporary, Messages& messages) {
    for (const auto& file : {options.players, options.lobbies}) {
        if (std::error_code ignored; file.empty() || std::filesystem::is_regular_file(file, ignored)) continue;
        messages.note("no comparison: " + printable(file) + " is no regular file, and may not be read twice");
        return {};
    }
    print_table_heading(options);
    for (const Backend backend : backends) {
        for (const Policy policy : policies) {
            const std::string name = std::string{name_of(backend)} + '-' + std::string{name_of(policy)};
            const std::string path = (temporary / name).string();
            auto report = run_on(backend, policy, Job{options, path, options.compare_rows, messages});
            if (!report) return joinly::failure(report.error());
            print_table_row(*report, backend, policy);
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
    }
    std::fputs("\n", stdout);
    return {};
}

/// @return the program's exit code
int run_program(const Options& options) {
    Messages messages;
    const auto give_up = [&](std::string_view why) {
        messages.note("quickstart: " + printable(why, 2000));
        return 2;
    };
    const TemporaryDirectory temporary;
    if (temporary.path().empty()) return give_up("cannot make a temporary directory");
    if (options.backend == Backend::memory && !options.database.empty()) messages.note("--db means nothing to memory");

    if (auto done = main_job(options, temporary.path(), messages); !done) return give_up(done.error().message());
    if (options.compare) {
        if (auto done = compare_all(options, temporary.path(), messages); !done) return give_up(done.error().message());
    }
    std::fputs(("Bad lines: " + grouped(messages.bad_lines()) + '\n').c_str(), stdout);
    if (std::fflush(stdout) != 0) return give_up("cannot write the report");
    return messages.complaints() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace quickstart

int main(int argc, char** argv) {
    const auto parsed = quickstart::parse_command_line(argc, argv);
    return parsed.exit_code ? *parsed.exit_code : quickstart::run_program(parsed.options);
}
