#ifndef JOINLY_DETAIL_LEVELDB_ENGINE_HPP
#define JOINLY_DETAIL_LEVELDB_ENGINE_HPP
// An open LevelDB database of ours, with what must outlive it. Safe to use from any thread, as LevelDB is.

#include <joinly/backend/leveldb_options.hpp>
#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/api.hpp>
#include <joinly/detail/leveldb/files.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/leveldb/log.hpp>
#include <joinly/detail/leveldb/log_check.hpp>

#include <atomic>
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

/// LevelDB's options for ours, and the filter and cache that they point to.
struct LevelDbSettings {
    explicit LevelDbSettings(const LevelDbOptions& chosen)
        : filter{chosen.bloom_bits_per_key > 0 ? leveldb::NewBloomFilterPolicy(chosen.bloom_bits_per_key) : nullptr},
          cache{leveldb::NewLRUCache(chosen.block_cache_bytes)} {
        read.verify_checksums = chosen.verify_checksums;
        options.paranoid_checks = chosen.paranoid_checks;
        options.write_buffer_size = chosen.write_buffer_bytes;
        options.compression = chosen.compression ? leveldb::kSnappyCompression : leveldb::kNoCompression;
        options.filter_policy = filter.get();
        options.block_cache = cache.get();
    }
    std::unique_ptr<const leveldb::FilterPolicy> filter;
    std::unique_ptr<leveldb::Cache> cache;
    leveldb::Options options;
    leveldb::ReadOptions read;
};

class LevelDbEngine {
public:
    /// Opens the database. Where nothing or an empty directory is it creates one if it may; else that is `io`. The data of
    /// what it refuses is left as it is.
    [[nodiscard]] static Result<std::unique_ptr<LevelDbEngine>> open(const LevelDbOptions& options, bool may_create = true) {
        const std::string& path = options.path;
        const auto found = leveldb_inspect(path);
        if (!found) return failure(found.error());
        if (!may_create && *found != LevelDbPlace::database) return no_longer_there(path);
        if (*found == LevelDbPlace::missing) {
            const auto made = leveldb::Env::Default()->CreateDir(path);
            if (made.IsNotFound()) return failure(Errc::io, path + ": the directory that it would be made in does not exist");
            if (!made.ok()) return leveldb_failure(made, path);
        }
        auto engine = start(options, *found != LevelDbPlace::database);
        if (!engine) return engine;
        if (auto ours = (*engine)->claim(path, may_create); !ours) return failure(std::move(ours).error());
        if (*found == LevelDbPlace::missing) {
            if (auto synced = leveldb_sync_directory(leveldb_parent(path)); !synced) return failure(std::move(synced).error());
        }
        return engine;
    }

    /// Opens the engine without asking whose data it holds.
    [[nodiscard]] static Result<std::unique_ptr<LevelDbEngine>> start(const LevelDbOptions& options, bool create) {
        auto lock = LevelDbDirectoryLock::take(options.path);
        if (!lock) return failure(std::move(lock).error());
        std::unique_ptr<LevelDbEngine> engine{new LevelDbEngine{std::move(*lock), options}};
        engine->settings_.options.create_if_missing = create;
        if (auto sound = check_leveldb_logs(options.path, !options.paranoid_checks); !sound)
            return failure(std::move(sound).error());
        leveldb::DB* db = nullptr;
        auto opened = leveldb::DB::Open(engine->settings_.options, options.path, &db);
        if (opened.IsCorruption() && cut_leveldb_torn_tails(options.path)) {
            opened = leveldb::DB::Open(engine->settings_.options, options.path, &db);
        }
        if (opened.ok()) {
            engine->db_.reset(db);
            // LevelDB renames CURRENT and leaves it to chance when the directory remembers.
            if (auto synced = leveldb_sync_directory(options.path); !synced) return failure(std::move(synced).error());
            return engine;
        }
        const Error error = leveldb_failure(opened, options.path).value();
        if (error != Errc::busy) return failure(error);
        return failure(error.code(), std::string{error.message()} + "; another process may have it open");
    }

    [[nodiscard]] leveldb::DB& db() noexcept { return *db_; }
    [[nodiscard]] leveldb::ReadOptions read_options() const noexcept { return settings_.read; }

    /// For what reads much and need not push anything out of the block cache.
    [[nodiscard]] leveldb::ReadOptions scan_options() const noexcept {
        leveldb::ReadOptions options = settings_.read;
        options.fill_cache = false;
        return options;
    }

    /// Every entry, the adapter's own too, as it is at this moment.
    [[nodiscard]] std::unique_ptr<leveldb::Iterator> iterate() {
        return std::unique_ptr<leveldb::Iterator>{db_->NewIterator(scan_options())};
    }

    /// Makes the changes. After `Sync::power_loss` they survive that, with all that was written before. For one writer at a time.
    [[nodiscard]] leveldb::Status write(Sync sync, leveldb::WriteBatch& changes) {
        leveldb::WriteOptions options;
        options.sync = sync == Sync::power_loss;
        if (options.sync && has_unsynced_) {
            if (auto synced = sync_logs(); !synced.ok()) return synced;
        }
        has_unsynced_ = !options.sync;
        return db_->Write(options, &changes);
    }

    /// Writes `changes` for good, and with them that the database has our format.
    [[nodiscard]] Status put_format(leveldb::WriteBatch& changes, const std::string& path) {
        const char format = static_cast<char>(leveldb_format);
        changes.Put(to_slice(leveldb_format_key), {&format, 1});
        if (const auto put = write(Sync::power_loss, changes); !put.ok()) return leveldb_failure(put, path);
        return {};
    }

    /// Makes tables, which the engine syncs, of all that was written; and merges those that overlap. LevelDB begins another log
    /// for that: there must be a record in the one that there is (see log_check.hpp). Of failure `write_nothing` tells.
    void make_tables() { db_->CompactRange(nullptr, nullptr); }

    /// A record in the log, and whether LevelDB still takes any.
    [[nodiscard]] leveldb::Status write_nothing(Sync sync) {
        leveldb::WriteBatch nothing;
        return write(sync, nothing);
    }

    /// As the database has it: it moves at the same instant as the records of a batch.
    [[nodiscard]] Result<Version> read_last_version(const std::string& path) {
        std::string value;
        const auto got = db_->Get(checked(), to_slice(leveldb_version_key), &value);
        if (got.IsNotFound()) return absent;
        if (!got.ok()) return leveldb_failure(got, path);
        const auto record = decode_leveldb_value(leveldb_version_key, value);
        if (!record) return about(path, record.error());
        return record->version;
    }
    /// Of the writes that have returned. Changed only by the one writer that is at work.
    [[nodiscard]] Version last_version() const noexcept { return last_version_.load(std::memory_order_acquire); }
    void set_last_version(Version version) noexcept { last_version_.store(version, std::memory_order_release); }

    /// The order of expiry has nothing before this. LevelDB steps over each erased place until a compaction: without knowing
    /// where to begin, a sweep in many small steps would step over all the earlier ones each time. For the one writer only.
    [[nodiscard]] const std::string& first_expiry() const noexcept { return first_expiry_; }
    void set_first_expiry(std::string place) noexcept { first_expiry_ = std::move(place); }

    /// Memory that is used again from write to write, for the one writer.
    struct Scratch {
        leveldb::WriteBatch updates;
        std::string encoded;
    };
    [[nodiscard]] Scratch& scratch() noexcept { return *scratch_; }
    void clear_scratch() {
        constexpr std::size_t most_bytes = std::size_t{4} << 20;  // what a rare large write has needed is given back
        if (scratch_->updates.ApproximateSize() > most_bytes || scratch_->encoded.capacity() > most_bytes) scratch_.emplace();
        scratch_->updates.Clear();
    }

private:
    LevelDbEngine(LevelDbDirectoryLock lock, const LevelDbOptions& options)
        : lock_{std::move(lock)}, settings_{options}, path_{options.path} {}

    /// Syncs what was written. A write that is synced syncs the log that it goes to, and that may be the first one of another
    /// log: what is in the log before is in no table yet, and synced by nobody.
    [[nodiscard]] leveldb::Status sync_logs() {
        leveldb::WriteBatch nothing;  // begins another log if it is time to, so that the next write does not
        auto status = db_->Write({}, &nothing);
        std::vector<std::string> names;
        if (status.ok()) status = leveldb::Env::Default()->GetChildren(path_, &names);
        for (const std::uint64_t number : leveldb_log_numbers(names)) {  // the oldest first: what lasts is a prefix at any moment
            if (status.ok()) status = leveldb_sync_file(leveldb_log_path(path_, number));
        }
        return status;
    }

    /// For what opening looks at, whatever the options say: LevelDB may end the process over a damaged block that it trusts.
    [[nodiscard]] static leveldb::ReadOptions checked() noexcept {
        leveldb::ReadOptions options;
        options.verify_checksums = true;
        return options;
    }

    [[nodiscard]] static tl::unexpected<Error> no_longer_there(const std::string& path) {
        return failure(Errc::io, path + ": the database is no longer there");
    }

    /// Makes sure that the data is ours and of a format that we know; an empty database becomes ours if it may.
    [[nodiscard]] Status claim(const std::string& path, bool may_create) {
        std::string value;
        const auto got = db_->Get(checked(), to_slice(leveldb_format_key), &value);
        if (got.IsNotFound()) return claim_empty(path, may_create);
        if (!got.ok()) return leveldb_failure(got, path);
        if (auto known = known_leveldb_format(value); !known) return about(path, known.error());
        if (static_cast<unsigned char>(value[0]) < leveldb_format) {
            if (auto upgraded = upgrade(path); !upgraded) return upgraded;
        }
        return load_last_version(path);
    }

    /// From format 1, in one write: each record that expires gets its place in the order of expiry. A damaged one stays as it is.
    [[nodiscard]] Status upgrade(const std::string& path) {
        leveldb::WriteBatch changes;
        const auto all = iterate();
        for (all->SeekToFirst(); all->Valid(); all->Next()) {
            const std::string_view key = to_view(all->key());
            const auto record = decode_leveldb_value(key, to_view(all->value()));
            if (record && !record->expires_at.is_never()) changes.Put(leveldb_expiry_key(record->expires_at, key), {});
        }
        if (!all->status().ok()) return leveldb_failure(all->status(), path);
        return put_format(changes, path);
    }

    [[nodiscard]] static tl::unexpected<Error> about(const std::string& path, const Error& error) {
        const std::string advice = error == Errc::corrupt ? leveldb_repair_advice(path) : std::string{};
        return failure(error.code(), path + ": " + std::string{error.message()} + advice);
    }

    [[nodiscard]] Status claim_empty(const std::string& path, bool may_create) {
        const auto all = iterate();
        all->SeekToFirst();
        if (all->Valid()) return failure(Errc::incompatible, path + ": a LevelDB database that something else has written");
        if (!all->status().ok()) return leveldb_failure(all->status(), path);
        if (!may_create) return no_longer_there(path);
        leveldb::WriteBatch changes;
        return put_format(changes, path);
    }

    [[nodiscard]] Status load_last_version(const std::string& path) {
        const auto version = read_last_version(path);
        if (!version) return failure(version.error());
        set_last_version(*version);
        return {};
    }

    LevelDbDirectoryLock lock_;  // the order matters: the database goes before its filter and cache, the lock last
    LevelDbSettings settings_;
    const std::string path_;
    std::unique_ptr<leveldb::DB> db_;
    bool has_unsynced_ = false;  // of what was written; for the one writer
    std::atomic<Version> last_version_{absent};
    std::string first_expiry_{leveldb_expiry_prefix};
    std::optional<Scratch> scratch_{std::in_place};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
