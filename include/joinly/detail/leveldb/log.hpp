#ifndef JOINLY_DETAIL_LEVELDB_LOG_HPP
#define JOINLY_DETAIL_LEVELDB_LOG_HPP
// Tells the end that a power failure leaves on LevelDB's log from damage.
//
// A log that was cut short LevelDB takes by itself: the last record never was. But a file system may have made the file
// longer before it wrote the bytes, and then the end reads as zeros; with paranoid checks LevelDB calls that corruption.
// Only a log whose first bad frame breaks off into zeros, from a sector boundary to the end of the file, is taken for
// torn. Nothing that was fsynced can be in that part. Everything else is damage. (A flipped bit in a last record that ends
// in a sector of zeros of its own looks the same, and costs that record.)

#include <joinly/config.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>

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
    const std::size_t last = log.find_last_not_of('\0');
    const std::size_t written = last == std::string_view::npos ? 0 : last + 1;
    const std::size_t zeros = (written + leveldb_sector_bytes - 1) / leveldb_sector_bytes * leveldb_sector_bytes;
    if (zeros >= log.size() || written >= leveldb_frame_end(log, offset)) return std::nullopt;
    return offset;
}

/// The newest log of a database; empty when there is none.
[[nodiscard]] inline std::string newest_leveldb_log(const std::string& directory) {
    std::string newest;
    for (std::string& name : leveldb_files_in(directory)) {
        // Numbers have six digits, and more only when six are not enough.
        const bool newer = name.size() != newest.size() ? name.size() > newest.size() : name > newest;
        if (name.ends_with(".log") && newer) newest = std::move(name);
    }
    return newest;
}

/// Cuts a torn end off the newest log. @return whether there was one, and it is gone.
[[nodiscard]] inline bool cut_leveldb_torn_tail(const std::string& directory) {
    leveldb::Env& env = *leveldb::Env::Default();
    const std::string name = newest_leveldb_log(directory);
    const std::string path = directory + '/' + name;
    std::string log;
    if (name.empty() || !leveldb::ReadFileToString(&env, path, &log).ok()) return false;
    const auto torn = find_leveldb_torn_tail(log);
    if (!torn) return false;

    const std::string copy = directory + '/' + name.substr(0, name.size() - 4) + ".dbtmp";  // LevelDB clears those away
    leveldb::WritableFile* raw = nullptr;
    if (!env.NewWritableFile(copy, &raw).ok()) return false;
    const std::unique_ptr<leveldb::WritableFile> file{raw};
    return file->Append(leveldb::Slice{log.data(), *torn}).ok() && file->Sync().ok() && file->Close().ok() &&
           env.RenameFile(copy, path).ok() && leveldb_sync_directory(directory).has_value();
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
