#ifndef JOINLY_DETAIL_LEVELDB_MANIFEST_HPP
#define JOINLY_DETAIL_LEVELDB_MANIFEST_HPP
// What LevelDB's MANIFEST says about the logs. It is a log itself, whose records are changes to the set of files: fields, each
// after its tag. Source of the tags: LevelDB 1.23, db/version_edit.cc.

#include <joinly/config.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/log.hpp>
#include <joinly/detail/leveldb/log_records.hpp>
#include <joinly/detail/leveldb/varint.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct LevelDbManifest {
    std::uint64_t log_number = 0;            ///< of the oldest log whose changes are in no table; 0: none is named
    std::uint64_t last_sequence = 0;         ///< the newest change when that was written: it may be far in that log, or before it
    std::vector<std::uint64_t> tables = {};  ///< that were ever added
};

/// For take_leveldb_manifest_record: who wants to hear of no table.
struct IgnoreLevelDbTables {
    void operator()(std::uint64_t, int, std::string_view, std::string_view) const noexcept {}
};

/// @param on_table  called with a table's number, and 1, the smallest key and the largest when it was added, or -1 when it was
/// deleted
/// @return whether all of `record` is fields that we know.
template <class OnTable>
[[nodiscard]] bool take_leveldb_manifest_record(std::string_view record, LevelDbManifest& manifest, const OnTable& on_table) {
    constexpr std::uint64_t comparator = 1, log_number = 2, next_file = 3, last_sequence = 4, compact_pointer = 5, deleted_file = 6,
                            new_file = 7, previous_log = 9;
    const auto skip_number = [&] { return take_leveldb_varint(record).has_value(); };
    const auto skip_string = [&] { return skip_leveldb_string(record); };
    while (!record.empty()) {
        const auto tag = take_leveldb_varint(record);
        bool known = tag.has_value();
        switch (tag.value_or(0)) {
            case log_number:
            case last_sequence: {
                const auto number = take_leveldb_varint(record);
                known = number.has_value();
                (tag == log_number ? manifest.log_number : manifest.last_sequence) = number.value_or(0);
                break;
            }
            case next_file:
            case previous_log: known = skip_number(); break;
            case comparator: known = skip_string(); break;
            case compact_pointer: known = skip_number() && skip_string(); break;
            case deleted_file: {
                known = skip_number();
                const auto number = take_leveldb_varint(record);
                known = known && number;
                if (known) on_table(*number, -1, std::string_view{}, std::string_view{});
                break;
            }
            case new_file: {
                known = skip_number();
                const auto number = take_leveldb_varint(record);
                manifest.tables.push_back(number.value_or(0));
                known = known && number && skip_number();
                const auto smallest = known ? take_leveldb_string(record) : std::nullopt;
                const auto largest = smallest ? take_leveldb_string(record) : std::nullopt;
                known = largest.has_value();
                if (known) on_table(*number, 1, *smallest, *largest);
                break;
            }
            default: known = false;
        }
        if (!known) return false;
    }
    return true;
}

/// nullopt when it cannot be read: LevelDB says what is wrong with it.
template <class OnTable>
[[nodiscard]] std::optional<LevelDbManifest> read_leveldb_manifest(const std::string& directory, const std::string& name,
                                                                   const OnTable& on_table) {
    std::string log;
    if (name.empty() || !leveldb::ReadFileToString(leveldb::Env::Default(), directory + '/' + name, &log).ok()) return std::nullopt;
    static_cast<void>(void_damaged_leveldb_frames(log));  // a torn end is cut off before it is gone by
    LevelDbManifest manifest;
    bool known = true;
    LevelDbLogRecords records{std::string::npos};
    for (std::string_view rest = log; !rest.empty();) {
        records.add_block(take_leveldb_block(rest), [&](std::size_t, std::string_view record) {
            known = known && take_leveldb_manifest_record(record, manifest, on_table);
        });
    }
    if (!known) return std::nullopt;
    return manifest;
}
/// Of the one that the database goes by.
[[nodiscard]] inline std::optional<LevelDbManifest> read_leveldb_manifest(const std::string& directory) {
    return read_leveldb_manifest(directory, current_leveldb_manifest(directory), IgnoreLevelDbTables{});
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
