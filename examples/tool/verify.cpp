// verify: whether everything in a store is as it should be.

#include <joinly/ops/verify.hpp>
#include <joinly/store.hpp>

#include <algorithm>

#include "../common/text.hpp"
#include "any_store.hpp"
#include "codecs.hpp"
#include "commands.hpp"
#include "interruption.hpp"
#include "json_line.hpp"
#include "key_text.hpp"

namespace tool {
namespace {

/// Of a store that damage keeps shut, which is a flaw in the report, the records alone.
template <class Codec>
joinly::Result<joinly::VerifyReport> look_through(const Opened& opened, const joinly::VerifyOptions& how) {
    auto backend = AnyBackend::open({opened.engine});
    if (!backend) return joinly::failure(backend.error());
    auto store = joinly::Store<AnyBackend, joinly::NoCache, TraitsOf<Codec>>::open({opened.engine});
    if (!store && store.error() != joinly::Errc::corrupt) return joinly::failure(store.error());
    auto report = KnownKinds::apply([&]<class... T>(std::type_identity<T>...) {
        return store ? joinly::verify_store<T...>(*store, how) : joinly::verify_backend<Codec, T...>(*backend, how);
    });
    if (!store && report && report->is_sound()) return joinly::failure(store.error());
    return report;
}

/// What to do about the flaws.
std::string advice_on(const std::vector<joinly::Flaw>& flaws, const std::string& store) {
    const auto any = [&](bool incompatible, bool record) {  // a record of a newer build, or an index that is not whole
        return std::any_of(flaws.begin(), flaws.end(), [&](const joinly::Flaw& flaw) {
            return (flaw.code == joinly::Errc::incompatible) == incompatible && (!incompatible || flaw.key.empty() != record);
        });
    };
    std::string advice =
        any(false, false) ? ". Restore a backup, or see joinly repair --help for " + store : ". None of them is damage";
    if (any(true, true)) advice += "; records of a newer build are left as they are, and cannot be checked by this one";
    if (any(true, false)) advice += "; joinly reindex " + store + " makes indexes whole";
    return advice;
}

void print_json(const joinly::VerifyReport& report, Console& console) {
    std::string flaws;
    for (const joinly::Flaw& flaw : report.flaws) {
        JsonLine line;
        line.text("key", key_to_text(flaw.key)).text("code", joinly::to_string(flaw.code)).text("what", flaw.what);
        flaws.append(flaws.empty() ? "" : ",").append(line.str());
    }
    JsonLine kinds;
    for (const auto& [kind, counts] : report.inventory.kinds) kinds.number(kind, counts.records);
    JsonLine line;
    line.boolean("sound", report.is_sound())
        .boolean("complete", report.is_complete)
        .number("flaw_count", report.flaw_count)
        .value("flaws", '[' + flaws + ']');
    console.line(line.value("kinds", kinds.str()).str());
}

void print_text(const joinly::VerifyReport& report, const std::string& store, Console& console) {
    for (const joinly::Flaw& flaw : report.flaws) console.line(common::printable(flaw.what, 2'000));
    if (report.flaw_count > report.flaws.size())
        console.line("... and " + common::grouped(report.flaw_count - report.flaws.size()) + " more");
    for (const std::string& kind : report.unknown_kinds) console.note("of " + kind + " the values were not looked into");
    const std::string records = common::grouped(report.inventory.total().records) + " records";
    if (report.is_sound()) return console.note("sound: " + records);
    console.note(common::grouped(report.flaw_count) + (report.flaw_count == 1 ? " flaw; " : " flaws; ") + records + " are sound" +
                 (report.is_complete ? "" : " of what could be read, which is not all") + advice_on(report.flaws, store));
}

}  // namespace

Exit verify(const VerifyCommandOptions& options, Console& console) {
    const auto opened = open_records(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());
    const Interruption interruption;
    const joinly::VerifyOptions how{.thorough = !options.quick, .on_progress = [&](std::uint64_t records) {
                                        console.progress("verifying", records, 0);
                                        return !Interruption::requested();
                                    }};
    const auto report = opened->codec == CodecName::json ? look_through<Json>(*opened, how) : look_through<Binary>(*opened, how);
    if (!report && report.error() == joinly::Errc::cancelled) {
        console.note("interrupted: not everything was looked at; run the same command again");
        return Exit::interrupted;
    }
    if (!report) return console.fail(report.error());
    console.clear_progress();
    if (console.json()) {
        print_json(*report, console);
    } else {
        print_text(*report, options.store, console);
    }
    return report->is_sound() ? Exit::done : Exit::no;
}

}  // namespace tool
