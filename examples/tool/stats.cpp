// stats: how much there is of what.

#include <joinly/core/clock.hpp>
#include <joinly/core/key.hpp>

#include <algorithm>
#include <map>

#include "../common/text.hpp"
#include "any_store.hpp"
#include "commands.hpp"
#include "interruption.hpp"
#include "json_line.hpp"

namespace tool {
namespace {

struct KindStats {
    std::uint64_t records = 0;
    std::uint64_t expired = 0;   ///< of these, and not swept yet
    std::uint64_t expiring = 0;  ///< of these, at some time to come
    std::uint64_t key_bytes = 0;
    std::uint64_t value_bytes = 0;
    std::uint64_t largest_value = 0;

    void add(std::string_view key, const joinly::RecordView& record, joinly::WallTime now) {
        ++records;
        if (!record.expires_at.is_never()) ++(record.expires_at.has_passed(now) ? expired : expiring);
        key_bytes += key.size();
        value_bytes += record.value.size();
        largest_value = (std::max)(largest_value, std::uint64_t{record.value.size()});
    }
    [[nodiscard]] std::string json() const {
        JsonLine line;
        line.number("records", records).number("expired", expired).number("expiring", expiring);
        line.number("key_bytes", key_bytes).number("value_bytes", value_bytes);
        return line.number("largest_value_bytes", largest_value).str();
    }
};

using Kinds = std::map<std::string, KindStats, std::less<>>;

std::string_view kind_of_key(std::string_view key) {
    const std::string_view kind = key.substr(0, (std::min)(key.find(':'), key.size()));
    return kind.size() < key.size() && joinly::is_valid_kind(kind) ? kind : std::string_view{};
}

void print_row(std::string_view kind, const KindStats& stats, Console& console) {
    const std::uint64_t mean = stats.records == 0 ? 0 : stats.value_bytes / stats.records;
    std::string line{kind};
    line.resize((std::max)(line.size(), std::size_t{16}), ' ');
    for (const std::uint64_t number :
         {stats.records, stats.expiring, stats.expired, stats.key_bytes, stats.value_bytes, mean, stats.largest_value})
        line += common::right(common::grouped(number), 14);
    console.line(line);
}

void print_table(const Kinds& kinds, const std::vector<joinly::StoragePart>& parts, Console& console) {
    std::string heading(16, ' ');
    for (const std::string_view column : {"records", "expiring", "expired", "key bytes", "value bytes", "mean", "largest"})
        heading += common::right(column, 14);
    console.line(heading);
    KindStats total;
    for (const auto& [kind, stats] : kinds) {
        print_row(kind.empty() ? "(no kind)" : kind, stats, console);
        total.records += stats.records;
        total.expired += stats.expired;
        total.expiring += stats.expiring;
        total.key_bytes += stats.key_bytes;
        total.value_bytes += stats.value_bytes;
        total.largest_value = (std::max)(total.largest_value, stats.largest_value);
    }
    if (kinds.size() != 1) print_row("all", total, console);
    std::uint64_t bytes = 0;
    std::string by_part;
    for (const joinly::StoragePart& part : parts) {
        bytes += part.bytes;
        by_part.append(by_part.empty() ? "" : ", ").append(part.name).append(" ").append(common::file_size(part.bytes));
    }
    console.line("on disk " + common::file_size(bytes) + ": " + by_part);
}

}  // namespace

Exit stats(const StatsOptions& options, Console& console) {
    const auto opened = open_records(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());
    const Interruption interruption;
    Kinds kinds;
    std::uint64_t seen = 0;
    Exit worst = Exit::done;
    const auto now = joinly::SystemClock{}.now();
    const auto count = [&](std::string_view key, const joinly::RecordView& record) {
        const std::string_view kind = kind_of_key(key);
        auto at = kinds.find(kind);
        if (at == kinds.end()) at = kinds.emplace(kind, KindStats{}).first;
        at->second.add(key, record, now);
        if (++seen % 1'024 == 0) console.progress("reading", seen, 0);
        return !Interruption::requested();
    };
    const auto scanned =
        scan_past_damage(*opened->engine, joinly::user_keys(), count, [&](std::string_view, const joinly::Error& flaw) {
            console.skip(flaw);
            worst = Exit::no;
            return !Interruption::requested();
        });
    if (Interruption::requested()) {
        console.note("interrupted: not everything was counted; run the same command again");
        return Exit::interrupted;
    }
    if (!scanned) return console.fail(scanned.error());
    const auto parts = opened->engine->size_by_part();
    if (!parts) return console.fail(parts.error());
    console.clear_progress();
    if (console.json()) {
        JsonLine all;
        for (const auto& [kind, stats] : kinds) all.value(kind, stats.json());
        JsonLine bytes;
        for (const joinly::StoragePart& part : *parts) bytes.number(part.name, part.bytes);
        console.line(JsonLine{}.value("kinds", all.str()).value("bytes_on_disk", bytes.str()).str());
    } else {
        print_table(kinds, *parts, console);
    }
    return worst;
}

}  // namespace tool
