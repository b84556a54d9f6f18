#ifndef JOINLY_DETAIL_LEVELDB_LOG_HPP
#define JOINLY_DETAIL_LEVELDB_LOG_HPP
// Tells the end that a power failure leaves on LevelDB's log from damage, and keeps damage from LevelDB's repair. The MANIFEST,
// which tells what files there are, is a log as well: what its torn last record was to say has not happened.
//
// A log that was cut short LevelDB takes by itself: the last record never was. But a file system may have made the file
// longer before it wrote the bytes, or have written later pages before earlier ones, and then a part of the last record reads
// as zeros; with paranoid checks LevelDB calls that corruption. A log is taken for torn if from its first bad frame on a sector
// reads as zeros and no record begins any more: nothing that was fsynced can be in that part. Everything else is damage. (A
// flipped bit in a last record that has a sector of zeros of its own looks the same, and costs that record.)

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::size_t leveldb_block_bytes = 32768;
inline constexpr std::size_t leveldb_frame_header_bytes = 7;  // masked CRC (4), length (2), type (1), little-endian
inline constexpr std::size_t leveldb_sector_bytes = 512;

[[nodiscard]] inline std::uint32_t leveldb_byte_at(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<unsigned char>(bytes[at]);
}

/// Where the frame at `offset` says that it ends.
[[nodiscard]] inline std::size_t leveldb_frame_end(std::string_view log, std::size_t offset) noexcept {
    return offset + leveldb_frame_header_bytes + (leveldb_byte_at(log, offset + 4) | leveldb_byte_at(log, offset + 5) << 8);
}

[[nodiscard]] inline bool is_whole_leveldb_frame(std::string_view log, std::size_t offset) noexcept {
    const std::size_t end = leveldb_frame_end(log, offset);
    const std::size_t block_end = offset - offset % leveldb_block_bytes + leveldb_block_bytes;
    const std::uint32_t type = leveldb_byte_at(log, offset + 6);
    if (end > log.size() || end > block_end || type == 0 || type > 4) return false;
    const std::uint32_t stored = leveldb_byte_at(log, offset) | leveldb_byte_at(log, offset + 1) << 8 |
                                 leveldb_byte_at(log, offset + 2) << 16 | leveldb_byte_at(log, offset + 3) << 24;
    const std::uint32_t crc = crc32c(log.substr(offset + 6, end - offset - 6));
    return stored == ((crc >> 15 | crc << 17) + 0xa282ead8u);  // how LevelDB masks a CRC
}

/// Whether some sector from `offset` on never reached the disk: it reads as zeros.
[[nodiscard]] inline bool lacks_leveldb_sector(std::string_view log, std::size_t offset) noexcept {
    while (offset < log.size()) {
        const std::size_t end = (std::min)(offset - offset % leveldb_sector_bytes + leveldb_sector_bytes, log.size());
        if (log.substr(offset, end - offset).find_first_not_of('\0') == std::string_view::npos) return true;
        offset = end;
    }
    return false;
}

/// Whether a record begins with a whole frame anywhere after `offset`.
[[nodiscard]] inline bool has_later_leveldb_record(std::string_view log, std::size_t offset) noexcept {
    constexpr std::uint32_t full = 1;
    constexpr std::uint32_t first = 2;
    while (++offset + leveldb_frame_header_bytes <= log.size()) {
        const std::uint32_t type = leveldb_byte_at(log, offset + 6);
        if ((type == full || type == first) && is_whole_leveldb_frame(log, offset)) return true;
    }
    return false;
}

/// Where the torn end of a log begins; nullopt when there is none, or what is wrong is something else.
[[nodiscard]] inline std::optional<std::size_t> find_leveldb_torn_tail(std::string_view log) noexcept {
    std::size_t offset = 0;
    while (offset + leveldb_frame_header_bytes <= log.size()) {
        const std::size_t room = leveldb_block_bytes - offset % leveldb_block_bytes;
        if (room < leveldb_frame_header_bytes) {
            offset += room;  // the filler at the end of a block
            continue;
        }
        if (!is_whole_leveldb_frame(log, offset)) break;
        offset = leveldb_frame_end(log, offset);
    }
    if (offset + leveldb_frame_header_bytes > log.size()) return std::nullopt;
    if (!lacks_leveldb_sector(log, offset) || has_later_leveldb_record(log, offset)) return std::nullopt;
    return offset;
}

/// The MANIFEST that the database goes by; empty when that cannot be told.
[[nodiscard]] inline std::string current_leveldb_manifest(const std::string& directory) {
    std::string name;
    if (!leveldb::ReadFileToString(leveldb::Env::Default(), directory + "/CURRENT", &name).ok()) return {};
    return name.starts_with("MANIFEST-") && name.ends_with('\n') ? name.substr(0, name.size() - 1) : std::string{};
}

/// Of a log or a MANIFEST.
[[nodiscard]] inline Status replace_leveldb_log(const std::string& directory, const std::string& name, std::string_view log) {
    leveldb::Env& env = *leveldb::Env::Default();
    const std::size_t number = name.find_first_of("0123456789");
    const std::string copy =
        directory + '/' + name.substr(number, name.find('.') - number) + ".dbtmp";  // LevelDB clears those away
    leveldb::WritableFile* raw = nullptr;
    auto status = env.NewWritableFile(copy, &raw);
    if (!status.ok()) return leveldb_failure(status, copy);
    const std::unique_ptr<leveldb::WritableFile> file{raw};
    status = file->Append(to_slice(log));
    if (status.ok()) status = file->Sync();
    if (status.ok()) status = file->Close();
    if (status.ok()) status = env.RenameFile(copy, directory + '/' + name);
    if (!status.ok()) return leveldb_failure(status, copy);
    return leveldb_sync_directory(directory);
}

/// Cuts the torn end off a log or a MANIFEST. @return whether there was one, and it is gone.
[[nodiscard]] inline bool cut_leveldb_torn_tail(const std::string& directory, const std::string& name) {
    std::string log;
    if (name.empty() || !leveldb::ReadFileToString(leveldb::Env::Default(), directory + '/' + name, &log).ok()) return false;
    const auto torn = find_leveldb_torn_tail(log);
    return torn && replace_leveldb_log(directory, name, std::string_view{log}.substr(0, *torn));
}

/// Whether the frame at `offset`, damaged as it is, seems to end where it says: there is the end, or a whole frame.
[[nodiscard]] inline bool has_leveldb_frame_a_plausible_end(std::string_view log, std::size_t offset) noexcept {
    const std::size_t end = leveldb_frame_end(log, offset);
    const std::size_t block_end = offset - offset % leveldb_block_bytes + leveldb_block_bytes;
    if (end > log.size() || end > block_end) return false;
    return block_end - end < leveldb_frame_header_bytes || log.size() - end < leveldb_frame_header_bytes ||
           is_whole_leveldb_frame(log, end);
}

/// Makes the frame at `offset` one that LevelDB passes over, with the record that it is a part of.
inline void void_leveldb_frame(std::string& log, std::size_t offset) noexcept {
    constexpr std::size_t type_offset = 6;
    constexpr char no_such_type = '\x7f';
    log[offset + type_offset] = no_such_type;
}

/// Makes each frame that does not match its checksum one that LevelDB passes over, with the rest of its block where it is
/// not known where the next one begins. @return whether there was any.
[[nodiscard]] inline bool void_damaged_leveldb_frames(std::string& log) noexcept {
    bool any = false;
    for (std::size_t offset = 0; offset + leveldb_frame_header_bytes <= log.size();) {
        const std::size_t room = leveldb_block_bytes - offset % leveldb_block_bytes;
        if (room < leveldb_frame_header_bytes) {
            offset += room;
        } else if (is_whole_leveldb_frame(log, offset)) {
            offset = leveldb_frame_end(log, offset);
        } else if (any = true; has_leveldb_frame_a_plausible_end(log, offset)) {
            void_leveldb_frame(log, offset);
            offset = leveldb_frame_end(log, offset);
        } else {
            for (std::size_t i = offset; i < log.size() && i < offset + room; ++i) log[i] = '\0';
            offset += room;
        }
    }
    return any;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
