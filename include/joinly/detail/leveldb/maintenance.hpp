#ifndef JOINLY_DETAIL_LEVELDB_MAINTENANCE_HPP
#define JOINLY_DETAIL_LEVELDB_MAINTENANCE_HPP
// Whole-database work: reading everything to check it, copying it, and putting a damaged one in order.

#include <joinly/backend/concepts.hpp>
#include <joinly/backend/leveldb_options.hpp>
#include <joinly/backend/leveldb_repair.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/leveldb/cursor.hpp>
#include <joinly/detail/leveldb/engine.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/leveldb/log_records.hpp>
#include <joinly/detail/leveldb/repair_input.hpp>
#include <joinly/detail/leveldb/repair_survey.hpp>
#include <joinly/detail/leveldb/tables.hpp>
#include <joinly/detail/ops/files.hpp>
#include <joinly/detail/printable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Every entry of a snapshot, past blocks and files that cannot be read: LevelDB's own cursor goes on behind them, and remembers
/// the first one. It is replaced then, so that the next one is noticed, too.
class LevelDbSurvey {
public:
    LevelDbSurvey(leveldb::DB& db, leveldb::ReadOptions options, const std::string& path)
        : db_{db}, options_{options}, path_{path}, at_{db.NewIterator(options)} {
        at_->SeekToFirst();
    }

    [[nodiscard]] bool valid() const { return at_->Valid(); }
    [[nodiscard]] std::string_view key() const { return to_view(at_->key()); }
    [[nodiscard]] std::string_view value() const { return to_view(at_->value()); }
    void next() {
        before_ = key();
        at_->Next();
    }

    /// What could not be read before where it is now; empty where nothing was missed that was not told already.
    [[nodiscard]] std::optional<Error> missed() {
        if (!is_exact_ || at_->status().ok()) return std::nullopt;
        status_ = at_->status();
        std::string gap = before_.empty() ? "before all others" : "behind '" + printable(before_) + '\'';
        if (valid()) {
            const std::string now{key()};
            at_.reset(db_.NewIterator(options_));
            at_->Seek(now);
            // Another table's block there is read before this one is done with: from here on nobody can tell them apart.
            is_exact_ = at_->status().ok();
            if (is_exact_) gap += " and before '" + printable(now) + '\'';
        }
        const std::string words = status_.ToString();
        return Error{leveldb_errc(status_, words), path_ + ": LevelDB: " + words + ": records may be missing " + gap};
    }

    /// The first reason why something was missed, if anything was.
    [[nodiscard]] const leveldb::Status& status() const noexcept { return status_; }

private:
    leveldb::DB& db_;
    leveldb::ReadOptions options_;
    const std::string& path_;
    std::unique_ptr<leveldb::Iterator> at_;
    std::string before_;
    leveldb::Status status_;
    bool is_exact_ = true;
};

/// Reads every entry and its checksums, and looks whether each record that expires is in the order of expiry. `visit` sees the
/// sound records, `on_flaw` what is wrong. @return how many entries there are; `corrupt`, after `on_flaw` was told where: some
/// could not be read.
[[nodiscard]] inline Result<std::uint64_t> leveldb_examine(LevelDbEngine& engine, const std::string& path, ScanVisitor visit,
                                                           FlawVisitor on_flaw) {
    const LevelDbSnapshot snapshot{engine.db()};
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    options.fill_cache = false;
    options.snapshot = snapshot.get();
    LevelDbSurvey all{engine.db(), options, path};
    std::uint64_t entries = 0;
    Version newest = absent;
    Version last_version = absent;
    std::string place;
    const auto examine_one = [&](std::string_view key, const Result<RecordView>& record) {
        if (!record) return on_flaw(key, record.error());
        newest = (std::max)(newest, record->version);
        if (key == leveldb_version_key) last_version = record->version;
        if (!record->expires_at.is_never() &&
            engine.db().Get(options, leveldb_expiry_key(record->expires_at, key), &place).IsNotFound() &&
            !on_flaw(key, {Errc::corrupt,
                           path + ": " + printable(key) + " is missing in the order of expiry" + leveldb_repair_advice(path)}))
            return false;
        return is_leveldb_own_key(key) || visit(key, *record);
    };
    for (;; all.next(), ++entries) {
        if (const auto missed = all.missed()) {
            if (*missed != Errc::corrupt) return failure(*missed);
            if (!on_flaw({}, *missed)) return failure(Errc::cancelled);
        }
        if (!all.valid()) break;
        const std::string_view key = all.key();
        if (key == leveldb_format_key || is_leveldb_expiry_key(key)) continue;
        if (!examine_one(key, decode_leveldb_value(key, all.value()))) return failure(Errc::cancelled);
    }
    if (!all.status().ok()) {
        return failure(Errc::corrupt,
                       path + ": not everything could be read: what was counted is not all" + leveldb_repair_advice(path));
    }
    if (newest > last_version &&
        !on_flaw({}, {Errc::corrupt, path + ": a record is at version " + std::to_string(newest) + ", above the last one, " +
                                         std::to_string(last_version) + leveldb_repair_advice(path)}))
        return failure(Errc::cancelled);
    return entries;
}

/// Writes `from`, as it is at this moment, into the new database `to`; `visit` sees the records. @return the number of entries.
[[nodiscard]] inline Result<std::uint64_t> leveldb_copy(LevelDbEngine& from, LevelDbEngine& to, const std::string& path,
                                                        ScanVisitor visit) {
    constexpr std::size_t bytes_per_write = std::size_t{256} << 10;
    leveldb::WriteBatch batch;
    std::uint64_t entries = 0;
    const auto all = from.iterate();
    for (all->SeekToFirst(); all->Valid(); all->Next(), ++entries) {
        if (const std::string_view key = to_view(all->key()); !is_leveldb_own_key(key)) {
            const auto record = decode_leveldb_value(key, to_view(all->value()));
            if (!record) return failure(record.error());
            if (!visit(key, *record)) return failure(Errc::cancelled);
        }
        batch.Put(all->key(), all->value());
        if (batch.ApproximateSize() < bytes_per_write) continue;
        if (const auto put = to.write(Sync::process_crash, batch); !put.ok()) return leveldb_failure(put, path);
        batch.Clear();
    }
    if (!all->status().ok()) return leveldb_failure(all->status(), path);
    if (const auto put = to.write(Sync::process_crash, batch); !put.ok()) return leveldb_failure(put, path);
    to.make_tables();
    if (const auto kept = to.write_nothing(Sync::process_crash); !kept.ok()) return leveldb_failure(kept, path);
    return entries;
}

/// Copies `from` into an empty directory, which `options.path` names, and reads the copy back. @return its last version.
[[nodiscard]] inline Result<Version> leveldb_make_copy(LevelDbEngine& from, const LevelDbOptions& options, const CopyWatch& watch) {
    std::uint64_t copied = 0;
    {
        // The engine syncs what it has collected when it makes a table of that, while the next part is being read. An fsync of
        // somebody else's may have to wait for so much.
        LevelDbOptions small_tables = options;
        small_tables.write_buffer_bytes = (std::min)(options.write_buffer_bytes, std::size_t{16} << 20);
        auto to = LevelDbEngine::start(small_tables, true);
        if (!to) return failure(std::move(to).error());
        const auto entries = leveldb_copy(from, **to, options.path, watch.copied);
        if (!entries) return failure(entries.error());
        copied = *entries;
    }
    auto copy = LevelDbEngine::open(options);
    if (!copy) return failure(std::move(copy).error());
    Status flaw;
    const auto found = leveldb_examine(**copy, options.path, watch.read_back, [&](std::string_view, const Error& error) {
        flaw = failure(error);
        return false;
    });
    if (!flaw) return failure(flaw.error());
    if (!found) return failure(found.error());
    if (*found != copied) return failure(Errc::corrupt, options.path + ": the copy does not have all entries");
    return (*copy)->last_version();
}

/// Copies `from` to `target`, where nothing may be: first beside it, then by renaming, so that there is never half a backup.
[[nodiscard]] inline Result<Version> leveldb_back_up(LevelDbEngine& from, LevelDbOptions options, const std::string& target,
                                                     const CopyWatch& watch) {
    leveldb::Env& env = *leveldb::Env::Default();
    if (target.empty() || env.FileExists(target)) {
        return failure(Errc::invalid_argument, '"' + target + "\": a backup needs a path where nothing is yet");
    }
    const std::string source = std::exchange(options.path, target + ".joinly-partial");
    if (env.FileExists(options.path)) {  // from a backup that was cut short, unless somebody is at it
        if (auto idle = LevelDbDirectoryLock::take(options.path); !idle) return failure(std::move(idle).error());
        leveldb::DestroyDB(options.path, {});
    }
    if (const auto made = env.CreateDir(options.path); !made.ok()) return leveldb_failure(made, options.path);
    share_access(source, options.path);
    const auto version = leveldb_make_copy(from, options, watch);
    if (!version) {
        leveldb::DestroyDB(options.path, {});
        return version;
    }
    share_owner_of(options.path);
    if (const auto renamed = env.RenameFile(options.path, target); !renamed.ok()) return leveldb_failure(renamed, target);
    if (auto synced = leveldb_sync_directory(leveldb_parent(target)); !synced) return failure(std::move(synced).error());
    return version;
}

/// Puts in order what belongs to a sound record: its place in the order of expiry, and its index entries. An index entry whose
/// record is lost goes.
inline void leveldb_settle_record(LevelDbEngine& engine, std::string_view key, const RecordView& record,
                                  leveldb::WriteBatch& changes) {
    std::string bytes;
    const auto find = [&](std::string_view wanted) -> std::optional<RecordView> {
        if (!engine.db().Get(engine.scan_options(), to_slice(wanted), &bytes).ok()) return std::nullopt;
        const auto found = decode_leveldb_value(wanted, bytes);
        return found ? std::optional{*found} : std::nullopt;
    };
    if (!record.expires_at.is_never()) changes.Put(leveldb_expiry_key(record.expires_at, key), {});
    if (is_index_entry(key)) {
        const auto record_key = indexed_record_key(key, record.value);
        const auto indexed = record_key ? find(*record_key) : std::nullopt;
        if (!indexed || !has_index_term(indexed->index_terms, term_of_entry(key, *record_key))) changes.Delete(to_slice(key));
    }
    const auto keep = [](std::string_view) {};
    update_index_entries(key, {}, record.index_terms, keep, [&](std::string_view entry_key, std::string_view value) {
        if (find(entry_key)) return;
        encode_leveldb_value(entry_key, {value, record.version, {}}, bytes);
        changes.Put(to_slice(entry_key), bytes);
    });
}

/// After LevelDB's repair: drops the records that do not match their checksums, which that repair does not look at, makes index
/// entries and the order of expiry agree with what is left, and sees to it that no version is given twice. Counts in `repair`.
[[nodiscard]] inline Status leveldb_settle(LevelDbEngine& engine, const std::string& path, LevelDbRepair& repair) {
    leveldb::WriteBatch changes;
    Version newest = absent;
    bool any_sound = false;
    bool any_damaged = false;
    const auto all = engine.iterate();
    for (all->SeekToFirst(); all->Valid(); all->Next()) {
        const std::string_view key = to_view(all->key());
        if (key == leveldb_format_key) {
            auto known = known_leveldb_format(to_view(all->value()));
            if (!known && known.error() == Errc::incompatible) return known;
            any_sound = true;
            continue;
        }
        if (is_leveldb_expiry_key(key)) continue;  // where its record is lost, the next search for expired ones finds that out
        const auto record = decode_leveldb_value(key, to_view(all->value()));
        const bool counts = !is_leveldb_own_key(key) && !is_index_entry(key);
        if (record) {
            any_sound = true;
            repair.records += counts;
            newest = (std::max)(newest, record->version);
            leveldb_settle_record(engine, key, *record, changes);
        } else if (record.error() == Errc::corrupt) {
            any_damaged = true;
            changes.Delete(all->key());
            repair.lost += counts;
            if (counts && repair.lost_keys.size() < LevelDbRepair::most_lost_keys) repair.lost_keys.push_back(printable(key));
        }
    }
    if (!all->status().ok()) return leveldb_failure(all->status(), path);
    if (any_damaged && !any_sound) {
        return failure(Errc::incompatible, path + ": a LevelDB database that something else has written; no entry was dropped");
    }
    std::string last_version;
    encode_leveldb_value(leveldb_version_key, {{}, newest, {}}, last_version);
    changes.Put(to_slice(leveldb_version_key), last_version);
    return engine.put_format(changes, path);
}

/// LevelDB's own repair, with the locks that it does not take. The database does not open yet after it.
/// @return what it has left out.
[[nodiscard]] inline Result<std::vector<std::string>> leveldb_run_repair(const LevelDbOptions& options) {
    leveldb::Env& env = *leveldb::Env::Default();
    const auto lock = LevelDbDirectoryLock::take(options.path);
    if (!lock) return failure(lock.error());
    leveldb::FileLock* engine_lock = nullptr;
    if (const auto locked = env.LockFile(options.path + "/LOCK", &engine_lock); !locked.ok()) {
        return leveldb_failure(locked, options.path);
    }
    LevelDbSettings settings{options};
    settings.options.paranoid_checks = true;  // without, it takes damaged blocks for entries, and may end the process
    const auto noted = noted_leveldb_gaps(options.path);
    Status ready = take_leveldb_repair_up(options.path);
    const auto gaps =
        LevelDbRepairSurvey{options.path, noted.value_or(std::vector<std::string>{})}.run(settings.options, !noted.has_value());
    if (ready) ready = LevelDbRepairInput{options.path, leveldb_files_in(options.path), gaps}.note();  // then the logs may change
    if (ready) ready = void_damage_in_leveldb_logs(options.path);
    if (ready) ready = set_damaged_leveldb_tables_aside(options.path);
    if (ready) ready = run_leveldb_repair(options.path, settings.options, gaps);
    env.UnlockFile(engine_lock);
    if (!ready) return failure(std::move(ready).error());
    return gaps;
}

[[nodiscard]] inline Result<LevelDbRepair> leveldb_repair(const LevelDbOptions& options) {
    const auto found = leveldb_inspect(options.path);
    if (!found && found.error() != Errc::corrupt) return failure(found.error());
    if (found && *found != LevelDbPlace::database) {
        return failure(Errc::invalid_argument, options.path + ": no LevelDB database is there to be repaired");
    }
    auto gaps = leveldb_run_repair(options);
    if (!gaps) return failure(std::move(gaps).error());
    auto engine = LevelDbEngine::start(options, false);
    if (!engine) return failure(std::move(engine).error());
    LevelDbRepair repair;
    const Status settled = leveldb_settle(**engine, options.path, repair);
    if (!settled && settled.error() != Errc::incompatible) return failure(settled.error());  // which no other repair would change
    if (auto forgotten = forget_unfinished_leveldb_repair(options.path); !forgotten) return failure(std::move(forgotten).error());
    if (!settled) return failure(settled.error());
    repair.may_lack_names = !gaps->empty();
    repair.gaps = std::move(*gaps);
    return repair;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
