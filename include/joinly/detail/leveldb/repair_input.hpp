#ifndef JOINLY_DETAIL_LEVELDB_REPAIR_INPUT_HPP
#define JOINLY_DETAIL_LEVELDB_REPAIR_INPUT_HPP
// Whether LevelDB's repair has used what it could. It makes a table of each log, and another one of what it can read of a damaged
// table. Where that fails, as on a full disk, it says so in its log of messages alone: it moves the file to `lost/` all the same,
// and ends well, with a database that lacks it.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/log_records.hpp>
#include <joinly/detail/leveldb/manifest.hpp>
#include <joinly/detail/leveldb/repair_survey.hpp>
#include <joinly/detail/leveldb/tables.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
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

/// Whether LevelDB would find a change in the log, whose damage was voided before.
[[nodiscard]] inline bool has_leveldb_changes(const std::string& path) {
    std::string log;
    if (!leveldb::ReadFileToString(leveldb::Env::Default(), path, &log).ok()) return false;
    bool any = false;
    LevelDbLogRecords records{std::string::npos};
    for (std::string_view rest = log; !any && !rest.empty();) {
        records.add_block(take_leveldb_block(rest), [&](std::size_t, std::string_view record) {
            if (!is_whole_leveldb_batch(record)) return;
            const LevelDbSequences sequences{record};
            any = any || sequences.first != sequences.end;
        });
    }
    return any;
}

/// Whether any entry of the table can be read.
[[nodiscard]] inline bool has_leveldb_entries(const std::string& path, const leveldb::Options& options) {
    LevelDbTableFile opened;
    if (!may_open_leveldb_table(path) || !open_leveldb_table(path, options, opened).ok()) return false;
    leveldb::ReadOptions checked;
    checked.verify_checksums = true;
    checked.fill_cache = false;
    const std::unique_ptr<leveldb::Iterator> entries{opened.table->NewIterator(checked)};
    entries->SeekToFirst();
    return entries->Valid();
}

/// What an unfinished repair has noted of what it leaves out; nullopt: there is none.
[[nodiscard]] inline std::optional<std::vector<std::string>> noted_leveldb_gaps(const std::string& directory) {
    std::string list;
    if (!leveldb::ReadFileToString(leveldb::Env::Default(), leveldb_unfinished_path(directory), &list).ok()) return std::nullopt;
    std::vector<std::string> gaps;
    for (std::string_view rest = list; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix((std::min)(line.size() + 1, rest.size()));
        if (line.find(": ") != std::string_view::npos) gaps.emplace_back(line);  // the others are names of files
    }
    return gaps;
}

[[nodiscard]] inline Status forget_unfinished_leveldb_repair(const std::string& directory) {
    const auto removed = leveldb::Env::Default()->RemoveFile(leveldb_unfinished_path(directory));
    return removed.ok() ? Status{} : leveldb_failure(removed, directory);
}

/// Puts the files that `list` names, one a line, from `lost/` in their place, where nothing is. @return the first that could not
/// be.
[[nodiscard]] inline Status bring_leveldb_files_back(const std::string& directory, std::string_view list) {
    leveldb::Env& env = *leveldb::Env::Default();
    std::vector<std::string> there;
    std::vector<std::string> lost;
    auto listed = env.GetChildren(directory, &there);
    if (listed.ok()) listed = env.GetChildren(directory + "/lost", &lost);
    if (!listed.ok()) return leveldb_failure(listed, directory);
    Status all;
    while (!list.empty()) {
        const std::string name{list.substr(0, list.find('\n'))};
        list.remove_prefix((std::min)(name.size() + 1, list.size()));
        const auto is_in = [&](const std::vector<std::string>& names) {
            return std::find(names.begin(), names.end(), name) != names.end();
        };
        if (is_in(there) || !is_in(lost)) continue;
        const auto moved = env.RenameFile(directory + "/lost/" + name, directory + '/' + name);
        if (!moved.ok() && all) all = leveldb_failure(moved, directory);
    }
    return all;
}

/// Takes up what a repair has left that did not come to its end; what it cannot, the next one must not do without. A database that
/// something else has opened since has a MANIFEST of its own: what lies in `lost/` is older than what it holds, and stays there.
[[nodiscard]] inline Status take_leveldb_repair_up(const std::string& directory) {
    if (!is_leveldb_repair_unfinished(directory)) return {};
    std::string list;
    const auto read = leveldb::ReadFileToString(leveldb::Env::Default(), leveldb_unfinished_path(directory), &list);
    if (!read.ok()) return leveldb_failure(read, directory);
    constexpr std::string_view of_repair = "MANIFEST-000001";
    const std::string now = current_leveldb_manifest(directory);
    const std::size_t end = (std::min)(list.find('\n'), list.size());
    const std::string_view before = std::string_view{list}.substr(0, end);
    if (!now.empty() && now != before && now != of_repair) return {};
    return bring_leveldb_files_back(directory, std::string_view{list}.substr((std::min)(end + 1, list.size())));
}

/// What lies in a directory before LevelDB's repair, and after everything was voided and set aside that it must not be given.
class LevelDbRepairInput {
public:
    /// @param gaps  what is left out, to be noted with the rest
    LevelDbRepairInput(std::string directory, const std::vector<std::string>& names, const std::vector<std::string>& gaps)
        : directory_{std::move(directory)} {
        for (const std::string& gap : gaps) noted_.append(gap).push_back('\n');
        for (const std::string& name : names) {
            std::uint64_t number = 0;
            const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
            const std::string_view rest = std::string_view{name}.substr(static_cast<std::size_t>(parsed.ptr - name.data()));
            if (parsed.ec != std::errc{} || !(rest == ".log" || rest == ".ldb" || rest == ".sst")) continue;  // not LevelDB's
            list_.append(name).push_back('\n');
            if (rest == ".log") {
                logs_with_changes_ += has_leveldb_changes(path_of(name));
            } else {
                tables_.emplace_back(number, name);
            }
        }
    }

    /// Before the repair. Whoever ends it forgets the note: see forget_unfinished_leveldb_repair.
    [[nodiscard]] Status note() const {
        leveldb::Env& env = *leveldb::Env::Default();
        env.CreateDir(directory_ + "/lost");  // it may be there
        const std::string path = leveldb_unfinished_path(directory_);
        leveldb::WritableFile* raw = nullptr;
        auto status = env.NewWritableFile(path + ".tmp", &raw);
        if (!status.ok()) return leveldb_failure(status, directory_);
        const std::unique_ptr<leveldb::WritableFile> file{raw};
        status = file->Append(current_leveldb_manifest(directory_) + '\n' + list_ + noted_);
        if (status.ok()) status = file->Sync();
        if (status.ok()) status = file->Close();
        if (status.ok()) status = env.RenameFile(path + ".tmp", path);
        return status.ok() ? Status{} : leveldb_failure(status, directory_);
    }

    /// Whether the MANIFEST that the repair has written names all that can be read: what it does not name, opening removes.
    [[nodiscard]] bool is_used(const leveldb::Options& options) const {
        const auto manifest = read_leveldb_manifest(directory_);
        if (!manifest) return false;
        const std::set<std::uint64_t> named{manifest->tables.begin(), manifest->tables.end()};
        std::set<std::uint64_t> made = named;  // of logs
        for (const auto& [number, name] : tables_) {
            made.erase(number);
            if (!named.contains(number) && has_leveldb_entries(is_there(name) ? path_of(name) : lost_path_of(name), options))
                return false;
        }
        return made.size() >= logs_with_changes_;
    }

    /// Puts what the repair has moved to `lost/` in its place again, for another repair, which takes up what could not be put back;
    /// what is in a table by then is in a log as well, which is no harm.
    void bring_back() const {
        leveldb::Env::Default()->RemoveFile(directory_ + "/CURRENT");  // so that LevelDB does not open it, either
        static_cast<void>(bring_leveldb_files_back(directory_, list_));
    }

private:
    [[nodiscard]] std::string path_of(const std::string& name) const { return directory_ + '/' + name; }
    [[nodiscard]] std::string lost_path_of(const std::string& name) const { return directory_ + "/lost/" + name; }
    [[nodiscard]] bool is_there(const std::string& name) const { return leveldb::Env::Default()->FileExists(path_of(name)); }

    std::string directory_;
    std::string list_;
    std::string noted_;
    std::vector<std::pair<std::uint64_t, std::string>> tables_;
    std::size_t logs_with_changes_ = 0;
};

/// LevelDB's repair of a directory that nobody else has. `io`, or what LevelDB says: not everything could be used that can be read.
[[nodiscard]] inline Status run_leveldb_repair(const std::string& directory, const leveldb::Options& options,
                                               const std::vector<std::string>& gaps) {
    std::vector<std::string> names;
    if (const auto listed = leveldb::Env::Default()->GetChildren(directory, &names); !listed.ok())
        return leveldb_failure(listed, directory);
    const LevelDbRepairInput input{directory, names, gaps};
    if (auto noted = input.note(); !noted) return noted;
    const auto repaired = leveldb::RepairDB(directory, options);
    if (repaired.ok() && input.is_used(options)) return {};
    input.bring_back();
    const std::string then = "; nothing is lost: repair it again when there is room";
    if (!repaired.ok())
        return failure(leveldb_errc(repaired, repaired.ToString()), directory + ": LevelDB: " + repaired.ToString() + then);
    return failure(Errc::io, directory + ": LevelDB could not write what it has read, as when the disk is full" + then);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
