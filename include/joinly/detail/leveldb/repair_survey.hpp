#ifndef JOINLY_DETAIL_LEVELDB_REPAIR_SURVEY_HPP
#define JOINLY_DETAIL_LEVELDB_REPAIR_SURVEY_HPP
// What LevelDB's repair will leave out, told before anything is changed: it says that in its log of messages alone, if at all. What
// was in a part that cannot be read nobody knows; the file does, and where it is damaged the keys around that place.

#include <joinly/backend/leveldb_repair.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/log.hpp>
#include <joinly/detail/leveldb/log_check.hpp>
#include <joinly/detail/leveldb/log_records.hpp>
#include <joinly/detail/leveldb/manifest.hpp>
#include <joinly/detail/leveldb/tables.hpp>
#include <joinly/detail/printable.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Of a file's name, like "000005.ldb"; 0: it has none.
[[nodiscard]] inline std::uint64_t leveldb_table_number(std::string_view name) noexcept {
    std::uint64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    const std::string_view rest{parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)};
    return parsed.ec == std::errc{} && (rest == ".ldb" || rest == ".sst") ? number : 0;
}

/// A table, and the file that it reads.
struct LevelDbTableFile {
    std::unique_ptr<leveldb::RandomAccessFile> file;
    std::unique_ptr<leveldb::Table> table;
};

/// To be called of one that LevelDB may be given, see may_open_leveldb_table.
[[nodiscard]] inline leveldb::Status open_leveldb_table(const std::string& path, const leveldb::Options& options,
                                                        LevelDbTableFile& opened) {
    leveldb::Env& env = *leveldb::Env::Default();
    std::uint64_t bytes = 0;
    leveldb::RandomAccessFile* file = nullptr;
    leveldb::Table* table = nullptr;
    auto status = env.GetFileSize(path, &bytes);
    if (status.ok()) status = env.NewRandomAccessFile(path, &file);
    opened.file.reset(file);
    if (status.ok()) status = leveldb::Table::Open(options, file, bytes, &table);
    opened.table.reset(table);
    return status;
}

/// Of what a table keeps: the key, and in 8 bytes when it was written and whether it was erased.
[[nodiscard]] inline std::string printable_leveldb_key(std::string_view internal) {
    return '\'' + printable(internal.substr(0, internal.size() - (std::min)(internal.size(), std::size_t{8}))) + '\'';
}

class LevelDbRepairSurvey {
public:
    /// @param gaps  known already
    LevelDbRepairSurvey(std::string directory, std::vector<std::string> gaps)
        : directory_{std::move(directory)},
          names_{leveldb_files_in(directory_)},
          gaps_{std::move(gaps)},
          told_{gaps_.begin(), gaps_.end()} {
        std::sort(names_.begin(), names_.end());
    }

    /// @param is_first  no repair has changed anything yet: the MANIFEST tells what was there
    [[nodiscard]] std::vector<std::string> run(const leveldb::Options& options, bool is_first) && {
        std::optional<LevelDbManifest> manifest;
        if (is_first) manifest = compare_with_manifest();
        for (const std::string& name : names_) {
            if (name.ends_with(".log")) {
                look_at_log(name);
            } else if (leveldb_table_number(name) != 0) {
                look_at_table(name, options);
            }
        }
        if (manifest) look_between_logs(*manifest);
        if (constexpr auto more = "more: not all are told"; is_full() && told_.insert(more).second) gaps_.push_back(more);
        return std::move(gaps_);
    }

private:
    struct Range {
        int there = 0;  // as often as it was added, less as often as it was deleted: a table that changes its level is both
        std::string keys;
    };

    [[nodiscard]] bool is_full() const noexcept { return gaps_.size() >= LevelDbRepair::most_gaps; }
    void tell(const std::string& file, const std::string& what) {
        std::string gap = file + ": " + what;
        if (!is_full() && told_.insert(gap).second) gaps_.push_back(std::move(gap));
    }
    [[nodiscard]] std::string keys_of(std::uint64_t table) const {
        const auto found = tables_.find(table);
        return found == tables_.end() || found->second.keys.empty() ? "; which keys it had is not known" : found->second.keys;
    }

    /// The one that CURRENT names; where it names none, the newest.
    [[nodiscard]] std::string manifest_name() const {
        std::string name = current_leveldb_manifest(directory_);
        if (!name.empty()) return name;
        for (const std::string& each : names_) {
            if (each.starts_with("MANIFEST-") && (each.size() > name.size() || (each.size() == name.size() && each > name)))
                name = each;
        }
        return name;
    }

    /// @return what it says, unless nothing can be told by that
    [[nodiscard]] std::optional<LevelDbManifest> compare_with_manifest() {
        const auto on_table = [&](std::uint64_t number, int change, std::string_view smallest, std::string_view largest) {
            Range& range = tables_[number];
            range.there += change;
            if (change > 0)
                range.keys = "; it had keys from " + printable_leveldb_key(smallest) + " to " + printable_leveldb_key(largest);
        };
        const std::string name = manifest_name();
        const auto manifest = read_leveldb_manifest(directory_, name, on_table);
        if (!manifest || manifest->log_number == 0 || is_damaged_log(name)) {  // LevelDB names a log in each that it goes by
            tables_.clear();
            tell("MANIFEST", "it cannot be read: whether a table or a log is missing is not known");
            return std::nullopt;
        }
        std::set<std::uint64_t> there;
        for (const std::string& each : names_) there.insert(leveldb_table_number(each));
        for (const auto& [number, range] : tables_) {
            if (range.there > 0 && !there.contains(number)) tell(leveldb_file_name(number, ".ldb"), "it is missing" + range.keys);
        }
        return manifest;
    }

    /// What look_at_log has not told already.
    void look_between_logs(const LevelDbManifest& manifest) {
        const auto missing = find_missing_leveldb_changes(LevelDbLogs{directory_, manifest}, manifest);
        if (!missing) return;
        const std::string name = leveldb_file_name(missing->log, ".log");
        const auto next = told_.lower_bound(name + ": ");
        if (next == told_.end() || !next->starts_with(name)) tell(name, missing->what);
    }

    /// Its bytes, but for what a crash has torn, and these without what is damaged. Empty: it cannot be read.
    [[nodiscard]] std::pair<std::string, std::string> log_and_what_is_left(const std::string& name, leveldb::Status& read) const {
        std::string log;
        read = leveldb::ReadFileToString(leveldb::Env::Default(), directory_ + '/' + name, &log);
        log.resize(find_leveldb_torn_tail(log).value_or(log.size()));
        std::string left = log;
        static_cast<void>(void_damaged_leveldb_frames(left));
        return {std::move(log), std::move(left)};
    }
    [[nodiscard]] bool is_damaged_log(const std::string& name) const {
        leveldb::Status read;
        const auto [log, left] = log_and_what_is_left(name, read);
        return log != left;
    }

    /// What it lacks because it was torn by a crash was never in the database, unless by Sync::process_crash.
    void look_at_log(const std::string& name) {
        leveldb::Status read;
        auto [log, left] = log_and_what_is_left(name, read);
        if (!read.ok()) return tell(name, read.ToString() + ": nothing of it is known");
        const bool any_misplaced = void_misplaced_leveldb_records(left);
        if (left == log) return;  // also where a repair before this one has voided what is damaged, and noted that
        const auto at = static_cast<std::size_t>(std::mismatch(log.begin(), log.end(), left.begin()).first - log.begin());
        if (any_misplaced || has_later_leveldb_record(log, at) || !is_cut_short(log, at))
            tell(name, "damaged at byte " + std::to_string(at) + ": which writes are left out there is not known");
    }
    /// Whether the frame that is damaged at `at` ends behind the log: the last write, of which LevelDB itself makes nothing.
    [[nodiscard]] static bool is_cut_short(std::string_view log, std::size_t at) noexcept {
        for (std::size_t begin = 0; begin + leveldb_frame_header_bytes <= log.size();) {
            const std::size_t room = leveldb_block_bytes - begin % leveldb_block_bytes;
            if (room < leveldb_frame_header_bytes) {
                begin += room;
            } else if (is_whole_leveldb_frame(log, begin)) {
                begin = leveldb_frame_end(log, begin);
            } else {
                return begin <= at && leveldb_frame_end(log, begin) > log.size();
            }
        }
        return true;
    }

    void look_at_table(const std::string& name, const leveldb::Options& options) {
        const std::uint64_t number = leveldb_table_number(name);
        const std::string path = directory_ + '/' + name;
        if (!may_open_leveldb_table(path)) return tell(name, "its footer is damaged" + keys_of(number));
        LevelDbTableFile opened;
        const auto status = open_leveldb_table(path, options, opened);
        if (!status.ok()) return tell(name, status.ToString() + keys_of(number));
        look_at_blocks(name, *opened.table);
    }

    /// The cursor passes a block that cannot be read, and remembers the first one. So another one takes its place there, as long as
    /// that finds the key: LevelDB's order of keys is not quite that of their bytes.
    void look_at_blocks(const std::string& name, const leveldb::Table& table) {
        leveldb::ReadOptions checked;
        checked.verify_checksums = true;
        checked.fill_cache = false;
        std::unique_ptr<leveldb::Iterator> at{table.NewIterator(checked)};
        std::string before;
        std::set<std::string> behind_gaps;
        for (at->SeekToFirst(); !is_full(); at->Next()) {
            if (!at->status().ok()) {
                std::string gap = at->status().ToString() +
                                  (before.empty() ? ": before all others" : ": behind " + printable_leveldb_key(before));
                if (!at->Valid()) return tell(name, gap);
                const std::string now{to_view(at->key())};
                gap += " and before " + printable_leveldb_key(now);
                at.reset(table.NewIterator(checked));
                at->Seek(now);
                // A key that is there twice, which LevelDB never writes, would lead back to where this has been.
                if (!at->Valid() || !at->status().ok() || to_view(at->key()) != now || !behind_gaps.insert(now).second)
                    return tell(name, gap + ", and whether anywhere behind that is not known");
                tell(name, gap);
            }
            if (!at->Valid()) return;
            before = to_view(at->key());
        }
    }

    std::string directory_;
    std::vector<std::string> names_;
    std::vector<std::string> gaps_;
    std::set<std::string> told_;
    std::map<std::uint64_t, Range> tables_;  // that the MANIFEST names
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
