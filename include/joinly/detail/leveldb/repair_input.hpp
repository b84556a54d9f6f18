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
#include <joinly/detail/leveldb/tables.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
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
    leveldb::Env& env = *leveldb::Env::Default();
    std::uint64_t bytes = 0;
    leveldb::RandomAccessFile* raw_file = nullptr;
    if (!may_open_leveldb_table(path) || !env.GetFileSize(path, &bytes).ok() || !env.NewRandomAccessFile(path, &raw_file).ok())
        return false;
    const std::unique_ptr<leveldb::RandomAccessFile> file{raw_file};
    leveldb::Table* raw_table = nullptr;
    if (!leveldb::Table::Open(options, file.get(), bytes, &raw_table).ok()) return false;
    const std::unique_ptr<leveldb::Table> table{raw_table};
    leveldb::ReadOptions checked;
    checked.verify_checksums = true;
    checked.fill_cache = false;
    const std::unique_ptr<leveldb::Iterator> entries{table->NewIterator(checked)};
    entries->SeekToFirst();
    return entries->Valid();
}

/// What lies in a directory before LevelDB's repair, and after everything was voided and set aside that it must not be given.
class LevelDbRepairInput {
public:
    explicit LevelDbRepairInput(std::string directory) : directory_{std::move(directory)} {
        for (std::string& name : leveldb_files_in(directory_)) {
            if (name.ends_with(".ldb") || name.ends_with(".sst")) {
                tables_.push_back(std::move(name));
            } else if (name.ends_with(".log")) {
                logs_with_changes_ += has_leveldb_changes(path_of(name));
                logs_.push_back(std::move(name));
            }
        }
    }

    /// Whether the MANIFEST that the repair has written names all that can be read: what it does not name, opening removes.
    [[nodiscard]] bool is_used(const leveldb::Options& options) const {
        const auto manifest = read_leveldb_manifest(directory_);
        if (!manifest) return false;
        std::set<std::uint64_t> made{manifest->tables.begin(), manifest->tables.end()};
        for (const std::string& name : tables_) {
            if (made.erase(number_of(name)) == 0 &&
                has_leveldb_entries(is_there(name) ? path_of(name) : lost_path_of(name), options))
                return false;
        }
        return made.size() >= logs_with_changes_;
    }

    /// Puts what the repair has moved to `lost/` in its place again, for another repair. Until that has come to its end the
    /// database does not open; what is in a table by then is in a log as well, which is no harm.
    /// @return whether all of it is there.
    [[nodiscard]] bool bring_back() const {
        leveldb::Env& env = *leveldb::Env::Default();
        env.RemoveFile(directory_ + "/CURRENT");
        bool all = true;
        for (const auto* names : {&logs_, &tables_}) {
            for (const std::string& name : *names)
                all = (is_there(name) || env.RenameFile(lost_path_of(name), path_of(name)).ok()) && all;
        }
        return all;
    }

private:
    [[nodiscard]] std::string path_of(const std::string& name) const { return directory_ + '/' + name; }
    [[nodiscard]] std::string lost_path_of(const std::string& name) const { return directory_ + "/lost/" + name; }
    [[nodiscard]] bool is_there(const std::string& name) const { return leveldb::Env::Default()->FileExists(path_of(name)); }
    [[nodiscard]] static std::uint64_t number_of(const std::string& name) noexcept {
        std::uint64_t number = 0;
        std::from_chars(name.data(), name.data() + name.size(), number);
        return number;
    }

    std::string directory_;
    std::vector<std::string> logs_;
    std::vector<std::string> tables_;
    std::size_t logs_with_changes_ = 0;
};

/// LevelDB's repair of a directory that nobody else has. `io`, or what LevelDB says: not everything could be used that can be read.
[[nodiscard]] inline Status run_leveldb_repair(const std::string& directory, const leveldb::Options& options) {
    const LevelDbRepairInput input{directory};
    const auto repaired = leveldb::RepairDB(directory, options);
    if (repaired.ok() && input.is_used(options)) return {};
    const std::string what = repaired.ok() ? ": LevelDB could not write what it has read, as when the disk is full"
                                           : ": LevelDB: " + repaired.ToString();
    const char* const then = input.bring_back() ? "; nothing is lost: repair it again when there is room"
                                                : "; what is missing is in its directory lost: put it back and repair it again";
    return failure(repaired.ok() ? Errc::io : leveldb_errc(repaired, repaired.ToString()), directory + what + then);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
