#ifndef JOINLY_DETAIL_LEVELDB_FILES_HPP
#define JOINLY_DETAIL_LEVELDB_FILES_HPP
// A LevelDB database as a directory of files: what is in it, who holds it, how large it is. Everything but paths, locking
// and syncing goes through LevelDB's own file layer.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// LevelDB gives few codes and tells the rest in words, among them those of the operating system for `error`.
[[nodiscard]] inline bool leveldb_says(std::string_view words, int error) {
    return words.find(std::generic_category().message(error)) != std::string_view::npos;
}

[[nodiscard]] inline Errc leveldb_errc(const leveldb::Status& status, std::string_view words) {
    if (status.IsCorruption()) return Errc::corrupt;
    if (status.IsNotSupportedError()) return Errc::unsupported;
    if (words.find("(create_if_missing is false)") != std::string_view::npos) return Errc::io;  // we have seen it there
    if (status.IsInvalidArgument()) return Errc::incompatible;                                  // another order of keys
    if (words.starts_with("IO error: lock ")) return Errc::busy;
    if (leveldb_says(words, ENOSPC)) return Errc::full;
#if defined(EDQUOT)
    if (leveldb_says(words, EDQUOT)) return Errc::full;
#endif
    if (leveldb_says(words, EACCES) || leveldb_says(words, EPERM) || leveldb_says(words, EROFS)) return Errc::read_only;
    return Errc::io;
}

/// For the message of whatever is `corrupt`. The program joinly is for who has no C++ at hand.
[[nodiscard]] inline std::string leveldb_repair_advice(std::string_view path) {
    return "; keep a copy of the directory, then joinly repair or LevelDbBackend::repair with the path \"" + std::string{path} +
           "\" saves what can be read";
}

/// "/var/lobbies: LevelDB: IO error: /var/lobbies/000005.log: No space left on device"
[[nodiscard]] inline tl::unexpected<Error> leveldb_failure(const leveldb::Status& status, std::string_view path) {
    const std::string words = status.ToString();
    const Errc code = leveldb_errc(status, words);
    return failure(code, std::string{path} + ": LevelDB: " + words + (code == Errc::corrupt ? leveldb_repair_advice(path) : ""));
}

/// `path` from the root, so that it names the same directory when the process changes its own. Empty stays empty.
[[nodiscard]] inline Result<std::string> leveldb_absolute(const std::string& path) {
    if (path.empty()) return path;
    std::error_code error;
    std::string absolute = std::filesystem::absolute(path, error).string();
    if (error) return failure(Errc::io, path + ": the current directory is not known: " + error.message());
    return absolute;
}

[[nodiscard]] inline std::string leveldb_parent(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return std::string{path.substr(0, slash == 0 ? 1 : slash)};
}

/// The files in a directory; empty when it cannot be listed.
[[nodiscard]] inline std::vector<std::string> leveldb_files_in(const std::string& directory) {
    std::vector<std::string> names;
    leveldb::Env::Default()->GetChildren(directory, &names);
    std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
    return names;
}

/// Of the logs among these files, the lowest first: log 7 is "000007.log".
[[nodiscard]] inline std::vector<std::uint64_t> leveldb_log_numbers(const std::vector<std::string>& names) {
    std::vector<std::uint64_t> numbers;
    for (const std::string& name : names) {
        std::uint64_t number = 0;
        const char* const end = name.data() + name.size();
        const auto parsed = std::from_chars(name.data(), end, number);
        const std::string_view rest{parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)};
        if (parsed.ec == std::errc{} && rest == ".log") numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

/// Numbers have six digits, and more only when six are not enough.
[[nodiscard]] inline std::string leveldb_file_name(std::uint64_t number, std::string_view ending) {
    std::string digits = std::to_string(number);
    if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
    return digits.append(ending);
}
[[nodiscard]] inline std::string leveldb_log_path(const std::string& directory, std::uint64_t number) {
    return directory + '/' + leveldb_file_name(number, ".log");
}

[[nodiscard]] inline bool is_leveldb_data(std::string_view name) {
    return name.ends_with(".log") || name.ends_with(".ldb") || name.ends_with(".sst");
}

[[nodiscard]] inline bool is_leveldb_file(std::string_view name) {
    return is_leveldb_data(name) || name == "CURRENT" || name == "LOCK" || name == "LOG" || name == "LOG.old" ||
           name.starts_with("MANIFEST-") || name.ends_with(".dbtmp");
}

/// Where a repair notes what it begins with. It removes that when it has come to its end: until then the database does not open,
/// and there may be nothing but this.
[[nodiscard]] inline std::string leveldb_unfinished_path(const std::string& directory) { return directory + "/lost/unfinished"; }
[[nodiscard]] inline bool is_leveldb_repair_unfinished(const std::string& directory) {
    return leveldb::Env::Default()->FileExists(leveldb_unfinished_path(directory));
}

enum class LevelDbPlace { missing, empty, database };

/// What `path` is before anything is opened or created. LevelDB, asked to create a database where CURRENT is lost, deletes
/// the data that is left: so that is `corrupt`, and so is what a repair has not come to its end with. A directory with other files,
/// or a file, is `incompatible`. Files of a creation that was cut short hold no data: `empty`.
[[nodiscard]] inline Result<LevelDbPlace> leveldb_inspect(const std::string& path) {
    leveldb::Env& env = *leveldb::Env::Default();
    if (path.empty()) return failure(Errc::invalid_argument, "the path of the LevelDB database is empty");
    std::vector<std::string> names;
    if (const auto listed = env.GetChildren(path, &names); !listed.ok()) {
        if (listed.IsNotFound()) return LevelDbPlace::missing;
        if (leveldb_says(listed.ToString(), ENOTDIR)) return failure(Errc::incompatible, path + ": not a directory");
        return leveldb_failure(listed, path);
    }
    if (is_leveldb_repair_unfinished(path))
        return failure(Errc::corrupt, path + ": a repair did not come to its end" + leveldb_repair_advice(path));
    // FileExists says no as well when the operating system cannot tell.
    if (std::find(names.begin(), names.end(), "CURRENT") != names.end() || env.FileExists(path + "/CURRENT"))
        return LevelDbPlace::database;
    for (const std::string& name : names) {
        if (is_leveldb_data(name)) {
            return failure(Errc::corrupt, path + ": holds LevelDB's " + name + " but no CURRENT" + leveldb_repair_advice(path));
        }
    }
    for (const std::string& name : names) {
        if (name == "." || name == ".." || is_leveldb_file(name)) continue;
        return failure(Errc::incompatible, path + ": holds " + name + ", so it is not a LevelDB database, nor empty");
    }
    return LevelDbPlace::empty;
}

/// Where a file counts, as an index into `leveldb_part_names`.
[[nodiscard]] inline std::size_t leveldb_part_of(std::string_view name) {
    if (name.ends_with(".ldb") || name.ends_with(".sst")) return 0;
    if (name.ends_with(".log")) return 1;
    if (name == "LOG" || name == "LOG.old") return 3;
    if (name.ends_with(".dbtmp")) return 4;
    return 2;  // MANIFEST-*, CURRENT, and LOCK, which is empty
}
inline constexpr std::array<std::string_view, 5> leveldb_part_names{"tables", "log", "manifest", "info_log", "temporary"};

/// Files that vanish meanwhile (a compaction ends) count as nothing.
[[nodiscard]] inline Result<std::vector<StoragePart>> leveldb_size_by_part(const std::string& path) {
    leveldb::Env& env = *leveldb::Env::Default();
    std::vector<std::string> names;
    if (const auto listed = env.GetChildren(path, &names); !listed.ok()) return leveldb_failure(listed, path);
    std::vector<StoragePart> parts;
    for (const std::string_view part : leveldb_part_names) parts.push_back({part, 0});
    for (const std::string& name : names) {
        std::uint64_t bytes = 0;
        if (is_leveldb_file(name) && env.GetFileSize(path + '/' + name, &bytes).ok()) parts[leveldb_part_of(name)].bytes += bytes;
    }
    return parts;
}

/// Keeps everybody else who asks, in this process or another, off a directory. LevelDB's own lock is not enough: a second
/// attempt to open a database within one process fails, but closes the lock file, and with that the operating system drops
/// the first one's lock; and another spelling of the path is not recognised at all. Where there is no flock (Windows), and
/// on file systems without it, LevelDB's lock is all there is.
class LevelDbDirectoryLock {
public:
    [[nodiscard]] static Result<LevelDbDirectoryLock> take([[maybe_unused]] const std::string& path) {
        LevelDbDirectoryLock lock;
#if !defined(_WIN32)
        lock.fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (lock.fd_ >= 0 && ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            return failure(Errc::busy, path + ": in use by another backend of this process, or by another process");
        }
#endif
        return lock;
    }
    LevelDbDirectoryLock(LevelDbDirectoryLock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    LevelDbDirectoryLock& operator=(LevelDbDirectoryLock&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~LevelDbDirectoryLock() {
#if !defined(_WIN32)
        if (fd_ < 0) return;
        ::flock(fd_, LOCK_UN);  // said aloud, for a forked child has the lock too, until it ends
        ::close(fd_);
#endif
    }

private:
    LevelDbDirectoryLock() = default;
    int fd_ = -1;
};

/// Makes last what is in a file. One that is gone is none of ours any more: a log has become a table, which is synced.
[[nodiscard]] inline leveldb::Status leveldb_sync_file(const std::string& path) {
#if !defined(_WIN32)
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    int synced = fd;
    while (fd >= 0 && (synced = ::fsync(fd)) != 0 && errno == EINTR) {
    }
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (synced < 0 && error != ENOENT) return leveldb::Status::IOError(path, std::generic_category().message(error));
#endif
    return leveldb::Status::OK();
}

/// Makes the names in a directory last: a file or directory that was created or renamed there.
[[nodiscard]] inline Status leveldb_sync_directory(const std::string& path) {
#if !defined(_WIN32)
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && (::fsync(fd) == 0 || errno == EINVAL);  // EINVAL: this file system has no need
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (!synced) return failure(Errc::io, path + ": fsync: " + std::generic_category().message(error));
#endif
    return {};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
