#ifndef JOINLY_DETAIL_SQLITE_FOREIGN_COMMITS_HPP
#define JOINLY_DETAIL_SQLITE_FOREIGN_COMMITS_HPP
// Counts what others commit to a database: other processes, and other connections of this one. The writer connection is asked,
// for SQLite tells a connection of all commits but its own.
//
// While the writer is busy, a connection of this class's own is asked, the probe. It is told of our commits as well; but if
// nobody has committed since our newest write began, then what the writer was told at that moment still holds. A commit shows
// only after its fsync, so nobody waits for one; in the moments from there until the writer is free again, and while it waits
// for another's write to end after it has committed itself, the answer is unknown.
//
// One lock, mutex_, a leaf.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/connection.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class SqliteForeignCommits {
public:
    // --- for the holder of the engine's writer lock; these throw what SQLiteCpp throws, unless they are noexcept

    /// There is a new writer connection, and what happened before it was made is unknown.
    void start_over() noexcept { data_version_.reset(); }

    std::uint64_t look(SqliteConnection& writer) {
        const std::int64_t data_version = sqlite_data_version(writer);
        if (data_version_ == data_version) return count_;
        data_version_ = data_version;
        return ++count_;
    }

    /// Begins a write transaction. Until it has ended nobody else can commit.
    void begin_write(SqliteConnection& writer, const SqliteOptions& options) {
        writer.run(SqliteSql::begin_write);
        if (!asked_for_) return;  // costs nothing where nobody wants to know
        look(writer);
        const std::lock_guard lock{mutex_};
        before_write_.reset();
        try {
            if (!probe_) probe_ = std::make_unique<SqliteConnection>(options, SQLite::OPEN_READONLY, std::chrono::milliseconds{0});
            before_write_ = sqlite_data_version(*probe_);
        } catch (...) {  // no reason to fail a write
        }
    }

    void close(bool without_checkpoint) noexcept {
        const std::lock_guard lock{mutex_};
        if (probe_ && without_checkpoint) probe_->forbid_checkpoint_on_close();
        probe_.reset();
        before_write_.reset();
    }

    // --- for everybody

    void ask_for() noexcept { asked_for_ = true; }

    /// What is known while the writer is busy.
    [[nodiscard]] Result<std::uint64_t> known() {
        const std::lock_guard lock{mutex_};
        if (!before_write_) return failure(Errc::busy);
        try {
            if (before_write_ != sqlite_data_version(*probe_)) return failure(Errc::busy);
        } catch (const SQLite::Exception&) {
            return failure(Errc::busy);  // the writer will meet the fault, and say so
        }
        return count_.load();
    }

private:
    std::optional<std::int64_t> data_version_;  // as the writer was told
    std::atomic<std::uint64_t> count_{0};
    std::atomic<bool> asked_for_{false};
    std::mutex mutex_;  // guards the two below
    std::unique_ptr<SqliteConnection> probe_;
    std::optional<std::int64_t> before_write_;  // as the probe was told while our newest write had the database locked
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
