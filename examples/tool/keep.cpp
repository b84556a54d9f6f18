// backup, restore, repair: copies that have been proved to be good, and what to do without one.

#include "keep.hpp"

#include "../common/text.hpp"
#include "commands.hpp"
#include "interruption.hpp"
#include "json_line.hpp"

namespace tool {
namespace {

/// For the library's progress functions: shows how far it is, and asks to stop when the user does.
auto progress_on(Console& console, std::uint64_t total_bytes) {
    return [&console, total_bytes](const joinly::BackupProgress& so_far) {
        const bool copying = so_far.phase == joinly::BackupProgress::Phase::copying;
        console.progress(copying ? "copying (bytes)" : "checking (bytes)", so_far.bytes, total_bytes);
        return !Interruption::requested();
    };
}

std::string kinds_as_json(const joinly::Inventory& inventory) {
    JsonLine kinds;
    for (const auto& [kind, counts] : inventory.kinds) kinds.number(kind, counts.records);
    return kinds.str();
}

void print_backup(const joinly::BackupReport& report, Console& console) {
    const auto& manifest = report.manifest;
    if (console.json()) {
        JsonLine line;
        line.text("backup", report.path).text("engine", manifest.engine).number("version", std::uint64_t{manifest.version});
        line.number("bytes", manifest.bytes).number("records", manifest.inventory.total().records);
        console.line(
            line.value("kinds", kinds_as_json(manifest.inventory)).number("removed", std::uint64_t{report.removed.size()}).str());
    } else {
        console.line(report.path);
        console.note("copied and compared: " + common::grouped(manifest.inventory.total().records) + " records, " +
                     common::file_size(manifest.bytes));
    }
    for (const std::string& removed : report.removed) console.note("removed " + removed);
}

void print_salvage(const joinly::SqliteSalvage& salvage, const std::string& into, Console& console) {
    if (console.json()) {
        std::string keys;
        for (const std::string& key : salvage.lost_keys) keys.append(keys.empty() ? "" : ",").append(json_string(key));
        std::string gaps;
        for (const std::string& gap : salvage.gaps) gaps.append(gaps.empty() ? "" : ",").append(json_string(gap));
        JsonLine line;
        line.text("into", into).number("records", salvage.records).number("lost", salvage.lost);
        line.value("lost_keys", '[' + keys + ']').value("gaps", '[' + gaps + ']');
        console.line(line.boolean("may_lack_names", salvage.may_lack_names).str());
        return;
    }
    for (const std::string& key : salvage.lost_keys) console.line(key);
    for (const std::string& gap : salvage.gaps) console.note("cannot be read: " + gap);
    if (salvage.may_lack_names) console.note("the index of keys is damaged, too: more may be lost than is told");
    console.note(into + " has " + common::grouped(salvage.records) + " records, the library's own included; " +
                 common::grouped(salvage.lost) + " are lost");
}

}  // namespace

Exit backup(const BackupCommandOptions& options, Console& console) {
    const auto place = parse_place(options.store);
    if (!place) return console.give_up(place.error());
    if (!place->exists()) return console.give_up({joinly::Errc::not_found, "there is no store at " + place->text()});
    const Interruption interruption;
    const auto back_up = place->engine == EngineName::sqlite ? back_up_sqlite : back_up_leveldb;
    const auto report = back_up(place->path, options.directory,
                                {.name = options.name, .keep = options.keep, .on_progress = progress_on(console, 0)});
    if (!report && report.error() == joinly::Errc::cancelled) {
        console.note("interrupted: there is no new backup, and the old ones are as they were; run the same command again");
        return Exit::interrupted;
    }
    if (!report) return console.fail(report.error());
    print_backup(*report, console);
    if (!report->pruned) {
        console.note("older backups are still there: " + std::string{report->pruned.error().message()});
        return Exit::failed;
    }
    return Exit::done;
}

Exit restore(const RestoreCommandOptions& options, Console& console) {
    const auto manifest = joinly::read_backup_manifest(options.backup);
    if (!manifest) return console.fail_to_open(manifest.error());
    auto place = parse_place(options.store);
    if (!place && options.store.find(':') == std::string::npos)  // nothing is there: the backup says what it will be
        place = parse_place(manifest->engine + ':' + options.store);
    if (!place) return console.give_up(place.error());
    const Interruption interruption;
    const auto restore_on = place->engine == EngineName::sqlite ? restore_sqlite : restore_leveldb;
    const auto report = restore_on(
        options.backup, place->path,
        {.journal = options.journal, .keep_replaced = !options.discard, .on_progress = progress_on(console, manifest->bytes)});
    if (!report && report.error() == joinly::Errc::cancelled) {
        console.note("interrupted: " + place->text() + " is as it was; run the same command again");
        return Exit::interrupted;
    }
    if (!report) return console.fail(report.error());
    if (console.json()) {
        JsonLine line;
        line.text("store", place->text()).number("records", report->manifest.inventory.total().records);
        line.value("kinds", kinds_as_json(report->manifest.inventory)).text("replaced", report->replaced);
        console.line(line.text("replaced_journal", report->replaced_journal).str());
        return Exit::done;
    }
    console.note("restored and compared: " + common::grouped(report->manifest.inventory.total().records) + " records");
    for (const std::string& replaced : {report->replaced, report->replaced_journal}) {
        if (!replaced.empty()) console.note("what was there is now at " + replaced);
    }
    return Exit::done;
}

Exit repair(const RepairOptions& options, Console& console) {
    const auto place = parse_place(options.store);
    if (!place) return console.give_up(place.error());
    if (!place->exists()) return console.give_up({joinly::Errc::not_found, "there is no store at " + place->text()});
    if (place->engine == EngineName::leveldb) {
        if (!options.into.empty())
            return console.give_up({joinly::Errc::invalid_argument, "a LevelDB store is repaired in its place: copy it first"});
        if (console.shows_progress()) console.note("repairing; LevelDB does not tell how far it is");
        const LastWords words{
            "interrupted: nothing is lost, but until the repair is done the store may not open; run the same command again"};
        if (auto repaired = repair_leveldb(place->path); !repaired) return console.give_up(repaired.error());
        console.note("repaired with what can be read; joinly verify " + place->text() + " says whether it is sound");
        return Exit::done;
    }
    if (options.into.empty())
        return console.give_up({joinly::Errc::invalid_argument, "an SQLite store is repaired into a new one: say where to"});
    const auto into = parse_place(options.into.starts_with("sqlite:") ? options.into : "sqlite:" + options.into);
    if (!into) return console.give_up(into.error());
    const Interruption interruption;
    const auto salvage = salvage_sqlite(place->path, into->path, {.on_progress = [&](std::uint64_t records) {
                                            console.progress("saving", records, 0);
                                            return !Interruption::requested();
                                        }});
    if (!salvage && salvage.error() == joinly::Errc::cancelled) {
        console.note("interrupted: nothing is at " + into->text() + "; run the same command again");
        return Exit::interrupted;
    }
    if (!salvage) return console.give_up(salvage.error());
    print_salvage(*salvage, into->text(), console);
    return salvage->lost == 0 && !salvage->may_lack_names ? Exit::done : Exit::no;
}

}  // namespace tool
