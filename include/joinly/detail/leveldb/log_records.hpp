#ifndef JOINLY_DETAIL_LEVELDB_LOG_RECORDS_HPP
#define JOINLY_DETAIL_LEVELDB_LOG_RECORDS_HPP
// What is in LevelDB's logs, record by record; and repairs those that hold a change twice, as one does whose intact blocks are in a
// wrong place.
//
// A record of the log is a batch: the sequence number of its first change, the number of its changes, and the changes. LevelDB
// collects all changes of a log in a skip list, to which the same number and key must not be added twice: built with
// assertions, as by Debian, it ends the process then.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/leveldb/log.hpp>
#include <joinly/detail/leveldb/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::size_t leveldb_batch_head_bytes = 12;

/// The sequence numbers of a batch: from `first` up to and without `end`.
struct LevelDbSequences {
    /// `record` has a head at least.
    explicit LevelDbSequences(std::string_view record) noexcept
        : first{take_leveldb_integer<std::uint64_t>(record)}, end{first + take_leveldb_integer<std::uint32_t>(record)} {}
    std::uint64_t first;
    std::uint64_t end;
};

/// Takes a string off the front of what LevelDB has put one after the other.
[[nodiscard]] inline std::optional<std::string_view> take_leveldb_string(std::string_view& bytes) noexcept {
    const auto length = take_leveldb_varint(bytes);
    if (!length || *length > bytes.size()) return std::nullopt;
    const std::string_view string = bytes.substr(0, static_cast<std::size_t>(*length));
    bytes.remove_prefix(string.size());
    return string;
}
[[nodiscard]] inline bool skip_leveldb_string(std::string_view& bytes) noexcept { return take_leveldb_string(bytes).has_value(); }

/// Whether a record is one batch: not when it is put together of intact frames that do not belong together.
[[nodiscard]] inline bool is_whole_leveldb_batch(std::string_view record) noexcept {
    constexpr std::uint32_t put = 1;  // a key and a value; 0 is an erase, with a key
    if (record.size() < leveldb_batch_head_bytes) return false;
    record.remove_prefix(sizeof(std::uint64_t));
    auto changes = take_leveldb_integer<std::uint32_t>(record);
    for (; changes > 0 && !record.empty(); --changes) {
        const std::uint32_t kind = leveldb_byte_at(record, 0);
        record.remove_prefix(1);
        if (kind > put || !skip_leveldb_string(record) || (kind == put && !skip_leveldb_string(record))) return false;
    }
    return changes == 0 && record.empty();
}

/// Makes records of the frames of a log, as LevelDB does, and passes over what is none. It does not look at the checksums.
class LevelDbLogRecords {
public:
    /// `most`: how many bytes of a record are wanted.
    explicit LevelDbLogRecords(std::size_t most) noexcept : most_{most} {}

    /// Calls `visit(where it begins in the log, its bytes)` for each record that ends in `block`, the next one of the log.
    template <class Visit>
    void add_block(std::string_view block, const Visit& visit) {
        for (std::size_t at = 0; at + leveldb_frame_header_bytes <= block.size();) {
            const std::size_t payload = at + leveldb_frame_header_bytes;
            const std::size_t end = leveldb_frame_end(block, at);
            const std::uint32_t type = leveldb_byte_at(block, at + 6);
            if (end > block.size() || (type == 0 && end == payload)) {
                begun_ = false;
                break;
            }
            add_frame(type, block.substr(payload, end - payload), offset_ + at, visit);
            at = end;
        }
        offset_ += block.size();
    }

private:
    template <class Visit>
    void add_frame(std::uint32_t type, std::string_view payload, std::size_t at, const Visit& visit) {
        constexpr std::uint32_t full = 1, first = 2, middle = 3, last = 4;
        if (type == full || type == first) {
            begun_ = true;
            begin_ = at;
            record_.clear();
        } else if (type != middle && type != last) {
            begun_ = false;
        }
        if (!begun_) return;
        record_.append(payload.substr(0, most_ - record_.size()));
        if (type == first || type == middle) return;
        begun_ = false;
        visit(begin_, std::string_view{record_});
    }

    std::size_t most_;
    std::size_t offset_ = 0;  // of the next block
    std::size_t begin_ = 0;   // of the record
    bool begun_ = false;
    std::string record_;
};

/// Takes the first block off `log`.
[[nodiscard]] inline std::string_view take_leveldb_block(std::string_view& log) noexcept {
    const std::string_view block = log.substr(0, leveldb_block_bytes);
    log.remove_prefix(block.size());
    return block;
}

/// Makes each record that is no whole batch, or has a sequence number of an earlier one, one that LevelDB passes over. Damaged
/// frames must have been made so before. @return whether there was any.
[[nodiscard]] inline bool void_misplaced_leveldb_records(std::string& log) {
    std::map<std::uint64_t, std::uint64_t> taken;  // sequence numbers: the first, and the end
    std::vector<std::size_t> misplaced;
    LevelDbLogRecords records{std::string::npos};
    for (std::string_view rest = log; !rest.empty();) {
        records.add_block(take_leveldb_block(rest), [&](std::size_t begin, std::string_view record) {
            if (!is_whole_leveldb_batch(record)) return misplaced.push_back(begin);
            const LevelDbSequences sequences{record};
            if (sequences.first == sequences.end) return;
            const auto after = taken.lower_bound(sequences.end);
            if (after != taken.begin() && std::prev(after)->second > sequences.first) return misplaced.push_back(begin);
            taken.emplace(sequences.first, sequences.end);
        });
    }
    for (const std::size_t begin : misplaced) void_leveldb_frame(log, begin);
    return !misplaced.empty();
}

/// LevelDB's repair ignores the checksums of the logs: a damaged key would be taken for another, whose record it replaces or
/// erases. So what is damaged is voided first, in all logs, which the repair reads whatever the MANIFEST says.
[[nodiscard]] inline Status void_damage_in_leveldb_logs(const std::string& directory) {
    for (const std::string& name : leveldb_files_in(directory)) {
        if (!name.ends_with(".log")) continue;
        std::string log;
        const bool read = leveldb::ReadFileToString(leveldb::Env::Default(), directory + '/' + name, &log).ok();
        if (!read) continue;  // the repair cannot read it either
        const bool any_damaged = void_damaged_leveldb_frames(log);
        const bool any_misplaced = void_misplaced_leveldb_records(log);
        if (!any_damaged && !any_misplaced) continue;
        if (auto replaced = replace_leveldb_log(directory, name, log); !replaced) return replaced;
    }
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
