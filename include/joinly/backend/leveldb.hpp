#ifndef JOINLY_BACKEND_LEVELDB_HPP
#define JOINLY_BACKEND_LEVELDB_HPP
// LevelDbBackend: records in a LevelDB database, a directory that one process has open at a time. It writes faster than
// SQLite and compresses; it has no SQL, and no second process sees it. README.md beside this file has the format on disk.
//
// Locks, in the order they are taken: compacting, held through a compaction; a turn to write (detail/leveldb/turns.hpp), by the
// leader of a group (detail/group_commit.hpp) or for housekeeping; the handle's own (detail/leveldb/handle.hpp), for moments.
//
// LevelDB takes a directory whose listing fails half-way for one with fewer files: where `readdir` itself gives an I/O error while
// a database is opened, logs may go unread, and are removed. Nothing above it can tell.
//
// Link with leveldb (and snappy, which Debian's package does not pull in). Builds with and without exceptions and RTTI.

#include <joinly/backend/concepts.hpp>
#include <joinly/backend/leveldb_options.hpp>
#include <joinly/backend/leveldb_repair.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/group_commit.hpp>
#include <joinly/detail/leveldb/cursor.hpp>
#include <joinly/detail/leveldb/exchange.hpp>
#include <joinly/detail/leveldb/handle.hpp>
#include <joinly/detail/leveldb/lookup.hpp>
#include <joinly/detail/leveldb/maintenance.hpp>
#include <joinly/detail/leveldb/turns.hpp>
#include <joinly/detail/leveldb/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// Keeps records in a LevelDB database. The contract is that of `storage_backend`, where it says nothing else.
///
/// After a failed write nothing more is acknowledged by the same opening of the database: the next call closes it, as soon
/// as the scans under way have ended, and opens it anew. A call that would have to wait longer than 0.2 s for that answers
/// `io`, as does one whose attempt fails. A write and a transaction always try again; of the reads after an attempt that failed
/// only one now and then does, 10 ms later at first and a second later at most, and the others answer what that one did. Nothing is
/// created then: a directory that is gone or empty is `io`, a database whose last version is below the last one acknowledged is
/// `corrupt`. A write that answered `io` is afterwards either there as a whole or not at all.
///
/// Keys that begin with "\0\0joinly" are the adapter's own: not found by reads, not visited by scans, refused in batches.
///
/// The engine's own handle is not given out: it changes when the database is reopened.
///
/// @par Thread safety  Any thread, any call; a visitor or sink may call the backend too.
/// @par Complexity     A read is a few microseconds, less from the block cache, more for a block from disk. A write is that
///                     for each requirement, each record of a range that it requires and each change that has index terms, and
///                     one append to a log for all batches that come at the same time.
class LevelDbBackend {
public:
    using Options = LevelDbOptions;
    static constexpr std::string_view engine_name = "leveldb";

    /// Opens the database, or creates it where nothing or an empty directory is. A relative path is taken from the current
    /// directory of this moment. What it refuses:
    ///         busy              another backend, in this process or another, has it open;
    ///         corrupt           it is damaged, its CURRENT file is lost, or a repair did not come to its end: the message says how
    ///                           to repair;
    ///         incompatible      not a directory, not LevelDB's, not ours, or of a newer format;
    ///         read_only         the directory cannot be written, which LevelDB must;
    ///         io                its parent does not exist, or the operating system says no otherwise;
    ///         invalid_argument  the path is empty.
    /// The data of what it refuses is left as it is. Its files may not be: a LevelDB database must be opened to see whose it
    /// is, and LevelDB then makes a table of its log and writes a new MANIFEST.
    ///
    /// The last write before a crash may be torn, and is then dropped; it was never acknowledged, unless by
    /// `Sync::process_crash`. Where the file system left zeros after a power failure they are cut off the log, or off the
    /// MANIFEST. A log that is damaged otherwise, or lacks what came before something that is there, is `corrupt` (see
    /// `paranoid_checks`): a power failure may leave that of writes by `Sync::process_crash`.
    /// @par Complexity  Reads what the last run had not yet made into tables: up to `write_buffer_bytes`.
    [[nodiscard]] static Result<LevelDbBackend> open(const LevelDbOptions& options) {
        LevelDbOptions chosen = options;
        auto absolute = detail::leveldb_absolute(options.path);
        if (!absolute) return failure(std::move(absolute).error());
        chosen.path = std::move(*absolute);
        auto engine = detail::LevelDbEngine::open(chosen);
        if (!engine) return failure(std::move(engine).error());
        return LevelDbBackend{std::make_unique<State>(std::move(chosen), std::move(*engine))};
    }

    /// Makes a damaged database one that opens, with every record that can be read. Records that are damaged, or in a
    /// damaged part of a table, are gone, and so is a batch that is damaged in the log, as a whole; an erased record or an old
    /// version may be back where the newer entry was lost.
    /// Versions go on above all that are left. Keep a copy of the directory: LevelDB moves what it replaced to `lost/`.
    /// @return what is there now, and what was left out, as far as that can be known; of damaged records that an earlier repair
    ///         dropped before it was killed it is not. Otherwise `busy` when somebody has it open; `io`, `full`: what can be read
    ///         could not be written, but nothing of it is lost. Until another repair comes to its end the database is `corrupt`
    ///         then, as after one that was killed.
    [[nodiscard]] static Result<LevelDbRepair> repair(const LevelDbOptions& options) { return detail::leveldb_repair(options); }

    /// Exchanges the database at `path`, if one is there, for the one at `other`, which is closed and lies on the same file system:
    /// for joinly::restore. Both are absolute. `busy`: somebody has the one at `path` open; nothing has changed then.
    [[nodiscard]] static Status exchange(const std::string& path, const std::string& other) {
        return detail::leveldb_exchange(path, other);
    }

    [[nodiscard]] Result<Record> read(std::string_view key) {
        const auto engine = state_->handle.lease();
        if (!engine) return failure(engine.error());
        return read_from(**engine, key, (*engine)->read_options());
    }

    /// All keys are read from one snapshot.
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) {
        const auto engine = state_->handle.lease();
        if (!engine) return failure(engine.error());
        const detail::LevelDbSnapshot snapshot{(*engine)->db()};
        leveldb::ReadOptions options = (*engine)->read_options();
        options.snapshot = snapshot.get();
        for (std::size_t position = 0; position < keys.size(); ++position) {
            sink(position, read_from(**engine, keys[position], options));
        }
        return {};
    }

    /// @return the batch's version. `io`, `full`: the engine could not write it, see above. Otherwise nothing changed:
    ///         conflict          a requirement or a range does not hold, `batch.after` is not the last version, or
    ///                           `batch.version` is not above it;
    ///         corrupt           a record that a requirement or a range asks for is damaged;
    ///         invalid_argument  a key is empty or the adapter's own, a record larger than 1 GiB, or a change's version
    ///                           above the batch's.
    [[nodiscard]] Result<Version> write(const Batch& batch) {
        return state_->commits.submit(batch, [this](Group group) noexcept { apply(group); });
    }

    /// Damage ends the scan: `corrupt`, after the records before it have been visited.
    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) {
        const auto engine = state_->handle.lease();
        if (!engine) return failure(engine.error());
        detail::LevelDbCursor at{(*engine)->db(), (*engine)->scan_options(), range};
        for (; at.valid(); at.next()) {
            const auto record = detail::decode_leveldb_value(at.key(), at.value());
            if (!record) return failure(record.error());
            if (!visit(at.key(), *record)) return {};
        }
        if (!at.status().ok()) return detail::leveldb_failure(at.status(), path());
        return {};
    }

    /// Damage ends it, as in `scan`.
    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) {
        const auto engine = state_->handle.lease();
        if (!engine) return failure(engine.error());
        return detail::leveldb_follow(**engine, path(), range, visit);
    }

    /// Passes damaged records over. Erases on its way what has become of the places in the order of expiry of records that were
    /// put again or erased since: that is what it costs besides what it gives, once for each of those writes, and it may fail as
    /// a write may. Other writes may have to wait for it, half a millisecond at a time, and for the sync of what was erased.
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) {
        detail::LevelDbExpirySearch search{now, limit};
        while (!search.done()) {
            const auto turn = state_->turns.take_between_groups();
            const auto engine = state_->handle.lease();
            if (!engine) return failure(engine.error());
            leveldb::WriteBatch stale;
            const auto any_stale = search.go_on(**engine, stale);
            if (!any_stale) return failure(any_stale.error());
            if (!*any_stale) continue;
            const auto erased = (*engine)->write(state_->sync_of_housekeeping, stale);
            if (erased.ok()) continue;
            state_->handle.retire(*engine);
            return detail::leveldb_failure(erased, path());
        }
        return search.take_found();
    }

    [[nodiscard]] Result<Version> last_version() {
        const auto engine = state_->handle.lease(detail::ReopenFor::write);
        if (!engine) return failure(engine.error());
        return (*engine)->read_last_version(path());
    }

    [[nodiscard]] Result<std::uint64_t> size_on_disk() const { return detail::sum_of_parts(size_by_part()); }

    /// "tables", "log" (what they do not have yet), "manifest" (which files there are), "info_log" (what LevelDB tells people)
    /// and "temporary".
    [[nodiscard]] Result<std::vector<StoragePart>> size_by_part() const { return detail::leveldb_size_by_part(path()); }

    /// Copies one snapshot into a new database at `target`, where nothing may be yet (`invalid_argument`), while others
    /// write. The copy is made beside it under another name, synced, read back in full and renamed.
    [[nodiscard]] Result<Version> backup_to(const std::string& target, const CopyWatch& watch) {
        const auto engine = state_->handle.lease();
        if (!engine) return failure(engine.error());
        return detail::leveldb_back_up(**engine, state_->handle.options(), target, watch);
    }
    [[nodiscard]] Status backup_to(const std::string& target) {
        const auto look = [](std::string_view, const RecordView&) { return true; };
        return backup_to(target, {look, look}).map([](Version) {});
    }

    /// Reads every block and every record with their checksums; the first damage is `corrupt`.
    [[nodiscard]] Status verify_integrity() {
        return examine_strictly(*this, [](std::string_view, const RecordView&) { return true; });
    }
    /// As above, past damaged records, but not past damaged blocks; `visit` sees each sound record, and `on_flaw` each that is not.
    [[nodiscard]] Status examine(ScanVisitor visit, FlawVisitor on_flaw) {
        const auto engine = state_->handle.lease();
        if (!engine) return failure(engine.error());
        if (auto all = detail::leveldb_examine(**engine, path(), visit, on_flaw); !all) return failure(std::move(all).error());
        return {};
    }

    /// Rewrites the tables without what has been replaced or erased: only then has its space been given back and are its
    /// bytes gone, but for what a scan under way still sees.
    [[nodiscard]] Status compact() {
        const std::scoped_lock alone{state_->compacting};
        detail::LevelDbHandle::Lease engine;
        if (auto begun = write_nothing(engine); !begun) return begun;
        engine->make_tables();
        return write_nothing(engine);
    }

private:
    using Group = std::span<detail::PendingWrite* const>;

    struct State {
        State(LevelDbOptions options, std::unique_ptr<detail::LevelDbEngine> engine)
            : handle{std::move(options), std::move(engine)} {}
        detail::LevelDbHandle handle;
        detail::GroupCommit commits;
        detail::LevelDbTurns turns;
        std::mutex compacting;
        // For whoever has a turn. Synced as soon as any batch was: what comes after an erasure that is lost would be refused.
        Sync sync_of_housekeeping = handle.options().sync;
    };

    explicit LevelDbBackend(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}

    [[nodiscard]] const std::string& path() const noexcept { return state_->handle.options().path; }

    [[nodiscard]] Result<Record> read_from(detail::LevelDbEngine& engine, std::string_view key,
                                           const leveldb::ReadOptions& options) const {
        if (detail::is_leveldb_own_key(key)) return failure(Errc::not_found);
        std::string value;
        const auto got = engine.db().Get(options, detail::to_slice(key), &value);
        if (got.IsNotFound()) return failure(Errc::not_found);
        if (!got.ok()) return detail::leveldb_failure(got, path() + ": reading " + detail::printable(key));
        const auto record = detail::decode_leveldb_value(key, value);
        if (!record) return failure(record.error());
        const Version version = record->version;
        const Expiry expires_at = record->expires_at;
        value.erase(0, value.size() - record->value.size());  // moves the bytes, but allocates nothing
        return Record{std::move(value), version, expires_at};
    }

    /// See LevelDbEngine::make_tables. `engine`: null, and then the one that has written it.
    [[nodiscard]] Status write_nothing(detail::LevelDbHandle::Lease& engine) {
        const auto turn = state_->turns.take_between_groups();
        if (!engine) {
            auto leased = state_->handle.lease(detail::ReopenFor::write);
            if (!leased) return failure(std::move(leased).error());
            engine = std::move(*leased);
        } else if (!state_->handle.holds(engine)) {
            return failure(Errc::io, path() + ": a write failed while it was compacted");
        }
        const auto written = engine->write_nothing(Sync::power_loss);
        if (written.ok()) return {};
        state_->handle.retire(engine);
        return detail::leveldb_failure(written, path());
    }

    void apply(Group group) noexcept {
        const auto turn = state_->turns.take_for_group();
        detail::LevelDbHandle::Lease engine;
#if JOINLY_HAS_EXCEPTIONS
        try {
            commit(group, engine);
        } catch (const std::bad_alloc&) {
            if (engine) state_->handle.retire(engine);
            for (detail::PendingWrite* write : group) write->result = failure(Errc::full);
        }
#else
        commit(group, engine);
#endif
    }

    void commit(Group group, detail::LevelDbHandle::Lease& engine) {
        if (auto leased = state_->handle.lease(detail::ReopenFor::write)) {
            engine = std::move(*leased);
        } else {
            for (detail::PendingWrite* write : group) write->result = failure(leased.error());
            return;
        }
        detail::LevelDbWriter writer{*engine, group.size() == 1};
        Sync sync = state_->handle.options().sync;
        for (detail::PendingWrite* write : group) {
            write->result = writer.add(*write->batch);
            if (write->batch->sync == Sync::power_loss) sync = Sync::power_loss;
        }
        if (sync == Sync::power_loss) state_->sync_of_housekeeping = sync;
        const auto status = writer.write(sync);
        if (status.ok()) return;
        state_->handle.retire(engine);
        for (detail::PendingWrite* write : group) {
            if (write->result) write->result = detail::leveldb_failure(status, path());
        }
    }

    std::unique_ptr<State> state_;
};

static_assert(storage_backend<LevelDbBackend> && backs_up<LevelDbBackend> && verifies_integrity<LevelDbBackend> &&
              compacts<LevelDbBackend>);

JOINLY_NAMESPACE_END
#endif
