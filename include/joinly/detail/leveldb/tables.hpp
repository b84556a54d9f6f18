#ifndef JOINLY_DETAIL_LEVELDB_TABLES_HPP
#define JOINLY_DETAIL_LEVELDB_TABLES_HPP
// Keeps from LevelDB's repair a table whose footer is damaged. A footer has no checksum, and LevelDB allocates the size that
// it names before it looks how long the file is: that may be more memory than there is.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/varint.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::size_t leveldb_footer_bytes = 48;  // offset and size of the index of meta blocks, and of the index; magic

/// Whether the blocks that a table's footer names are within the table.
[[nodiscard]] inline bool is_plausible_leveldb_footer(std::string_view footer, std::uint64_t table_bytes) noexcept {
    for (int block = 0; block < 2; ++block) {
        const auto offset = take_leveldb_varint(footer);
        const auto size = take_leveldb_varint(footer);
        if (!offset || !size || *offset > table_bytes || *size > table_bytes - *offset) return false;
    }
    return true;
}

/// Whether LevelDB may be given the table, which finds by itself that it is too short, or cannot be read.
[[nodiscard]] inline bool may_open_leveldb_table(const std::string& path) {
    leveldb::Env& env = *leveldb::Env::Default();
    std::uint64_t bytes = 0;
    leveldb::RandomAccessFile* raw = nullptr;
    if (!env.GetFileSize(path, &bytes).ok() || bytes < leveldb_footer_bytes || !env.NewRandomAccessFile(path, &raw).ok())
        return true;
    const std::unique_ptr<leveldb::RandomAccessFile> file{raw};
    std::array<char, leveldb_footer_bytes> space{};
    leveldb::Slice footer;
    const auto read = file->Read(bytes - leveldb_footer_bytes, leveldb_footer_bytes, &footer, space.data());
    return !read.ok() || is_plausible_leveldb_footer(to_view(footer), bytes);
}

/// Moves the tables that LevelDB must not be given to `lost/`, where its repair puts what it cannot use.
[[nodiscard]] inline Status set_damaged_leveldb_tables_aside(const std::string& directory) {
    leveldb::Env& env = *leveldb::Env::Default();
    for (const std::string& name : leveldb_files_in(directory)) {
        const std::string path = directory + '/' + name;
        if (!(name.ends_with(".ldb") || name.ends_with(".sst")) || may_open_leveldb_table(path)) continue;
        env.CreateDir(directory + "/lost");  // it may be there
        if (const auto moved = env.RenameFile(path, directory + "/lost/" + name); !moved.ok()) return leveldb_failure(moved, path);
    }
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
