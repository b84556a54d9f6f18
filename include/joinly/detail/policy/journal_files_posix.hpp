#ifndef JOINLY_DETAIL_POLICY_JOURNAL_FILES_POSIX_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_FILES_POSIX_HPP
// The journal's file operations on POSIX systems; see journal_files.hpp. Empty elsewhere.

#include <joinly/config.hpp>

#if !defined(_WIN32)
#include <joinly/core/result.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// "/var/journal/0000000001.segment: fdatasync: Input/output error"
[[nodiscard]] inline tl::unexpected<Error> file_failure(int error, const std::string& path, std::string_view doing) {
    Errc code = Errc::io;
    if (error == ENOSPC || error == EFBIG) code = Errc::full;
#if defined(EDQUOT)
    if (error == EDQUOT) code = Errc::full;
#endif
    if (error == EACCES || error == EPERM || error == EROFS) code = Errc::read_only;
    return failure(code, path + ": " + std::string{doing} + ": " + std::generic_category().message(error));
}

/// Calls again what a signal has interrupted.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

class FileDescriptor {
public:
    FileDescriptor() noexcept = default;
    explicit FileDescriptor(int fd) noexcept : fd_{fd} {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FileDescriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_ = -1;
};

[[nodiscard]] inline Result<FileDescriptor> open_file(const std::string& path, int flags) {
    FileDescriptor file{uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR); })};
    if (file.get() < 0) return file_failure(errno, path, "open");
    return file;
}
[[nodiscard]] inline Result<FileDescriptor> open_for_reading(const std::string& path) { return open_file(path, O_RDONLY); }
/// Empty, whatever was there.
[[nodiscard]] inline Result<FileDescriptor> create_file(const std::string& path) {
    return open_file(path, O_RDWR | O_CREAT | O_TRUNC);
}

[[nodiscard]] inline Result<std::uint64_t> size_of(const FileDescriptor& file, const std::string& path) {
    struct stat about {};
    if (::fstat(file.get(), &about) != 0) return file_failure(errno, path, "stat");
    return static_cast<std::uint64_t>(about.st_size);
}
/// 0 when it is not there.
[[nodiscard]] inline std::uint64_t size_of(const std::string& path) noexcept {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}
/// Whether a name still leads to it.
[[nodiscard]] inline bool has_name(const FileDescriptor& file) noexcept {
    struct stat about {};
    return ::fstat(file.get(), &about) == 0 && about.st_nlink > 0;
}

/// Whether `path` leads to it.
[[nodiscard]] inline Result<bool> leads_to(const std::string& path, const FileDescriptor& file) {
    struct stat there {};
    struct stat ours {};
    if (::stat(path.c_str(), &there) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return file_failure(errno, path, "stat");
    }
    if (::fstat(file.get(), &ours) != 0) return file_failure(errno, path, "stat");
    return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

[[nodiscard]] inline Status write_at(const FileDescriptor& file, std::uint64_t offset, std::string_view bytes,
                                     const std::string& path) {
    while (!bytes.empty()) {
        const auto written =
            uninterrupted([&] { return ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        if (written <= 0) return file_failure(written < 0 ? errno : EIO, path, "write");
        offset += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

/// Takes away what lies behind so many bytes. Not durable before the file is synced.
[[nodiscard]] inline Status cut_file(const FileDescriptor& file, std::uint64_t bytes, const std::string& path) {
    if (uninterrupted([&] { return ::ftruncate(file.get(), static_cast<off_t>(bytes)); }) != 0)
        return file_failure(errno, path, "ftruncate");
    return {};
}

/// What lies beyond the file's end is left as it is.
[[nodiscard]] inline Status read_at(const FileDescriptor& file, std::uint64_t offset, char* to, std::size_t bytes,
                                    const std::string& path) {
    while (bytes > 0) {
        const auto got = uninterrupted([&] { return ::pread(file.get(), to, bytes, static_cast<off_t>(offset)); });
        if (got < 0) return file_failure(errno, path, "read");
        if (got == 0) break;
        offset += static_cast<std::uint64_t>(got);
        to += got;
        bytes -= static_cast<std::size_t>(got);
    }
    return {};
}

/// Gives the file its size and its place on the disk, so that a full disk is met here and not by a store into its mapping.
[[nodiscard]] inline Status allocate(const FileDescriptor& file, std::size_t bytes, const std::string& path) {
#if defined(__APPLE__) || defined(__OpenBSD__)
    const std::string zeros(std::size_t{1} << 16, '\0');
    for (std::size_t at = 0; at < bytes; at += zeros.size()) {
        const std::size_t part = (std::min)(zeros.size(), bytes - at);
        if (auto written = write_at(file, at, std::string_view{zeros}.substr(0, part), path); !written) return written;
    }
#else
    int error = 0;
    do error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes));
    while (error == EINTR);
    if (error != 0) return file_failure(error, path, "posix_fallocate");
#endif
    return {};
}

/// The bytes, and of the file's properties what it takes to find them again.
[[nodiscard]] inline Status sync_data(const FileDescriptor& file, const std::string& path) {
#if defined(__linux__)
    if (uninterrupted([&] { return ::fdatasync(file.get()); }) != 0) return file_failure(errno, path, "fdatasync");
#elif defined(F_FULLFSYNC)
    if (::fcntl(file.get(), F_FULLFSYNC) != 0 && ::fsync(file.get()) != 0) return file_failure(errno, path, "fsync");
#else
    if (uninterrupted([&] { return ::fsync(file.get()); }) != 0) return file_failure(errno, path, "fsync");
#endif
    return {};
}

[[nodiscard]] inline Status sync_file(const FileDescriptor& file, const std::string& path) {
    if (uninterrupted([&] { return ::fsync(file.get()); }) != 0) return file_failure(errno, path, "fsync");
    return {};
}

[[nodiscard]] inline Status sync_directory(const std::string& path) {
    auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!directory) return failure(std::move(directory).error());
    // EINVAL: this file system has no need of it
    if (uninterrupted([&] { return ::fsync(directory->get()); }) != 0 && errno != EINVAL) return file_failure(errno, path, "fsync");
    return {};
}

[[nodiscard]] inline Status rename_file(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return file_failure(errno, from, "rename");
    return {};
}
/// Another name for the same file.
[[nodiscard]] inline Status link_file(const std::string& from, const std::string& to) {
    if (::link(from.c_str(), to.c_str()) != 0) return file_failure(errno, from, "link");
    return {};
}
/// What is not there needs no removing.
[[nodiscard]] inline Status remove_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_failure(errno, path, "unlink");
    return {};
}
/// An error says that nobody knows: what is not surely gone must not be taken for gone.
[[nodiscard]] inline Result<bool> file_exists(const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return file_failure(errno, path, "access");
}

/// Whether it was not there before.
[[nodiscard]] inline Result<bool> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno == ENOENT) return failure(Errc::io, path + ": the directory that it would be made in does not exist");
    return file_failure(errno, path, "mkdir");
}

/// The same place, whatever directory the process changes to.
[[nodiscard]] inline Result<std::string> from_root(const std::string& path) {
    if (path.starts_with('/')) return path;
    char* const current = ::getcwd(nullptr, 0);
    if (current == nullptr) return file_failure(errno, path, "current directory");
    const struct Freeing {
        char* bytes;
        ~Freeing() { std::free(bytes); }
    } freeing{current};
    return std::string{current}.append("/").append(path);
}

/// Takes the directory; it is closed at the end. The names are sorted.
[[nodiscard]] inline Result<std::vector<std::string>> names_of_open(DIR* directory, const std::string& path) {
    const struct Closer {
        DIR* directory;
        ~Closer() { ::closedir(directory); }
    } closer{directory};
    std::vector<std::string> names;
    for (;;) {
        errno = 0;  // an error looks like the end: taken for that, the segments that follow would be lost and written over
        const dirent* const entry = ::readdir(directory);
        if (entry == nullptr) break;
        const std::string_view name{entry->d_name};
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return file_failure(errno, path, "readdir");
    std::sort(names.begin(), names.end());
    return names;
}

[[nodiscard]] inline Result<std::vector<std::string>> names_in(const std::string& path) {
    DIR* const directory = ::opendir(path.c_str());
    if (directory == nullptr && errno == ENOENT) return failure(Errc::not_found, path + ": there is no such directory");
    if (directory == nullptr && errno == ENOTDIR) return failure(Errc::incompatible, path + ": not a directory");
    if (directory == nullptr) return file_failure(errno, path, "opendir");
    return names_of_open(directory, path);
}

/// `busy`: another descriptor has the lock, be it of this process.
[[nodiscard]] inline Result<FileDescriptor> lock_file(const std::string& path) {
    auto file = open_file(path, O_RDWR | O_CREAT);
    if (!file) return file;
    if (uninterrupted([&] { return ::flock(file->get(), LOCK_EX | LOCK_NB); }) == 0) return file;
    if (errno == EWOULDBLOCK) return failure(Errc::busy, path + ": in use by another store of this process, or by another process");
    return file_failure(errno, path, "flock");
}
/// Said aloud, for a forked child has the lock too, until it ends.
inline void unlock_file(const FileDescriptor& file) noexcept {
    if (file.get() >= 0) ::flock(file.get(), LOCK_UN);
}

/// Memory, or a file in it.
class Mapping {
public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Mapping() {
        if (data_ != nullptr) ::munmap(data_, size_);
    }

    [[nodiscard]] static Result<Mapping> of_file(const FileDescriptor& file, std::size_t bytes, const std::string& path) {
        return map(MAP_SHARED, file.get(), bytes, path);
    }
    /// Zeros, of which only what is touched takes memory.
    [[nodiscard]] static Result<Mapping> of_memory(std::size_t bytes, const std::string& path) {
        if (bytes == 0) return Mapping{};
        return map(MAP_PRIVATE | MAP_ANONYMOUS, -1, bytes, path);
    }

    [[nodiscard]] char* data() const noexcept { return static_cast<char*>(data_); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::string_view bytes() const noexcept { return {data(), size_}; }

    /// Has every page ready to be written to. The file is a new one, all zeros.
    [[nodiscard]] Status populate(const std::string& path) const {
#if defined(MADV_POPULATE_WRITE)
        const bool is_populated = uninterrupted([&] { return ::madvise(data_, size_, MADV_POPULATE_WRITE); }) == 0;
        if (!is_populated && errno != EINVAL) return file_failure(errno, path, "madvise");  // EINVAL: an older kernel
#endif
        (void)path;
        // In a virtual machine the first touch may still cost some microseconds a page, of which the kernel knows nothing.
        for (std::size_t at = 0; at < size_; at += 4096) *const_cast<volatile char*>(data() + at) = 0;
        return {};
    }

private:
    [[nodiscard]] static Result<Mapping> map(int flags, int fd, std::size_t bytes, const std::string& path) {
        void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
        if (data == MAP_FAILED) return file_failure(errno, path, "mmap");
        Mapping mapping;
        mapping.data_ = data;
        mapping.size_ = bytes;
        return mapping;
    }

    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// A number that nobody can guess.
[[nodiscard]] inline Result<std::uint32_t> random_number() {
    std::uint32_t number = 0;
    if (::getentropy(&number, sizeof number) != 0) return file_failure(errno, "getentropy", "random number");
    return number;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
#endif
