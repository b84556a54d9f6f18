#ifndef JOINLY_DETAIL_SQLITE_ENGINE_HPP
#define JOINLY_DETAIL_SQLITE_ENGINE_HPP
// One writer connection, a pool of reader connections, and what happens when the disk fails under them.
//
// After the first I/O error no connection is trusted any more: a failed fsync loses pages that the next one reports as
// safe. The next call closes them all, without the checkpoint that closing otherwise does, and opens the database anew;
// until that has worked, every call fails. Reads that are under way end at their next record.
//
// Locks: writer_mutex_ guards writer_, writer_lock_ and foreign_commits_, and whoever reopens holds it. mutex_ guards idle_,
// readers_ and changes of failed_, and is held for moments only. Where both are taken, writer_mutex_ comes first.

#include <joinly/backend/sqlite_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/group_commit.hpp>
#include <joinly/detail/reopening.hpp>
#include <joinly/detail/sqlite/api.hpp>
#include <joinly/detail/sqlite/connection.hpp>
#include <joinly/detail/sqlite/foreign_commits.hpp>
#include <joinly/detail/sqlite/lock.hpp>
#include <joinly/detail/sqlite/open.hpp>
#include <joinly/detail/sqlite/write.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class SqliteEngine;

/// A reader connection on loan from the pool, once the engine has lent it.
class SqliteReader {
public:
    SqliteReader() noexcept = default;
    SqliteReader(SqliteReader&& other) noexcept
        : engine_{std::exchange(other.engine_, nullptr)}, connection_{std::move(other.connection_)} {}
    SqliteReader& operator=(SqliteReader&&) = delete;
    inline ~SqliteReader();

    [[nodiscard]] SqliteConnection& operator*() const noexcept { return *connection_; }
    [[nodiscard]] SqliteConnection* operator->() const noexcept { return connection_.get(); }

private:
    friend class SqliteEngine;

    SqliteEngine* engine_ = nullptr;
    SqliteConnectionPtr connection_;
};

class SqliteEngine {
public:
    [[nodiscard]] static Result<std::unique_ptr<SqliteEngine>> open(SqliteOptions options) {
        Result<std::string> path = sqlite_absolute(options.path);
        if (!path) return failure(std::move(path).error());
        options.path = std::move(*path);
        auto first = sqlite_open(options, true);
        if (!first) return failure(std::move(first).error());
        auto engine = std::make_unique<SqliteEngine>(std::move(options));
        const int row_limit = sqlite3_limit((*first)->handle(), SQLITE_LIMIT_LENGTH, -1);
        engine->max_row_bytes_ = static_cast<std::size_t>(row_limit) - 1024;  // the other columns and the row's own header
        engine->adopt(std::move(*first));
        // Now, and not before: beside what is not ours no file is made. Under another's claim, opening has written nothing.
        if (!engine->options_.read_only) {
            if (Status shared = engine->writer_lock_.share(engine->options_.busy_timeout); !shared)
                return failure(std::move(shared).error());
        }
        return engine;
    }

    explicit SqliteEngine(SqliteOptions options) : options_{std::move(options)}, writer_lock_{options_.path} {
        idle_.reserve(std::clamp<std::size_t>(options_.max_idle_readers, 1, 1024));
    }
    SqliteEngine(const SqliteEngine&) = delete;
    SqliteEngine& operator=(const SqliteEngine&) = delete;
    ~SqliteEngine() { close_all(has_failed()); }

    [[nodiscard]] const SqliteOptions& options() const noexcept { return options_; }
    [[nodiscard]] bool has_failed() const noexcept { return failed_.load(std::memory_order_acquire); }

    /// `io` while the database has failed and cannot be reopened.
    [[nodiscard]] Result<SqliteReader> reader() {
        SqliteReader loan;
        if (Status lent = lend(loan); !lent) return failure(std::move(lent).error());
        return loan;
    }

    /// Runs `work`, which returns a Result and uses a reader connection: what SQLiteCpp throws becomes the Error.
    template <class Work>
    auto attempt(Work&& work) -> std::invoke_result_t<Work&> {
        return sqlite_attempt(options_.path, work, [this](int code) {
            if (sqlite_ends_connection(code)) fail();
        });
    }

    /// Runs `work(connection)`, which returns a Result, on a reader connection.
    template <class Work>
    auto with_reader(Work&& work, ReopenFor use = ReopenFor::read) -> std::invoke_result_t<Work&, SqliteConnection&> {
        SqliteReader loan;
        if (Status lent = lend(loan, use); !lent) return failure(std::move(lent).error());
        return attempt([&] { return work(*loan); });
    }

    /// Runs `work(connection)`, which returns a Result, on the writer connection; whatever transaction it leaves open is undone.
    /// It begins one with begin_write.
    template <class Work>
    auto with_writer(Work&& work) -> std::invoke_result_t<Work&, SqliteConnection&> {
        if (options_.read_only) return read_only();
        const std::lock_guard lock{writer_mutex_};
        if (Status shared = writer_lock_.share({}); !shared) return failure(std::move(shared).error());
        if (Status usable = recover(ReopenFor::write); !usable) return failure(std::move(usable).error());
        const auto on_fault = [this](int code) {
            if (sqlite_ends_connection(code) || sqlite_is_damage(code)) fail();
        };
        auto result = sqlite_attempt(
            options_.path, [&] { return work(*writer_); }, on_fault);
        if (!writer_->try_rollback()) fail();
        if (writer_->log_pages() >= checkpoint_pages && !has_failed()) {
            // SQLite's own checkpoint after a commit hides that an fsync failed. The commit itself stands: it does not need
            // the checkpoint. One that another process is at, or a reader holds up, is tried again after the next commit.
            (void)sqlite_attempt(
                options_.path,
                [this]() -> Status {
                    writer_->checkpoint(SQLITE_CHECKPOINT_PASSIVE);
                    return {};
                },
                on_fault);
        }
        return result;
    }

    /// For the work of with_writer.
    void begin_write(SqliteConnection& writer) { foreign_commits_.begin_write(writer, options_); }

    /// Waits for nobody's write, but reopens a database that has failed.
    [[nodiscard]] Result<std::uint64_t> foreign_commits() {
        foreign_commits_.ask_for();
        const std::unique_lock lock{writer_mutex_, std::try_to_lock};
        if (!lock) return foreign_commits_.known();
        if (Status usable = recover(ReopenFor::read); !usable) return failure(std::move(usable).error());
        return attempt([&] { return Result<std::uint64_t>{foreign_commits_.look(*writer_)}; });
    }

    [[nodiscard]] Status claim_sole_writer() {
        if (options_.read_only) return read_only();
        const std::lock_guard lock{writer_mutex_};
        return writer_lock_.claim(options_.busy_timeout);
    }

    [[nodiscard]] Result<Version> write(const Batch& batch) {
        if (Status valid = sqlite_validate(batch, max_row_bytes_); !valid) return failure(std::move(valid).error());
        return queue_.submit(batch, [this](std::span<PendingWrite* const> group) noexcept { apply(group); });
    }

    /// How many writers wait or are being served at this moment.
    [[nodiscard]] std::size_t queued_writes() const { return queue_.queued(); }

private:
    friend class SqliteReader;

    static constexpr int checkpoint_pages = 1000;  // 4 MB of log: what SQLite does by default

    /// One transaction for all. If the program's own schema refuses one of them, each gets a transaction of its own: what
    /// one caller writes must not fail the others.
    void apply(std::span<PendingWrite* const> group) noexcept {
        bool refused = false;
        try {
            const Status applied = with_writer([&](SqliteConnection& writer) {
                try {
                    const SqliteFsyncedCommits fsynced{writer, options_.sync, group};
                    begin_write(writer);
                    return sqlite_apply_group(writer, group);
                } catch (const SQLite::Exception& error) {
                    refused = sqlite_is_refusal(sqlite_code(error));
                    throw;
                }
            });
            if (applied) return;
            for (PendingWrite* write : group) write->result = failure(applied.error());
        } catch (const std::bad_alloc&) {
            for (PendingWrite* write : group) write->result = failure(Errc::full);
        }
        if (!refused || group.size() == 1) return;
        for (std::size_t i = 0; i < group.size(); ++i) apply(group.subspan(i, 1));
    }

    [[nodiscard]] tl::unexpected<Error> read_only() const {
        return failure(Errc::read_only, options_.path + " was opened for reading only");
    }

    SqliteConnectionPtr connect_reader() {
        auto connection = std::make_unique<SqliteConnection>(options_, SQLite::OPEN_READONLY, options_.busy_timeout);
        connection->expect_first_format(first_format_);
        return connection;
    }

    Status lend(SqliteReader& loan, ReopenFor use = ReopenFor::read) {
        while (!try_lend(loan)) {
            const std::lock_guard writer{writer_mutex_};
            if (Status usable = recover(use); !usable) return usable;
        }
        if (loan.connection_) return {};
        return attempt([&]() -> Status {
            loan.connection_ = connect_reader();
            return {};
        });
    }

    /// false while the database has failed; a loan without a connection when none is idle.
    bool try_lend(SqliteReader& loan) {
        const std::lock_guard lock{mutex_};
        if (has_failed()) return false;
        ++readers_;
        loan.engine_ = this;
        if (!idle_.empty()) {
            loan.connection_ = std::move(idle_.back());
            idle_.pop_back();
        }
        return true;
    }

    void give_back(SqliteConnectionPtr connection) noexcept {
        std::unique_lock lock{mutex_};
        const bool keep = connection && !has_failed() && idle_.size() < idle_.capacity() && !connection->in_transaction();
        if (keep) {
            idle_.push_back(std::move(connection));
        } else if (connection) {
            if (has_failed()) connection->forbid_checkpoint_on_close();
            lock.unlock();
            connection.reset();
            lock.lock();
        }
        --readers_;
    }

    void fail() noexcept {
        const std::lock_guard lock{mutex_};
        failed_.store(true, std::memory_order_release);
    }

    /// Reopens a database that has failed; for the holder of writer_mutex_.
    Status recover(ReopenFor use) {
        if (!has_failed()) return {};
        {
            const std::lock_guard lock{mutex_};
            if (readers_ > 0) {
                return failure(Errc::io, options_.path + ": after an I/O error, " + std::to_string(readers_) +
                                             " reads still hold their connections");
            }
        }
        return reopening_.attempt(use, [&] { return reopen(); });
    }

    Status reopen() {
        close_all(true);
        auto fresh = sqlite_open(options_, false);
        if (!fresh) return failure(Errc::io, "reopening after an I/O error: " + std::string{fresh.error().message()});
        if (!options_.read_only) {
            const auto rewrite = [&]() -> Status {
                sqlite_rewrite_log(**fresh);
                return {};
            };
            if (Status safe = sqlite_attempt(options_.path, rewrite, [](int) {}); !safe) {
                (*fresh)->forbid_checkpoint_on_close();
                return failure(Errc::io, "reopening after an I/O error: " + std::string{safe.error().message()});
            }
        }
        adopt(std::move(*fresh));
        const std::lock_guard lock{mutex_};
        failed_.store(false, std::memory_order_release);
        return {};
    }

    void adopt(SqliteConnectionPtr connection) {
        const std::lock_guard lock{mutex_};
        writer_ = std::move(connection);
        first_format_ = writer_->expects_first_format();
        foreign_commits_.start_over();
    }

    /// Readers first: the last connection to go, the writer, writes the log back and removes it.
    void close_all(bool without_checkpoint) noexcept {
        const std::lock_guard lock{mutex_};
        if (without_checkpoint) {
            for (const SqliteConnectionPtr& connection : idle_) connection->forbid_checkpoint_on_close();
            if (writer_) writer_->forbid_checkpoint_on_close();
        }
        idle_.clear();
        foreign_commits_.close(without_checkpoint);
        writer_.reset();
    }

    const SqliteOptions options_;
    std::size_t max_row_bytes_ = 0;
    GroupCommit queue_;
    std::mutex writer_mutex_;       // guards the four below, and is held while reopening
    SqliteWriterLock writer_lock_;  // outlives failed connections
    SqliteConnectionPtr writer_;    // of a database that is opened read-only: for foreign_commits() alone
    SqliteForeignCommits foreign_commits_;
    Reopening reopening_;
    std::mutex mutex_;  // guards idle_, readers_ and changes of failed_
    std::vector<SqliteConnectionPtr> idle_;
    std::size_t readers_ = 0;          // on loan
    bool first_format_ = false;        // of a database that is opened read-only; changes while no reader is on loan
    std::atomic<bool> failed_{false};  // changes under mutex_; anybody may look
};

inline SqliteReader::~SqliteReader() {
    if (engine_) engine_->give_back(std::move(connection_));
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
