#ifndef JOINLY_DETAIL_OPS_FILES_HPP
#define JOINLY_DETAIL_OPS_FILES_HPP
// What backups and restoring ask of the file system. Paths are UTF-8; every error names the file and carries the system's words.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#include <fstream>
#include <iterator>
#else
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdio>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline std::filesystem::path native_path(const std::string& utf8) {
    return std::filesystem::path{std::u8string{utf8.begin(), utf8.end()}};
}
[[nodiscard]] inline std::string utf8_path(const std::filesystem::path& path) {
    const std::u8string text = path.generic_u8string();
    return {text.begin(), text.end()};
}

[[nodiscard]] inline tl::unexpected<Error> path_failure(const std::error_code& error, const std::string& path,
                                                        std::string_view doing) {
    Errc code = Errc::io;
    if (error == std::errc::no_space_on_device || error == std::errc::file_too_large) code = Errc::full;
    if (error == std::errc::permission_denied || error == std::errc::operation_not_permitted ||
        error == std::errc::read_only_file_system)
        code = Errc::read_only;
    return failure(code, path + ": " + std::string{doing} + ": " + error.message());
}

/// Absolute, and without a slash at the end: it stays the same place when the process changes its directory.
[[nodiscard]] inline Result<std::string> absolute_path(const std::string& path) {
    if (path.empty() || path.find('\0') != std::string::npos)
        return failure(Errc::invalid_argument, "'" + path + "' is not the path of a file or a directory");
    std::error_code error;
    std::filesystem::path absolute = std::filesystem::absolute(native_path(path), error).lexically_normal();
    if (error) return path_failure(error, path, "current directory");
    if (!absolute.has_filename() && absolute.has_relative_path()) absolute = absolute.parent_path();
    return utf8_path(absolute);
}

[[nodiscard]] inline bool path_exists(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(std::filesystem::symlink_status(native_path(path), error));
}
[[nodiscard]] inline bool is_directory(const std::string& path) {
    std::error_code error;
    return std::filesystem::is_directory(native_path(path), error);
}

/// A new directory. `conflict`: something of that name is there.
[[nodiscard]] inline Status make_new_directory(const std::string& path) {
    std::error_code error;
    if (std::filesystem::create_directory(native_path(path), error)) return {};
    if (!error || path_exists(path)) return failure(Errc::conflict, path + ": is there already");
    return path_failure(error, path, "mkdir");
}

[[nodiscard]] inline Status rename_path(const std::string& from, const std::string& to) {
    std::error_code error;
    std::filesystem::rename(native_path(from), native_path(to), error);
    return error ? path_failure(error, from, "rename") : Status{};
}

#if !defined(_WIN32)
/// What `name` is in the directory `at`, with everything in it; a link is removed, and not what it leads to. By the system itself:
/// libstdc++ ends the program where it gets no memory for a directory.
[[nodiscard]] inline Status remove_at(int at, const std::string& name, const std::string& path) {
    if (::unlinkat(at, name.c_str(), 0) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
    const int refused = errno;
    if (refused != EISDIR && refused != EPERM) return file_failure(refused, path, "remove");
    FileDescriptor opened{
        uninterrupted([&] { return ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); })};
    if (opened.get() < 0) return file_failure(errno == ENOTDIR || errno == ELOOP ? refused : errno, path, "remove");
    const int listed = ::fcntl(opened.get(), F_DUPFD_CLOEXEC, 0);
    DIR* const directory = listed < 0 ? nullptr : ::fdopendir(listed);
    if (directory == nullptr) {
        const int error = errno;
        if (listed >= 0) ::close(listed);
        return file_failure(error, path, "remove");
    }
    const auto names = names_of_open(directory, path);
    if (!names) return failure(names.error());
    for (const std::string& each : *names) {
        if (auto removed = remove_at(opened.get(), each, path + '/' + each); !removed) return removed;
    }
    if (::unlinkat(at, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) return file_failure(errno, path, "remove");
    return {};
}
#endif

/// With everything in it. What is not there needs no removing.
[[nodiscard]] inline Status remove_tree(const std::string& path) {
#if defined(_WIN32)
    std::error_code error;
    std::filesystem::remove_all(native_path(path), error);
    return error ? path_failure(error, path, "remove") : Status{};
#else
    return remove_at(AT_FDCWD, path, path);
#endif
}

/// Names in a directory, sorted.
[[nodiscard]] inline Result<std::vector<std::string>> names_of(const std::string& path) {
#if !defined(_WIN32)  // as remove_at
    auto names = names_in(path);
    if (names || (names.error() != Errc::not_found && names.error() != Errc::incompatible)) return names;
    return failure(Errc::io, std::string{names.error().message()});
#else
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at{native_path(path), error}, end; !error && at != end; at.increment(error))
        names.push_back(utf8_path(at->path().filename()));
    if (error) return path_failure(error, path, "list");
    std::sort(names.begin(), names.end());
    return names;
#endif
}

/// The size of a file, or of all files in a directory and below it.
[[nodiscard]] inline Result<std::uint64_t> tree_bytes(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (!is_directory(path)) {
        const std::uintmax_t bytes = fs::file_size(native_path(path), error);
        if (error) return path_failure(error, path, "size");
        return std::uint64_t{bytes};
    }
    std::uint64_t total = 0;
    for (fs::recursive_directory_iterator at{native_path(path), error}, end; !error && at != end; at.increment(error)) {
        if (!at->is_regular_file(error)) continue;
        total += at->file_size(error);
        if (error) break;
    }
    if (error) return path_failure(error, path, "size");
    return total;
}

/// Makes a directory's names last.
[[nodiscard]] inline Status sync_names(const std::string& path) {
#if defined(_WIN32)
    (void)path;
    return {};  // NTFS journals its entries
#else
    return sync_directory(path);
#endif
}

#if !defined(_WIN32)
/// Where the system lets files go. @return whether it has the group, at least.
inline bool give_to_owner_of(const struct stat& model, const std::string& path) {
    constexpr auto as_it_is = static_cast<::uid_t>(-1);
    return ::lchown(path.c_str(), model.st_uid, model.st_gid) == 0 || ::lchown(path.c_str(), as_it_is, model.st_gid) == 0;
}
#endif

/// Gives what is in a directory its owner and group, where the system lets files go. Not of a file.
inline void share_owner_of([[maybe_unused]] const std::string& directory) {
#if !defined(_WIN32)
    struct stat about {};
    if (::stat(directory.c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) return;
    for (const std::string& name : names_of(directory).value_or(std::vector<std::string>{}))
        (void)give_to_owner_of(about, directory + '/' + name);
#endif
}

/// Has those read and write `path` who may `model`, another file or directory: by its mode and, where the system lets files go,
/// with its owner and group; of a group that is another one nobody may more than all others. The owner may always. Of a directory
/// the files count: it is for those who may read all that are in `model`. A file system that has no modes stays as it is. Not of a
/// database file that is open: see sqlite/files.hpp.
inline void share_access([[maybe_unused]] const std::string& model, [[maybe_unused]] const std::string& path) {
#if !defined(_WIN32)
    struct stat about {};
    const auto file = open_file(path, O_RDONLY | O_NOFOLLOW);
    if (!file || ::stat(model.c_str(), &about) != 0) return;
    ::mode_t mode = about.st_mode & 07777U;
    const auto inside = S_ISDIR(about.st_mode) ? names_of(model) : Result<std::vector<std::string>>{};
    for (const std::string& name : inside.value_or(std::vector<std::string>{})) {
        struct stat one {};
        if (::stat((model + '/' + name).c_str(), &one) != 0) continue;
        if ((one.st_mode & S_IRGRP) == 0) mode &= ~::mode_t{S_IRWXG};
        if ((one.st_mode & S_IROTH) == 0) mode &= ~::mode_t{S_IRWXO};
    }
    if (!give_to_owner_of(about, path)) mode &= (~::mode_t{S_IRWXG} | (mode & S_IRWXO) << 3) & ~::mode_t{S_ISGID};
    (void)::fchmod(file->get(), is_directory(path) ? mode | S_IRWXU : (mode & 0666U) | S_IRUSR | S_IWUSR);
    share_owner_of(path);
#endif
}

#if defined(_WIN32)
/// A file that is written once, from its begin to its end.
class NewFile {
public:
    [[nodiscard]] static Result<NewFile> create(const std::string& path) {
        NewFile file{path};
        if (!file.stream_) return failure(Errc::io, path + ": cannot be created");
        return file;
    }
    [[nodiscard]] Status write(std::string_view bytes) {
        stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return stream_ ? Status{} : failure(Errc::io, path_ + ": cannot be written");
    }
    [[nodiscard]] Status sync() {
        stream_.close();
        const int file = ::_wopen(native_path(path_).c_str(), _O_RDWR | _O_BINARY);
        const bool synced = file >= 0 && ::_commit(file) == 0;
        if (file >= 0) ::_close(file);
        return synced ? Status{} : failure(Errc::io, path_ + ": cannot be written");
    }

private:
    explicit NewFile(const std::string& path) : path_{path}, stream_{native_path(path), std::ios::binary | std::ios::trunc} {}
    std::string path_;
    std::ofstream stream_;
};

[[nodiscard]] inline Status read_in_pieces(const std::string& path, FunctionRef<Status(std::string_view)> take) {
    std::ifstream stream{native_path(path), std::ios::binary};
    std::string buffer(std::size_t{1} << 20, '\0');
    if (!stream) return failure(Errc::io, path + ": cannot be opened");
    while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), stream.gcount() > 0) {
        if (auto taken = take(std::string_view{buffer}.substr(0, static_cast<std::size_t>(stream.gcount()))); !taken) return taken;
    }
    return stream.bad() ? failure(Errc::io, path + ": cannot be read") : Status{};
}
#else
class NewFile {
public:
    [[nodiscard]] static Result<NewFile> create(const std::string& path) {
        auto file = create_file(path);
        if (!file) return failure(std::move(file).error());
        return NewFile{path, std::move(*file)};
    }
    /// The disk takes what was written every few MiB: an fsync of somebody else's would have to wait for all of it otherwise.
    [[nodiscard]] Status write(std::string_view bytes) {
        constexpr std::uint64_t most_unsynced = std::uint64_t{4} << 20;
        if (auto written = write_at(file_, size_, bytes, path_); !written) return written;
        size_ += bytes.size();
        if (size_ - synced_ < most_unsynced) return {};
        synced_ = size_;
        return sync_data(file_, path_);
    }
    [[nodiscard]] Status sync() { return sync_file(file_, path_); }

private:
    NewFile(const std::string& path, FileDescriptor file) : path_{path}, file_{std::move(file)} {}
    std::string path_;
    FileDescriptor file_;
    std::uint64_t size_ = 0;
    std::uint64_t synced_ = 0;
};

[[nodiscard]] inline Status read_in_pieces(const std::string& path, FunctionRef<Status(std::string_view)> take) {
    auto file = open_for_reading(path);
    if (!file) return failure(std::move(file).error());
    auto left = size_of(*file, path);
    if (!left) return failure(std::move(left).error());
    std::string buffer(static_cast<std::size_t>((std::min)(*left, std::uint64_t{1} << 20)), '\0');
    for (std::uint64_t at = 0; at < *left; at += buffer.size()) {
        buffer.resize(static_cast<std::size_t>((std::min)(*left - at, std::uint64_t{buffer.size()})));
        if (auto read = read_at(*file, at, buffer.data(), buffer.size(), path); !read) return read;
        if (auto taken = take(buffer); !taken) return taken;
    }
    return {};
}
#endif

/// An empty file that those may read and write who may `model`, before there is anything in it.
[[nodiscard]] inline Status create_like(const std::string& model, const std::string& path) {
    auto file = NewFile::create(path);
    if (!file) return failure(std::move(file).error());
    share_access(model, path);
    return {};
}

[[nodiscard]] inline Status write_file_durably(const std::string& path, std::string_view bytes) {
    auto file = NewFile::create(path);
    if (!file) return failure(std::move(file).error());
    if (auto written = file->write(bytes); !written) return written;
    return file->sync();
}

/// `full` when it is longer than `most_bytes`.
[[nodiscard]] inline Result<std::string> read_small_file(const std::string& path, std::size_t most_bytes) {
    std::string text;
    auto read = read_in_pieces(path, [&](std::string_view piece) -> Status {
        if (text.size() + piece.size() > most_bytes) return failure(Errc::full, path + ": longer than expected");
        text.append(piece);
        return {};
    });
    if (!read) return failure(std::move(read).error());
    return text;
}

/// Told how many bytes more have been copied; an error ends the copy.
using CopyProgress = FunctionRef<Status(std::uint64_t bytes)>;

/// Copies a file, or a directory of files, durably, but for the name of the copy itself. Those can read the copy of a file who can
/// read that.
[[nodiscard]] inline Status copy_tree(const std::string& from, const std::string& to, CopyProgress progress) {
    if (!is_directory(from)) {
        auto copy = NewFile::create(to);
        if (!copy) return failure(std::move(copy).error());
        auto copied = read_in_pieces(from, [&](std::string_view piece) {
            auto written = copy->write(piece);
            return written ? progress(piece.size()) : written;
        });
        share_access(from, to);
        return copied ? copy->sync() : copied;
    }
    if (auto made = make_new_directory(to); !made) return made;
    const auto names = names_of(from);
    if (!names) return failure(names.error());
    for (const std::string& name : *names) {
        if (auto copied = copy_tree(from + '/' + name, to + '/' + name, progress); !copied) return copied;
    }
    return sync_names(to);
}

/// Changes two names about: at every moment each of them has the one file or directory or the other. Where the system cannot do
/// that at once, `left` has none for a moment, and what it had is at `right` with ".was" behind it.
[[nodiscard]] inline Status exchange_paths(const std::string& left, const std::string& right) {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
    if (::renameat2(AT_FDCWD, left.c_str(), AT_FDCWD, right.c_str(), RENAME_EXCHANGE) == 0) return {};
    if (errno != EINVAL && errno != ENOSYS) return file_failure(errno, left, "rename");
#endif
    const std::string was = right + ".was";
    if (auto renamed = rename_path(left, was); !renamed) return renamed;
    if (auto renamed = rename_path(right, left); !renamed) {
        (void)rename_path(was, left);
        return renamed;
    }
    return rename_path(was, right);
}

/// Gives what is at `from` the name `to`, for good. `conflict`: something has that already.
[[nodiscard]] inline Status publish_path(const std::string& from, const std::string& to) {
    const auto taken = [&] { return failure(Errc::conflict, to + ": is there already"); };
#if defined(__linux__) && defined(RENAME_NOREPLACE)
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return sync_names(parent_of(to));
    if (errno == EEXIST) return taken();
    if (errno != EINVAL && errno != ENOSYS) return file_failure(errno, from, "rename");
#endif
    if (path_exists(to)) return taken();
    if (auto renamed = rename_path(from, to); !renamed) return renamed;
    return sync_names(parent_of(to));
}

/// Exchanges what is at two names, where nothing may be at one of them, for good; where that fails, it is undone.
[[nodiscard]] inline Status exchange_durably(const std::string& left, const std::string& right) {
    const auto exchange = [&] {
        if (!path_exists(left)) return rename_path(right, left);
        return path_exists(right) ? exchange_paths(left, right) : rename_path(left, right);
    };
    if (auto exchanged = exchange(); !exchanged) return exchanged;
    Status synced = sync_names(parent_of(left));
    if (synced) synced = sync_names(parent_of(right));
    if (!synced) (void)exchange();
    return synced;
}

/// Removes a file or directory that was not finished, unless told that it was.
class UnlessFinished {
public:
    explicit UnlessFinished(std::string path) : path_{std::move(path)} {}
    UnlessFinished(const UnlessFinished&) = delete;
    UnlessFinished& operator=(const UnlessFinished&) = delete;
    ~UnlessFinished() {
        if (path_.empty()) return;
        JOINLY_TRY { (void)remove_tree(path_); }
        JOINLY_CATCH_ALL {}
    }
    void finished() noexcept { path_.clear(); }

private:
    std::string path_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
