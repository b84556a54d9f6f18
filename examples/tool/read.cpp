// info, get, ls: what is there.

#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>

#include "../common/text.hpp"
#include "any_store.hpp"
#include "commands.hpp"
#include "json_line.hpp"
#include "key_text.hpp"

namespace tool {
namespace {

double unix_seconds(joinly::Expiry expiry) { return static_cast<double>(expiry.at().time_since_epoch().count()) / 1000; }

JsonLine record_line(std::string_view key, joinly::Version version, joinly::Expiry expires_at) {
    JsonLine line;
    line.text("key", key_to_text(key)).number("version", std::uint64_t{version});
    if (expires_at.is_never()) {
        line.null("expires_at");
    } else {
        line.number("expires_at", unix_seconds(expires_at));
    }
    return line;
}

/// Calls `visit` with each kind, "" for keys of none, reading one key of each. False: there are more that it did not look for.
joinly::Result<bool> visit_kinds(Engine& engine, joinly::detail::FunctionRef<void(std::string_view kind)> visit,
                                 joinly::FlawVisitor on_flaw) {
    constexpr int most_keys_of_no_kind = 1'000;  // those cannot be skipped
    joinly::KeyRange rest = joinly::user_keys();
    for (int without_kind = 0; without_kind < most_keys_of_no_kind;) {
        std::string key;
        const auto scanned = scan_past_damage(
            engine, rest,
            [&](std::string_view first, const joinly::RecordView&) {
                key = first;
                return false;
            },
            on_flaw);
        if (!scanned) return joinly::failure(scanned.error());
        if (key.empty()) return true;
        const std::string kind = key.substr(0, key.find(':'));
        if (kind.size() < key.size() && joinly::is_valid_kind(kind)) {
            visit(kind);
            rest.begin = joinly::kind_range(kind).end;
        } else {
            if (without_kind++ == 0) visit("");
            rest.begin = key + '\0';
        }
    }
    return false;
}

struct Summary {
    std::vector<std::string> kinds;
    bool all_kinds = true;
    bool keys_of_no_kind = false;
    joinly::Version last_version = joinly::absent;
    std::uint64_t bytes_on_disk = 0;
    bool has_expired = false;
    bool has_skipped = false;  ///< a record that is damaged
};

joinly::Result<Summary> summarise(Engine& engine, Console& console) {
    Summary summary;
    const auto complete = visit_kinds(
        engine,
        [&](std::string_view kind) {
            if (kind.empty()) {
                summary.keys_of_no_kind = true;
            } else {
                summary.kinds.emplace_back(kind);
            }
        },
        [&](std::string_view, const joinly::Error& flaw) {
            console.skip(flaw);
            return summary.has_skipped = true;
        });
    if (!complete) return joinly::failure(complete.error());
    summary.all_kinds = *complete;
    const auto last = engine.last_version();
    if (!last) return joinly::failure(last.error());
    summary.last_version = *last;
    const auto bytes = engine.size_on_disk();
    if (!bytes) return joinly::failure(bytes.error());
    summary.bytes_on_disk = *bytes;
    const auto expired = engine.expired(joinly::SystemClock{}.now(), 1);
    if (!expired) return joinly::failure(expired.error());
    summary.has_expired = !expired->empty();
    return summary;
}

void print_json(const Summary& summary, const std::string& place, std::string_view codec, Console& console) {
    std::string kinds;
    for (const std::string& kind : summary.kinds) kinds.append(kinds.empty() ? "" : ",").append(json_string(kind));
    JsonLine line;
    line.text("store", place).text("codec", codec).number("bytes_on_disk", summary.bytes_on_disk);
    line.number("last_version", std::uint64_t{summary.last_version}).value("kinds", '[' + kinds + ']');
    line.boolean("all_kinds", summary.all_kinds).boolean("keys_of_no_kind", summary.keys_of_no_kind);
    console.line(line.boolean("has_expired", summary.has_expired).str());
}

void print_text(const Summary& summary, const std::string& place, std::string_view codec, Console& console) {
    std::string kinds;
    for (const std::string& kind : summary.kinds) kinds.append(kinds.empty() ? "" : ", ").append(kind);
    if (summary.keys_of_no_kind) kinds.append(kinds.empty() ? "" : ", ").append("keys of no kind");
    if (!summary.all_kinds) kinds.append(", ...");
    console.line("store         " + place);
    console.line("codec         " + std::string{codec});
    console.line("size on disk  " + common::file_size(summary.bytes_on_disk));
    console.line("last version  " + common::grouped(summary.last_version));
    console.line("kinds         " + (kinds.empty() ? "none: it is empty" : kinds));
    if (summary.has_expired) console.line("expired       some: joinly sweep " + place);
}

Exit get_one(Opened& opened, const std::string& text, bool raw, Console& console) {
    const auto key = key_from_text(text);
    if (!key) return console.give_up(key.error());
    auto record = opened.engine->read(*key);
    if (record && record->expires_at.has_passed(joinly::SystemClock{}.now())) record = joinly::failure(joinly::Errc::not_found);
    if (!record && record.error() == joinly::Errc::not_found)
        return console.fail({joinly::Errc::not_found, key_to_text(*key) + ": not found"});
    if (!record) return console.fail(record.error());
    const bool as_bytes = raw || !is_known_kind(*key);
    const auto value = as_bytes ? std::move(record->value) : opened.store->readable(*key, record->value);
    if (!value) {
        console.note("--raw prints the bytes as they are stored");
        return console.fail(value.error());
    }
    if (console.json()) {
        JsonLine line = record_line(*key, record->version, record->expires_at);
        console.line((as_bytes ? line.bytes("value", *value) : line.value("value", *value)).str());
    } else if (!as_bytes) {
        console.line(*value);
    } else if (console.stdout_is_terminal()) {
        console.line(key_to_text(*value));  // so that no stranger's bytes steer the terminal
    } else {
        console.data(*value);
    }
    return Exit::done;
}

}  // namespace

Exit info(const InfoOptions& options, Console& console) {
    const auto opened = open_records(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());
    const auto summary = summarise(*opened->engine, console);
    if (!summary) return console.fail(summary.error());
    const auto print = console.json() ? print_json : print_text;
    print(*summary, opened->place.text(), name_of(opened->codec), console);
    return summary->has_skipped ? Exit::no : Exit::done;
}

Exit get(const GetOptions& options, Console& console) {
    auto opened = open_store(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());
    Exit worst = Exit::done;
    for (const std::string& key : options.keys) worst = (std::max)(worst, get_one(*opened, key, options.raw, console));
    return worst;
}

Exit ls(const LsOptions& options, Console& console) {
    const auto prefix = key_from_text(options.prefix);
    if (!prefix) return console.give_up(prefix.error());
    const auto after = key_from_text(options.after);
    if (!after) return console.give_up(after.error());
    const auto opened = open_records(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());

    joinly::KeyRange range = prefix->empty() ? joinly::user_keys() : joinly::KeyRange::prefix(*prefix);
    if (!after->empty() && *after >= range.begin) range.begin = *after + '\0';
    if (options.limit == 0) return Exit::done;
    const auto now = joinly::SystemClock{}.now();
    std::uint64_t shown = 0;
    Exit worst = Exit::done;
    const auto show = [&](std::string_view key, const joinly::RecordView& record) {
        if (record.expires_at.has_passed(now) || key.front() == joinly::reserved_first_byte) return true;
        if (console.json()) {
            JsonLine line = record_line(key, record.version, record.expires_at);
            console.line(line.number("bytes", std::uint64_t{record.value.size()}).str());
        } else if (options.details) {
            const std::string until = record.expires_at.is_never() ? "-" : common::utc(record.expires_at.at());
            console.line(common::right(std::to_string(record.version), 10) + "  " +
                         common::right(common::grouped(record.value.size()), 10) + "  " + common::right(until, 19) + "  " +
                         key_to_text(key));
        } else {
            console.line(key_to_text(key));
        }
        return ++shown < options.limit;
    };
    const auto scanned = scan_past_damage(*opened->engine, range, show, [&](std::string_view, const joinly::Error& flaw) {
        console.skip(flaw);
        worst = Exit::no;
        return true;
    });
    return scanned ? worst : console.fail(scanned.error());
}

}  // namespace tool
