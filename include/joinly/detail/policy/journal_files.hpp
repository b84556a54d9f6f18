#ifndef JOINLY_DETAIL_POLICY_JOURNAL_FILES_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_FILES_HPP
// What the journal asks of the operating system, and nothing else here asks it anything: files, mappings, syncing, and a
// directory that is locked. Every call that can be interrupted is made again; every error names the file and carries the
// system's words.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_format.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(_WIN32)
#include <joinly/detail/policy/journal_files_none.hpp>
#else
#include <joinly/detail/policy/journal_files_posix.hpp>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A directory's own name is in its parent.
[[nodiscard]] inline std::string parent_of(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return std::string{path.substr(0, slash == 0 ? 1 : slash)};
}

/// A directory that nobody else holds: not another process, and not this one a second time.
class JournalDirectory {
public:
    enum class Missing : bool { fails, is_created };

    /// `busy`: somebody holds it; `not_found`: it is not there, and is not to be created.
    [[nodiscard]] static Result<JournalDirectory> take(const std::string& given, Missing missing) {
        if (given.empty()) return failure(Errc::invalid_argument, "the path of the journal is empty");
        auto rooted = from_root(given);
        if (!rooted) return failure(std::move(rooted).error());
        const std::string& path = *rooted;
        if (missing == Missing::is_created) {
            auto made = make_directory(path);
            if (!made) return failure(std::move(made).error());
            if (*made) {  // its own name is to last, too
                if (auto synced = sync_directory(parent_of(path)); !synced) return failure(std::move(synced).error());
            }
        }
        if (auto ours = is_ours(path); !ours) return failure(std::move(ours).error());
        auto lock = lock_file(path + '/' + std::string{lock_name});
        if (!lock) return failure(std::move(lock).error());
        return JournalDirectory{path, std::move(*lock)};
    }

    JournalDirectory(JournalDirectory&&) noexcept = default;
    JournalDirectory& operator=(JournalDirectory&&) = delete;
    ~JournalDirectory() { unlock_file(lock_); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string file(std::string_view name) const { return path_ + '/' + std::string{name}; }
    [[nodiscard]] Result<std::vector<std::string>> names() const { return names_in(path_); }

    /// Makes the names in it last: what was created, renamed or removed.
    [[nodiscard]] Status sync() const { return sync_directory(path_); }

    /// The id of the journal in it, which is in the file that is locked; 0: none was kept.
    [[nodiscard]] Result<std::uint64_t> id() const {
        char head[journal_header_bytes] = {};
        if (auto read = read_at(lock_, 0, head, sizeof head, file(lock_name)); !read) return failure(std::move(read).error());
        const auto header = read_header({head, sizeof head}, JournalFileKind::lock);
        if (header) return header->journal;
        if (header.error() != Errc::incompatible) return std::uint64_t{0};
        return newer_journal(file(lock_name), {head, sizeof head});
    }
    /// Durable when it returns.
    [[nodiscard]] Status keep_id(std::uint64_t id) const {
        JournalHeader header{JournalFileKind::lock};
        header.bytes = journal_header_bytes;
        header.journal = id;
        char head[journal_header_bytes];
        write_header(head, header);
        if (auto written = write_at(lock_, 0, {head, sizeof head}, file(lock_name)); !written) return written;
        if (auto synced = sync_file(lock_, file(lock_name)); !synced) return synced;
        return sync();
    }

private:
    static constexpr std::string_view lock_name = "lock";

    /// The journal removes files: so it does not move in with somebody else's.
    [[nodiscard]] static Status is_ours(const std::string& path) {
        auto names = names_in(path);
        if (!names) return failure(std::move(names).error());
        for (const std::string_view name : *names) {
            if (name == lock_name || name == "checkpoint" || name == "dead_letters" || name == "lost+found") continue;
            if (name.ends_with(".segment") || name.ends_with(".spare") || name.ends_with(".tmp")) continue;
            if (name.find(".damaged") != std::string_view::npos) continue;
            return failure(Errc::incompatible, path + ": holds " + std::string{name} + ", so it is not a journal, nor empty");
        }
        return {};
    }

    JournalDirectory(std::string path, FileDescriptor lock) noexcept : path_{std::move(path)}, lock_{std::move(lock)} {}

    std::string path_;
    FileDescriptor lock_;
};

/// A whole file in memory, as far as it is there.
[[nodiscard]] inline Result<Mapping> read_file(const FileDescriptor& file, std::uint64_t bytes, const std::string& path) {
    auto memory = Mapping::of_memory(static_cast<std::size_t>(bytes), path);
    if (!memory) return memory;
    if (auto read = read_at(file, 0, memory->data(), memory->size(), path); !read) return failure(std::move(read).error());
    return memory;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
