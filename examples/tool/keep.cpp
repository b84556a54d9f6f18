// backup, restore, repair, reindex: copies that have been proved to be good, and what to do without one.

#include "keep.hpp"

#include "../common/text.hpp"
#include "any_store.hpp"
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

std::string json_array(const std::vector<std::string>& texts) {
    std::string array;
    for (const std::string& text : texts) array.append(array.empty() ? "[" : ",").append(json_string(text));
    return array.empty() ? "[]" : array + ']';
}

/// The kinds whose indexes were built, which is the last thing to be done for a store that has lost records.
joinly::Result<std::vector<std::string>> rebuild_indexes(const std::string& place) {
    const auto opened = open_store(place, Access::write);
    if (!opened) return joinly::failure(opened.error());
    std::vector<std::string> built;
    const auto done = opened->store->rebuild_indexes([&](std::string_view kind) { built.emplace_back(kind); });
    if (!done) return joinly::failure(done.error());
    return built;
}

void note_rebuilt(const std::vector<std::string>& kinds, Console& console) {
    for (const std::string& kind : kinds) console.note("the indexes of " + kind + " were built anew");
}

constexpr std::string_view why_names_lack(const joinly::SqliteSalvage&) {
    return "the index of keys is damaged, too: more may be lost than is told";
}
constexpr std::string_view why_names_lack(const joinly::LevelDbRepair&) {
    return "what was there is not known: records may be lost, or be as they were before, and erased ones be back";
}

/// Says what is now in `store`, of which `saved` was kept, and builds its indexes where they are not whole.
template <class Saved>
Exit finish_repair(const Saved& saved, const std::string& store, Console& console) {
    const auto rebuilt = rebuild_indexes(store);
    if (console.json()) {
        JsonLine line;
        line.text("into", store).number("records", saved.records).number("lost", saved.lost);
        line.value("lost_keys", json_array(saved.lost_keys)).value("gaps", json_array(saved.gaps));
        line.boolean("may_lack_names", saved.may_lack_names);
        console.line(line.value("rebuilt", rebuilt ? json_array(*rebuilt) : "null").str());
    } else {
        for (const std::string& key : saved.lost_keys) console.line(key);
        for (const std::string& gap : saved.gaps) console.note("cannot be read: " + gap);
        if (saved.may_lack_names) console.note(why_names_lack(saved));
        console.note(store + " has " + common::grouped(saved.records) + " records, the library's own included; " +
                     common::grouped(saved.lost) + (saved.lost == 1 ? " is lost" : " are lost"));
        if (rebuilt) note_rebuilt(*rebuilt, console);
    }
    if (!rebuilt) {
        console.note("its indexes may not be whole: " + std::string{rebuilt.error().message()} + "; then joinly reindex " + store);
        return Exit::no;
    }
    return saved.lost == 0 && !saved.may_lack_names ? Exit::done : Exit::no;
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
        const auto repaired = repair_leveldb(place->path);
        return repaired ? finish_repair(*repaired, place->text(), console) : console.give_up(repaired.error());
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
    return finish_repair(*salvage, into->text(), console);
}

Exit reindex(const ReindexOptions& options, Console& console) {
    const LastWords words{"interrupted: indexes that are not whole are not asked; run the same command again"};
    const auto rebuilt = rebuild_indexes(options.store);
    if (!rebuilt) return console.fail_to_open(rebuilt.error());
    if (console.json()) {
        console.line(JsonLine{}.text("store", options.store).value("rebuilt", json_array(*rebuilt)).str());
        return Exit::done;
    }
    note_rebuilt(*rebuilt, console);
    if (rebuilt->empty()) console.note("all indexes are whole: there was nothing to do");
    return Exit::done;
}

}  // namespace tool
