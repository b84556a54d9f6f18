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
#include <mutex>
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

/// A directory that nobody else holds: not another process, and not this one a second time. Its files are found by their paths:
/// once somebody has removed it, these may lead to another journal's, which were made in its place, so that whoever makes,
/// renames or removes one asks `require_held` before. Between the two nothing keeps anybody from removing it.
///
/// Locks: lock_mutex_ guards lock_, which take_again replaces; nothing else is taken under it. Any thread may call require_held and
/// sync; the others are called one at a time.
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

    JournalDirectory(JournalDirectory&& other) noexcept : path_{std::move(other.path_)}, lock_{std::move(other.lock_)} {}
    JournalDirectory& operator=(JournalDirectory&&) = delete;
    ~JournalDirectory() { unlock_file(lock_); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string file(std::string_view name) const { return path_ + '/' + std::string{name}; }
    [[nodiscard]] Result<std::vector<std::string>> names() const { return names_in(path_); }

    /// Makes the names in it last: what was created, renamed or removed.
    [[nodiscard]] Status sync() const {
        if (auto held = require_held(); !held) return held;
        return sync_directory(path_);
    }

    /// Whether the path still leads to what is locked.
    [[nodiscard]] Result<bool> is_held() const {
        const std::scoped_lock lock{lock_mutex_};
        return leads_to(file(lock_name), lock_);
    }
    /// The same as a status: `io` when it does not.
    [[nodiscard]] Status require_held() const {
        const auto held = is_held();
        if (!held) return failure(held.error());
        if (!*held) return failure(Errc::io, path_ + ": the directory, or its lock, was removed while the journal was open");
        return {};
    }

    /// Goes on in the directory that was made in this one's place: holds it, for the journal `id`. `io`: there is none, another
    /// journal holds it, or something is in it that is not to be lost.
    [[nodiscard]] Status take_again(std::uint64_t id) {
        if (auto empty = is_empty(); !empty) return empty;
        const std::string name = file(lock_name);
        auto taken = lock_file(name);
        if (!taken && taken.error() == Errc::busy) return replaced("another store has it open");
        if (!taken) return failure(std::move(taken).error());
        if (auto empty = is_empty(); !empty) return empty;  // another may have come and gone before it was locked
        if (auto kept = write_id(*taken, id); !kept) return kept;
        if (auto synced = sync_directory(path_); !synced) return synced;
        if (auto synced = sync_directory(parent_of(path_)); !synced) return synced;
        const std::scoped_lock lock{lock_mutex_};
        unlock_file(lock_);
        lock_ = std::move(*taken);
        return {};
    }

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
        if (auto written = write_id(lock_, id); !written) return written;
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

    [[nodiscard]] Status write_id(const FileDescriptor& to, std::uint64_t id) const {
        JournalHeader header{JournalFileKind::lock};
        header.bytes = journal_header_bytes;
        header.journal = id;
        char head[journal_header_bytes];
        write_header(head, header);
        if (auto written = write_at(to, 0, {head, sizeof head}, file(lock_name)); !written) return written;
        return sync_file(to, file(lock_name));
    }

    [[nodiscard]] tl::unexpected<Error> replaced(std::string_view what) const {
        return failure(Errc::io, path_ + ": the directory, or its lock, was removed while the journal was open, and " +
                                     std::string{what} + "; a store that is opened anew may go on");
    }
    /// But for a lock.
    [[nodiscard]] Status is_empty() const {
        const auto found = names();
        if (!found && found.error() == Errc::not_found) return replaced("there is none in its place");
        if (!found) return failure(found.error());
        for (const std::string& name : *found) {
            if (name != lock_name && name != "lost+found") return replaced(name + " is there now, which may be another journal's");
        }
        return {};
    }

    JournalDirectory(std::string path, FileDescriptor lock) noexcept : path_{std::move(path)}, lock_{std::move(lock)} {}

    std::string path_;
    mutable std::mutex lock_mutex_;
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
