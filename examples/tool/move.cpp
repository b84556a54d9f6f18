// dump, load, migrate: everything that a store holds, as text or into another store.

#include "move.hpp"

#include <joinly/core/key.hpp>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "../common/text.hpp"
#include "commands.hpp"
#include "interruption.hpp"
#include "json_line.hpp"
#include "lines.hpp"
#include "work_directory.hpp"

namespace tool {
namespace {

/// For a progress bar, and 0 where nobody sees one.
std::uint64_t count_records(Engine& engine, Console& console) {
    std::uint64_t records = 0;
    if (!console.shows_progress()) return 0;
    const auto scanned = engine.scan(joinly::user_keys(), [&](std::string_view, const joinly::RecordView&) {
        if (++records % 4'096 == 0) console.progress("counting", records, 0);
        return !Interruption::requested();
    });
    return scanned ? records : 0;
}

/// Whether what hinders may pass, and the work can go on then.
bool may_pass(const joinly::Error& error) {
    return error == joinly::Errc::full || error == joinly::Errc::io || error == joinly::Errc::busy;
}

/// Says what was done and how to go on.
Exit interrupted(const std::string& text, Console& console) {
    console.note("interrupted: " + text);
    return Exit::interrupted;
}

/// As the command to go on with has to have them.
std::string raw_kinds_again(const std::vector<std::string>& kinds) {
    std::string text;
    for (const std::string& kind : kinds) text.append(" --raw-kind ").append(kind);
    return text;
}

std::optional<joinly::Existing> existing_named(const std::string& name) {
    constexpr std::array names{"refuse", "overwrite", "skip"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (name == names[i]) return static_cast<joinly::Existing>(i);
    }
    return std::nullopt;
}

std::string_view name_of(joinly::MigrateProgress::Stage stage) {
    switch (stage) {
        case joinly::MigrateProgress::Stage::counting: return "counting";
        case joinly::MigrateProgress::Stage::copying: return "copying";
        case joinly::MigrateProgress::Stage::verifying: return "verifying";
    }
    return "";
}

void print_report(const joinly::MigrateReport& report, Console& console) {
    if (console.json()) {
        JsonLine kinds;
        for (const auto& [kind, counts] : report.records.kinds) kinds.number(kind, counts.records);
        JsonLine line;
        line.value("kinds", kinds.str()).number("written", report.written).number("erased", report.erased);
        console.line(line.boolean("finished", report.is_finished).str());
        return;
    }
    for (const auto& [kind, counts] : report.records.kinds)
        console.line(common::right(common::grouped(counts.records), 14) + "  " + (kind.empty() ? "(no kind)" : kind));
}

}  // namespace

Exit dump(const DumpCommandOptions& options, Console& console) {
    const Interruption interruption;
    const auto from = open_store(options.store, Access::read);
    if (!from) return console.fail_to_open(from.error());
    auto output = LineOutput::open(options.file, options.force);
    if (!output) return console.give_up(output.error());
    const std::uint64_t total = count_records(*from->engine, console);
    const auto report = dump_store(*from, [&](std::string_view line) { return output->line(line); },
                                   {.progress = [&](const joinly::DumpReport& so_far) {
                                       console.progress("dumping", so_far.records, total);
                                       return !Interruption::requested();
                                   }});
    if (!report) return console.fail(report.error());
    if (!report->is_finished) {
        return interrupted(options.file == "-" ? "the dump has no end, and load will say so; run the same command again"
                                               : options.file + " was not written; run the same command again",
                           console);
    }
    if (auto written = output->finish(); !written) return console.give_up(written.error());
    console.note("dumped " + common::grouped(report->records) + " records, the library's own included; " +
                 common::grouped(report->readable) + " with readable values");
    return Exit::done;
}

Exit load(const LoadCommandOptions& options, Console& console) {
    const Interruption interruption;
    const auto existing = existing_named(options.existing);
    if (!existing)
        return console.give_up(
            {joinly::Errc::invalid_argument, "--existing is refuse, overwrite or skip, not '" + options.existing + "'"});
    auto input = LineInput::open(options.file);
    if (!input) return console.give_up(input.error());
    const auto into = open_store(options.store, Access::create);
    if (!into) return console.fail_to_open(into.error());
    const auto source = [&](std::string& line) -> joinly::Result<bool> {
        if (Interruption::requested()) return joinly::failure(joinly::Errc::timed_out, "interrupted");
        return input->next(line);
    };
    const auto report = load_store(
        *into, source, {.existing = *existing, .raw_kinds = options.raw_kinds, .progress = [&](const joinly::LoadReport&) {
                            console.progress("loading (bytes)", input->bytes_read(), input->bytes());
                            return !Interruption::requested();
                        }});
    const std::string how_to_go_on = "what was loaded stays; to go on: joinly load " + options.store + ' ' + options.file +
                                     (*existing == joinly::Existing::overwrite ? " --existing overwrite" : " --existing skip") +
                                     raw_kinds_again(options.raw_kinds);
    if (Interruption::requested() && !(report && report->is_finished)) return interrupted(how_to_go_on, console);
    if (!report && may_pass(report.error())) console.note(how_to_go_on);
    if (!report) return console.fail(report.error());
    if (console.json()) {
        console.line(JsonLine{}.number("loaded", report->loaded).number("skipped", report->skipped).str());
    } else {
        console.note("loaded " + common::grouped(report->loaded) + " records" +
                     (report->skipped == 0 ? "" : "; " + common::grouped(report->skipped) + " were there already"));
    }
    return Exit::done;
}

Exit migrate(const MigrateCommandOptions& options, Console& console) {
    const Interruption interruption;
    const auto from = open_store(options.from, Access::read);
    if (!from) return console.fail_to_open(from.error());
    auto place = parse_place(options.into);
    if (!place) return console.give_up(place.error());
    if (std::error_code ignored; std::filesystem::equivalent(from->place.path, place->path, ignored))
        return console.give_up(
            {joinly::Errc::invalid_argument, options.into + " is the store itself: a migration goes into another one"});
    // A dry run looks whether everything can be read and converted, and must not leave a store where none was.
    std::optional<WorkDirectory> aside;
    if (options.dry_run && !place->exists()) {
        if (aside.emplace().path().empty())
            return console.give_up(joinly::Error{joinly::Errc::io, "no directory could be made for the dry run"});
        place->path = aside->path() + "/dry_run";
    }
    const auto into = open_store(place->text(), Access::create, from->codec);
    if (!into) return console.fail_to_open(into.error());
    const auto report = migrate_store(
        *from, *into,
        {.dry_run = options.dry_run, .raw_kinds = options.raw_kinds, .progress = [&](const joinly::MigrateProgress& so_far) {
             console.progress(name_of(so_far.stage), so_far.records, so_far.of);
             return !Interruption::requested();
         }});
    if (!report && report.error() == joinly::Errc::unsupported)
        console.note("--raw-kind KIND copies the records of a kind as they are: for those that are no entities");
    const std::string how_to_go_on = "what was copied stays; the same command goes on: joinly migrate " + options.from + ' ' +
                                     options.into + raw_kinds_again(options.raw_kinds);
    if (!report && may_pass(report.error()) && !options.dry_run) console.note(how_to_go_on);
    if (!report) return console.fail(report.error());
    if (!report->is_finished && Interruption::requested())
        return interrupted(options.dry_run ? "nothing was written; run the same command again" : how_to_go_on, console);
    print_report(*report, console);
    if (options.dry_run) {
        console.note("a dry run: all of it can be migrated, and nothing was written");
    } else {
        console.note("migrated and compared; " + common::grouped(report->written) +
                     " records were written by this run, the library's own included");
    }
    return Exit::done;
}

}  // namespace tool
