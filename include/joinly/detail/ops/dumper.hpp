#ifndef JOINLY_DETAIL_OPS_DUMPER_HPP
#define JOINLY_DETAIL_OPS_DUMPER_HPP
// A scan of a backend as the lines of a dump.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/backend_ref.hpp>
#include <joinly/detail/ops/dump_line.hpp>
#include <joinly/detail/ops/migrator.hpp>
#include <joinly/detail/policy/journal_mark.hpp>
#include <joinly/ops/dump_options.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline Result<DumpReport> dump_records(const BackendRef& backend, std::string_view codec,
                                                     bool (*readable)(std::string_view key, std::string_view value,
                                                                      std::string& json),
                                                     LineSink sink, const DumpOptions& options) {
    constexpr std::uint64_t records_between_calls = 16'384;
    const auto last_version = backend.last_version();
    if (!last_version) return failure(last_version.error());
    DumpReport report;
    Status status;
    const auto give = [&](std::string_view text) {
        status = sink(text);
        report.bytes += text.size() + 1;
        return status.has_value();
    };
    std::string line;
    std::string json;
    bool goes_on = true;
    if (!give(dump_head(codec, *last_version))) return failure(status.error());
    auto scanned = backend.scan({}, [&](std::string_view key, const RecordView& record) {
        if (is_index_entry(key) || is_journal_mark(key)) return true;
        if (key == migration_key) {
            status = failure(Errc::incompatible, "the store is the target of a migration that is not finished: finish that first");
            return false;
        }
        const bool is_readable = readable(key, record.value, json);
        write_dump_line(line, key, record, is_readable ? std::optional<std::string_view>{json} : std::nullopt);
        ++report.records;
        report.readable += is_readable ? 1 : 0;
        if (!give(line)) return false;
        goes_on = report.records % records_between_calls != 0 || !options.progress || options.progress(report);
        return goes_on;
    });
    if (!status) return failure(std::move(status).error());
    if (!scanned) return failure(std::move(scanned).error());
    if (!goes_on) return report;
    if (!give(dump_end(report.records))) return failure(status.error());
    report.is_finished = true;
    return report;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
