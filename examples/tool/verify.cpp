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

/// Its codec reads whatever is there, and that is all it is asked for.
using Store = joinly::Store<AnyBackend, joinly::NoCache, TraitsOf<Binary>>;

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
    const bool any_damage = std::any_of(report.flaws.begin(), report.flaws.end(),
                                        [](const joinly::Flaw& flaw) { return flaw.code != joinly::Errc::incompatible; });
    console.note(common::grouped(report.flaw_count) + " flaws; " + records + " are sound" +
                 (report.is_complete ? "" : " of what could be read, which is not all") +
                 (any_damage
                      ? ". Restore a backup, or see joinly repair --help for " + store
                      : ". None of them is damage: an index that is not whole is so in a store that joinly load makes of a dump"));
}

}  // namespace

Exit verify(const VerifyCommandOptions& options, Console& console) {
    const auto opened = open_store(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());
    auto store = Store::open({opened->engine});
    if (!store) return console.fail(store.error());
    const Interruption interruption;
    const joinly::VerifyOptions how{.thorough = !options.quick, .on_progress = [&](std::uint64_t records) {
                                        console.progress("verifying", records, 0);
                                        return !Interruption::requested();
                                    }};
    const auto report =
        KnownKinds::apply([&]<class... T>(std::type_identity<T>...) { return joinly::verify_store<T...>(*store, how); });
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
