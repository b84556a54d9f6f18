// put, erase, sweep: changes of single records.

#include <joinly/core/key.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

#include "../common/text.hpp"
#include "any_store.hpp"
#include "commands.hpp"
#include "interruption.hpp"
#include "json_line.hpp"
#include "key_text.hpp"
#include "parse.hpp"

namespace tool {
namespace {

joinly::Result<std::string> read_stdin() {
    std::string all;
    std::array<char, 64 * 1024> buffer;
    for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), stdin)) != 0;) all.append(buffer.data(), got);
    if (std::ferror(stdin) != 0) return joinly::failure(joinly::Errc::io, "stdin cannot be read");
    return all;
}

joinly::Result<joinly::SaveOptions> save_options(const PutOptions& options) {
    joinly::SaveOptions save;
    const auto ttl = parse_duration(options.ttl);
    if (!ttl) return joinly::failure(ttl.error());
    if (*ttl) save.ttl = **ttl;
    const auto expect = parse_expected(options.expect);
    if (!expect) return joinly::failure(expect.error());
    save.expect = *expect;
    return save;
}

Exit erase_one(Opened& opened, const std::string& text, const std::optional<joinly::Version>& expect, Console& console) {
    const auto key = key_from_text(text);
    if (!key) return console.give_up(key.error());
    for (;;) {
        const auto record = opened.engine->read(*key);
        const bool gone =
            record ? record->expires_at.has_passed(joinly::SystemClock{}.now()) : record.error() == joinly::Errc::not_found;
        if (gone) return console.fail({joinly::Errc::not_found, key_to_text(*key) + ": not found"});
        if (!record && record.error() != joinly::Errc::corrupt) return console.fail(record.error());
        // A damaged record cannot be compared, but it can go.
        const joinly::EraseOptions same{record ? std::optional{record->version} : std::nullopt};
        const auto erased = opened.store->erase(*key, expect ? joinly::EraseOptions{expect} : same);
        if (erased) return Exit::done;
        if (expect || erased.error() != joinly::Errc::conflict) return console.fail(erased.error());
    }
}

}  // namespace

Exit put(const PutOptions& options, Console& console) {
    const auto key = key_from_text(options.key);
    if (!key) return console.give_up(key.error());
    if (const auto usable = joinly::validate_raw_key(*key); !usable) return console.give_up(usable.error());
    const auto save = save_options(options);
    if (!save) return console.give_up(save.error());
    auto value = options.value == "-" ? read_stdin() : joinly::Result<std::string>{options.value};
    if (!value) return console.give_up(value.error());
    const auto opened = open_store(options.store, Access::create);
    if (!opened) return console.fail_to_open(opened.error());
    if (opened->is_new)
        console.note("made a new store, " + opened->place.text() + ", codec " + std::string{name_of(opened->codec)});

    const auto version = opened->store->put(*key, std::move(*value), *save);
    if (!version && version.error() == joinly::Errc::conflict)
        return console.fail({joinly::Errc::conflict, key_to_text(*key) + " is not at the version that was expected"});
    if (!version) return console.fail(version.error());
    if (console.json()) console.line(JsonLine{}.text("key", key_to_text(*key)).number("version", std::uint64_t{*version}).str());
    return Exit::done;
}

Exit erase(const EraseCommandOptions& options, Console& console) {
    const auto expect = parse_expected(options.expect);
    if (!expect) return console.give_up(expect.error());
    auto opened = open_store(options.store, Access::write);
    if (!opened) return console.fail_to_open(opened.error());
    Exit worst = Exit::done;
    for (const std::string& key : options.keys) worst = (std::max)(worst, erase_one(*opened, key, *expect, console));
    return worst;
}

Exit sweep(const SweepOptions& options, Console& console) {
    const Interruption interruption;
    const auto opened = open_store(options.store, Access::write);
    if (!opened) return console.fail_to_open(opened.error());
    std::uint64_t erased = 0;
    for (;;) {
        const auto report = opened->store->sweep(std::chrono::milliseconds{100}, [&](const joinly::ExpiredEntity& expired) {
            ++erased;
            console.line(console.json() ? JsonLine{}.text("key", key_to_text(expired.key)).str() : key_to_text(expired.key));
        });
        if (!report) return console.fail(report.error());
        if (report->is_done) break;
        if (report->erased == 0) {
            console.note("some expired records are damaged, or in use: joinly verify " + options.store);
            return Exit::no;
        }
        if (Interruption::requested()) {
            console.note("interrupted after " + common::grouped(erased) + " records; the same command goes on");
            return Exit::interrupted;
        }
        console.progress("sweeping", erased, 0);
    }
    console.note("erased " + common::grouped(erased) + " expired records");
    return Exit::done;
}

}  // namespace tool
