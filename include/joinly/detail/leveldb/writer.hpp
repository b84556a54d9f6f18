#ifndef JOINLY_DETAIL_LEVELDB_WRITER_HPP
#define JOINLY_DETAIL_LEVELDB_WRITER_HPP
// Decides a group of batches in order and makes those that hold in one engine write. One writer is at work at a time.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/leveldb/engine.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/version_text.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class LevelDbWriter {
public:
    /// `alone`: one batch at most will be added, so nobody needs to know what it staged.
    LevelDbWriter(LevelDbEngine& engine, bool alone) : engine_{engine}, alone_{alone}, last_version_{engine.last_version()} {}

    /// Decides `batch`, which must live as long as the writer, against the database and the batches added before.
    /// @return the version it will have once `write` has succeeded. Otherwise it adds nothing.
    [[nodiscard]] Result<Version> add(const Batch& batch) {
        const Version version = batch.version == absent ? last_version_ + 1 : batch.version;
        if (auto sound = examine(batch, version); !sound) return failure(std::move(sound).error());
        if (batch.after && *batch.after != last_version_) {
            return failure(Errc::conflict, "the database is at version " + std::to_string(last_version_) + ", not " +
                                               std::to_string(*batch.after) + ": another writer was here");
        }
        for (const Requirement& requirement : batch.requirements) {
            if (auto met = decide(requirement, batch.now); !met) return failure(std::move(met).error());
        }
        if (version <= last_version_) {
            return failure(Errc::conflict, "the batch's version " + std::to_string(version) + " is not above the last one, " +
                                               std::to_string(last_version_));
        }
        for (const Change& change : batch.changes) stage(change, version);
        last_version_ = version;
        return version;
    }

    /// Makes all that was added, and remembers the last version with it.
    [[nodiscard]] leveldb::Status write(Sync sync) {
        if (last_version_ == engine_.last_version()) return leveldb::Status::OK();
        encode_leveldb_value(leveldb_version_key, {{}, last_version_, {}}, encoded_);
        updates_.Put(to_slice(leveldb_version_key), encoded_);
        leveldb::WriteOptions options;
        options.sync = sync == Sync::power_loss;
        auto status = engine_.db().Write(options, &updates_);
        if (status.ok()) engine_.set_last_version(last_version_);
        return status;
    }

private:
    struct Staged {
        Version version;
        Expiry expires_at;
    };

    static constexpr std::size_t max_record_bytes = std::size_t{1} << 30;

    [[nodiscard]] static Status examine_key(std::string_view key) {
        if (key.empty()) return failure(Errc::invalid_argument, "the key is empty");
        if (is_leveldb_own_key(key)) return failure(Errc::invalid_argument, printable(key) + " is the adapter's own key");
        return {};
    }

    [[nodiscard]] static Status examine(const Batch& batch, Version version) {
        for (const Change& change : batch.changes) {
            if (auto sound = examine_key(change.key); !sound) return sound;
            if (change.version > version) {
                return failure(Errc::invalid_argument, printable(change.key) + " is to get version " +
                                                           std::to_string(change.version) + ", above its batch's " +
                                                           std::to_string(version));
            }
            if (change.key.size() + (change.value ? change.value->size() : 0) > max_record_bytes) {
                return failure(Errc::invalid_argument, "a record of over 1 GiB at " + printable(change.key.substr(0, 64)));
            }
        }
        for (const Requirement& requirement : batch.requirements) {
            if (auto sound = examine_key(requirement.key); !sound) return sound;
        }
        if (version == (std::numeric_limits<Version>::max)()) {
            return failure(Errc::invalid_argument, "a version of 2^64 - 1 would leave none for the next batch");
        }
        return {};
    }

    /// What is under `key` as far as this group has come.
    [[nodiscard]] Result<Staged> current(std::string_view key) {
        if (const auto staged = staged_.find(key); staged != staged_.end()) return staged->second;
        const auto got = engine_.db().Get(engine_.read_options(), to_slice(key), &encoded_);
        if (got.IsNotFound()) return Staged{absent, {}};
        if (!got.ok()) return leveldb_failure(got, printable(key));
        const auto record = decode_leveldb_value(key, encoded_);
        if (!record) return failure(record.error());
        return Staged{record->version, record->expires_at};
    }

    [[nodiscard]] Status decide(const Requirement& requirement, WallTime now) {
        const auto found = current(requirement.key);
        if (!found) return failure(found.error());
        const bool counts = requirement.even_expired || !found->expires_at.has_passed(now);
        const Version version = counts ? found->version : absent;
        if (version == requirement.version) return {};
        return failure(Errc::conflict,
                       printable(requirement.key) + " is " + version_text(version) + ", not " + version_text(requirement.version));
    }

    void stage(const Change& change, Version batch_version) {
        if (!change.value) {
            updates_.Delete(change.key);
            if (!alone_) staged_[change.key] = {absent, {}};
            return;
        }
        const Version version = change.version == absent ? batch_version : change.version;
        encode_leveldb_value(change.key, {*change.value, version, change.expires_at}, encoded_);
        updates_.Put(change.key, encoded_);
        if (!alone_) staged_[change.key] = {version, change.expires_at};
    }

    LevelDbEngine& engine_;
    const bool alone_;
    leveldb::WriteBatch updates_;
    std::unordered_map<std::string_view, Staged> staged_;  // keys belong to the batches
    std::string encoded_;                                  // reused from record to record
    Version last_version_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
