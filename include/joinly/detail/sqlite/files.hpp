#ifndef JOINLY_DETAIL_SQLITE_FILES_HPP
#define JOINLY_DETAIL_SQLITE_FILES_HPP
// The files of an SQLite database, seen from outside. A live database file is only ever asked for its size and kind:
// opening and closing it by other means drops the locks that SQLite holds on it, for the whole process.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline std::filesystem::path sqlite_path(const std::string& utf8) {
    return std::filesystem::path{std::u8string{utf8.begin(), utf8.end()}};
}

/// Absolute, in UTF-8: connections that are opened later find the same file after a chdir, and no name is taken for a URI.
[[nodiscard]] inline Result<std::string> sqlite_absolute(const std::string& path) {
    if (path.empty() || path == ":memory:" || path.find('\0') != std::string::npos)
        return failure(Errc::invalid_argument, "'" + path + "' is not the path of a file, which an SQLite database needs");
    std::error_code error;
    const std::u8string absolute = std::filesystem::absolute(sqlite_path(path), error).u8string();
    if (error) return failure(Errc::io, path + ": " + error.message());
    return std::string{absolute.begin(), absolute.end()};
}

/// Bytes of a file, 0 when there is none.
[[nodiscard]] inline std::uint64_t sqlite_file_bytes(const std::string& path) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(sqlite_path(path), error);
    return error ? 0 : bytes;
}

[[nodiscard]] inline bool sqlite_file_exists(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(std::filesystem::symlink_status(sqlite_path(path), error));
}

/// Whether the operating system forbids this process to write to a file that is there.
[[nodiscard]] inline bool sqlite_may_not_write(const std::string& path) {
#if defined(_WIN32)
    return ::_waccess(sqlite_path(path).c_str(), 2) != 0 && errno == EACCES;
#else
    return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0 && (errno == EACCES || errno == EPERM || errno == EROFS);
#endif
}

/// Whether a database can be opened at `path` at all. `may_create`: a missing one is no error.
[[nodiscard]] inline Status sqlite_place(const std::string& path, bool may_create) {
    namespace fs = std::filesystem;
    std::error_code error;
    const std::uint64_t log_bytes = sqlite_file_bytes(path + "-wal");  // first: a database has pages before its log has
    const fs::path file = sqlite_path(path);
    const fs::file_status status = fs::status(file, error);
    switch (status.type()) {
        case fs::file_type::regular: break;
        case fs::file_type::directory: return failure(Errc::invalid_argument, path + " is a directory, not a database file");
        case fs::file_type::none: return failure(Errc::io, path + ": " + error.message());
        case fs::file_type::not_found:
            if (!fs::is_directory(file.parent_path(), error))
                return failure(Errc::io, path + ": the directory " + file.parent_path().string() + " does not exist");
            if (!may_create) return failure(Errc::not_found, path + " does not exist");
            break;
        default: return failure(Errc::invalid_argument, path + " is not a regular file");
    }
    const std::uint64_t bytes = sqlite_file_bytes(path);
    if (bytes > 0 && bytes < 100)  // less than a header: SQLite takes one byte for an empty database, and overwrites it
        return failure(Errc::incompatible, path + " is not an SQLite database: it was left as it is");
    // SQLite would delete such a log, and with it the newest writes.
    if (log_bytes > 0 && bytes == 0)
        return failure(Errc::corrupt, path + " is missing or empty, but its log " + path + "-wal holds data");
    return {};
}

/// Makes a file that nobody else has open, or a directory's entries, last through a power failure.
[[nodiscard]] inline Status sqlite_sync(const std::filesystem::path& path) {
#if defined(_WIN32)
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown)) return {};  // NTFS journals its entries
    const int file = ::_wopen(path.c_str(), _O_RDWR | _O_BINARY);
    const bool synced = file >= 0 && ::_commit(file) == 0;
    const std::error_code error{errno, std::generic_category()};
    if (file >= 0) ::_close(file);
#else
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = file >= 0 && ::fsync(file) == 0;
    const std::error_code error{errno, std::generic_category()};
    if (file >= 0) ::close(file);
#endif
    if (!synced) return failure(Errc::io, path.string() + ": " + error.message());
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
