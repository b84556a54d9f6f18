#ifndef JOINLY_DETAIL_SQLITE_LOCK_HPP
#define JOINLY_DETAIL_SQLITE_LOCK_HPP
// Who may write a database: several who take turns, or one alone. Told by a flock on a file of its own, `<database>-lock`,
// because SQLite's own locks last a transaction only, and because opening the database file itself would drop them.
//
// flock belongs to an open file, so two backends of one process keep each other off as well. The last one to go takes the
// file with it. Where there is no flock (Windows, some file systems), everybody gets what he asks for.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/files.hpp>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// For one thread at a time.
class SqliteWriterLock {
public:
    /// For the database at `path`, which is absolute; symbolic links lead to the same lock.
    explicit SqliteWriterLock(std::string path) : database_{std::move(path)} {
        std::error_code error;
        const std::u8string file = std::filesystem::weakly_canonical(sqlite_path(database_), error).u8string();
        file_ = (error ? database_ : std::string{file.begin(), file.end()}) + "-lock";
    }
    SqliteWriterLock(const SqliteWriterLock&) = delete;
    SqliteWriterLock& operator=(const SqliteWriterLock&) = delete;
    ~SqliteWriterLock() { release(); }

    /// From now on nobody can be the sole writer. Waits for the one who is. Nothing to do when that holds already.
    [[nodiscard]] Status share(std::chrono::milliseconds patience) {
        if (held_ != Held::nothing) return {};
        return acquire(Held::shared, patience,
                       ": a store under write-behind, in this process or another, has it open, and must be its only writer");
    }

    /// From now on nobody else can open the database for writing. Waits for those who have it open. On failure the lock is
    /// shared again, unless somebody else became the sole writer meanwhile: then there is none, and share() tries again.
    [[nodiscard]] Status claim(std::chrono::milliseconds patience) {
        if (held_ == Held::alone) return {};
        Status claimed =
            acquire(Held::alone, patience,
                    ": another store, in this process or another, has it open for writing; write-behind must be its only writer");
        if (!claimed) (void)share(std::chrono::milliseconds{0});
        return claimed;
    }

    /// Whether the database may be written now.
    [[nodiscard]] bool is_held() const noexcept { return held_ != Held::nothing; }

private:
    enum class Held { nothing, shared, alone };
    using Steady = std::chrono::steady_clock;

#if defined(_WIN32)
    [[nodiscard]] Status acquire(Held wanted, std::chrono::milliseconds, const char*) {
        held_ = wanted;
        return {};
    }
    void release() noexcept {}
#else
    /// Whoever fails to turn a shared lock into one of his own has lost it for the moment. That is welcome: of two who
    /// claim at once the second one succeeds, where both would wait for each other otherwise.
    [[nodiscard]] Status acquire(Held wanted, std::chrono::milliseconds patience, const char* who_may_hold_it) {
        const auto deadline = Steady::now() + patience;
        for (;;) {
            if (fd_ < 0) {
                if (Status opened = open(); !opened) {
                    // Who may write the database but make no file beside it, as SQLite's log must be there already.
                    if (opened.error() != Errc::read_only || wanted == Held::alone) return opened;
                    held_ = wanted;
                    return {};
                }
            }
            held_ = Held::nothing;
            const bool locked = ::flock(fd_, (wanted == Held::alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
            if (locked || (errno != EWOULDBLOCK && errno != EINTR)) {
                if (is_current()) {
                    held_ = wanted;
                    return {};
                }
                const int code = errno;
                close();
                if (code != 0 && code != ENOENT) return failure(Errc::io, file_ + ": " + std::generic_category().message(code));
                continue;  // the last one to go took the file away while we came
            }
            if (Steady::now() >= deadline) return failure(Errc::busy, database_ + who_may_hold_it);
            sqlite3_sleep(2);
        }
    }

    [[nodiscard]] Status open() {
        fd_ = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);  // first as it is: O_CREAT needs more rights in some directories
        if (fd_ < 0 && errno == ENOENT) fd_ = ::open(file_.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0666);
        if (fd_ >= 0) return {};
        const int code = errno;
        const bool refused = code == EACCES || code == EPERM || code == EROFS;
        return failure(refused          ? Errc::read_only
                       : code == ENOSPC ? Errc::full
                                        : Errc::io,
                       file_ + ": " + std::generic_category().message(code));
    }

    /// Whether the open file is the one that others find. If not, errno is why that cannot be told, or 0.
    [[nodiscard]] bool is_current() const noexcept {
        errno = 0;
        struct stat ours {};
        struct stat named {};
        return ::fstat(fd_, &ours) == 0 && ::stat(file_.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
               ours.st_dev == named.st_dev;
    }

    void close() noexcept {
        ::close(fd_);
        fd_ = -1;
    }

    void release() noexcept {
        if (fd_ < 0) return;
        if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 && is_current()) ::unlink(file_.c_str());
        ::flock(fd_, LOCK_UN);  // said aloud, for a forked child has the lock too, until it ends
        close();
    }

    int fd_ = -1;
#endif

    std::string database_;
    std::string file_;
    Held held_ = Held::nothing;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
