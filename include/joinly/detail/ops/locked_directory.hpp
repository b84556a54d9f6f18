#ifndef JOINLY_DETAIL_OPS_LOCKED_DIRECTORY_HPP
#define JOINLY_DETAIL_OPS_LOCKED_DIRECTORY_HPP
// A directory for what is half made. Its maker holds the file `lock` in it: where one is that nobody holds, the maker was killed.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/policy/journal_files.hpp>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#endif

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

#if !defined(_WIN32)
/// The file `lock` of a directory, if it has one, as somebody sees it who comes by. It is not made where there is none: its maker
/// has removed it, then, and what is in the directory is whole.
class SeenLock {
public:
    explicit SeenLock(const std::string& directory) : file_{open_file(directory + "/lock", O_RDWR)} {}

    /// Whether its maker has ended without removing it. What is in the directory is half made then, and nobody else's as long as
    /// this lives.
    [[nodiscard]] bool is_left_over() const { return file_ && ::flock(file_->get(), LOCK_EX | LOCK_NB) == 0 && has_name(*file_); }

private:
    Result<FileDescriptor> file_;
};
#endif

struct LockedDirectory {
    std::string path;
    FileDescriptor lock;

    /// A new one, named `stem`, or that and a number. Only its owner may look into it: what is half made has not yet the mode that
    /// it is to have.
    [[nodiscard]] static Result<LockedDirectory> make(const std::string& stem) {
        for (int n = 1;; ++n) {
            std::string path = n == 1 ? stem : stem + '-' + std::to_string(n);
            // Before, for a directory without a lock nobody clears away.
            const std::string lock_path = path + "/lock";
            const std::filesystem::path to_close{native_path(path)};
            auto made = make_new_directory(path);
            if (!made && made.error() == Errc::conflict) continue;
            if (!made) return failure(std::move(made).error());
            std::error_code ignored;  // there are file systems that have no modes
            std::filesystem::permissions(to_close, std::filesystem::perms::owner_all, ignored);
#if defined(_WIN32)
            return LockedDirectory{std::move(path), {}};
#else
            auto lock = lock_file(lock_path);
            if (lock ? !has_name(*lock) : lock.error() == Errc::busy || !path_exists(path))
                continue;  // somebody who comes by takes it for a left-over, and removes it
            if (!lock) {
                (void)remove_tree(path);
                return failure(std::move(lock).error());
            }
            return LockedDirectory{std::move(path), std::move(*lock)};
#endif
        }
    }

    /// Removes those whose makers were killed: of the names that begin with `stem` those with nothing but a number or a time behind
    /// it, and with an empty file `lock`. Whatever else somebody has named so is his.
    static void clear_left_overs([[maybe_unused]] const std::string& stem) {
#if !defined(_WIN32)
        const std::string prefix = utf8_path(native_path(stem).filename());
        const auto names = names_of(parent_of(stem));
        if (!names) return;
        for (const std::string& name : *names) {
            const std::string path = parent_of(stem) + '/' + name;
            if (!name.starts_with(prefix) || name.find_first_not_of("0123456789-TZ", prefix.size()) != std::string::npos) continue;
            if (const auto size = tree_bytes(path + "/lock"); !size || *size != 0) continue;
            if (const SeenLock lock{path}; lock.is_left_over()) (void)remove_tree(path);
        }
#endif
    }
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
