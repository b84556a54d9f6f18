#ifndef JOINLY_DETAIL_LEVELDB_WRITER_HPP
#define JOINLY_DETAIL_LEVELDB_WRITER_HPP
// Decides a group of batches in order and makes those that hold in one engine write. One writer is at work at a time.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range_digest.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entry_changes.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/leveldb/cursor.hpp>
#include <joinly/detail/leveldb/engine.hpp>
#include <joinly/detail/leveldb/format.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/version_text.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class LevelDbWriter {
public:
    /// `alone`: one batch at most will be added, so nobody needs to know what it staged.
    LevelDbWriter(LevelDbEngine& engine, bool alone)
        : engine_{engine},
          alone_{alone},
          updates_{engine.scratch().updates},
          encoded_{engine.scratch().encoded},
          last_version_{engine.last_version()} {}
    LevelDbWriter(const LevelDbWriter&) = delete;
    LevelDbWriter& operator=(const LevelDbWriter&) = delete;
    ~LevelDbWriter() { engine_.clear_scratch(); }

    /// Decides `batch` against the database and the batches added before.
    /// @return the version it will have once `write` has succeeded. Otherwise it adds nothing.
    [[nodiscard]] Result<Version> add(const Batch& batch) {
        const Version version = batch.version == absent ? last_version_ + 1 : batch.version;
        if (auto sound = examine(batch, version); !sound) return failure(std::move(sound).error());
        keeps_read_ = std::any_of(batch.changes.begin(), batch.changes.end(),
                                  [](const Change& change) { return change.index_terms.has_value(); });
        if (auto met = decide(batch); !met) return failure(std::move(met).error());
        if (version <= last_version_) {
            return failure(Errc::conflict, "the batch's version " + std::to_string(version) + " is not above the last one, " +
                                               std::to_string(last_version_));
        }
        if (auto found = look_up_indexed(batch); !found) return failure(std::move(found).error());
        for (const Change& change : batch.changes) stage(change, change.version == absent ? version : change.version);
        stage_entries();
        last_version_ = version;
        return version;
    }

    /// Makes all that was added, and remembers the last version with it.
    [[nodiscard]] leveldb::Status write(Sync sync) {
        if (last_version_ == engine_.last_version()) return leveldb::Status::OK();
        encode_leveldb_value(leveldb_version_key, {{}, last_version_, {}}, encoded_);
        updates_.Put(to_slice(leveldb_version_key), encoded_);
        auto status = engine_.write(sync, updates_);
        if (status.ok()) engine_.set_last_version(last_version_);
        return status;
    }

private:
    /// A record as far as this group has come; absent: there is none.
    struct Staged {
        Version version = absent;
        Expiry expires_at;
        std::string index_terms;
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
            const std::size_t terms = change.index_terms ? change.index_terms->size() : 0;
            if (change.key.size() + (change.value ? change.value->size() : 0) + terms > max_record_bytes) {
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

    [[nodiscard]] Status decide(const Batch& batch) {
        if (batch.after && *batch.after != last_version_) {
            return failure(Errc::conflict, "the database is at version " + std::to_string(last_version_) + ", not " +
                                               std::to_string(*batch.after) + ": another writer was here");
        }
        for (const Requirement& requirement : batch.requirements) {
            if (auto met = decide(requirement, batch.now); !met) return met;
        }
        for (const RangeRequirement& requirement : batch.ranges) {
            if (auto met = decide(requirement, batch.now); !met) return met;
        }
        return {};
    }

    [[nodiscard]] Status decide(const Requirement& requirement, WallTime now) {
        auto found = current(requirement.key);
        if (!found) return failure(found.error());
        const bool counts = requirement.even_expired || !found->expires_at.has_passed(now);
        const Version version = counts ? found->version : absent;
        if (version == requirement.version) {
            if (keeps_read_) staged_.try_emplace(requirement.key, std::move(*found));
            return {};
        }
        return failure(Errc::conflict,
                       printable(requirement.key) + " is " + version_text(version) + ", not " + version_text(requirement.version));
    }

    [[nodiscard]] Status decide(const RangeRequirement& requirement, WallTime now) {
        const KeyRange range{requirement.range.begin, requirement.range.end, Direction::forward};
        RangeDigest digest{requirement.seed};
        LevelDbCursor at{engine_.db(), engine_.read_options(), range};
        for (; at.valid(); at.next()) {
            if (staged_.find(at.key()) != staged_.end()) continue;
            const auto record = decode_leveldb_value(at.key(), at.value());
            if (!record) return failure(record.error());
            if (!record->expires_at.has_passed(now)) digest.add(at.key(), record->version);
        }
        if (!at.status().ok()) return leveldb_failure(at.status(), "reading from " + printable(range.begin));
        for (auto each = staged_.lower_bound(range.begin); each != staged_.end() && range.contains(each->first); ++each) {
            const Staged& record = each->second;
            if (record.version != absent && !record.expires_at.has_passed(now)) digest.add(each->first, record.version);
        }
        if (digest.value() == requirement.digest) return {};
        return range_conflict(range);
    }

    /// What is under `key` as far as this group has come.
    [[nodiscard]] Result<Staged> current(std::string_view key) {
        if (const auto staged = staged_.find(key); staged != staged_.end()) return staged->second;
        const auto got = engine_.db().Get(engine_.read_options(), to_slice(key), &encoded_);
        if (got.IsNotFound()) return Staged{};
        if (!got.ok()) return leveldb_failure(got, printable(key));
        const auto record = decode_leveldb_value(key, encoded_);
        if (!record) return failure(record.error());
        return Staged{record->version, record->expires_at, std::string{record->index_terms}};
    }

    /// Gets everything into staged_ that `stage` needs to know, so that it cannot fail half-way.
    [[nodiscard]] Status look_up_indexed(const Batch& batch) {
        for (const Change& change : batch.changes) {
            if (!change.index_terms || staged_.find(change.key) != staged_.end()) continue;
            auto former = current(change.key);
            if (!former && former.error() == Errc::corrupt) former = by_its_entries(change.key);
            if (!former) return failure(former.error());
            staged_.emplace(change.key, std::move(*former));
        }
        return {};
    }

    /// A record that is too damaged to tell its terms can be replaced all the same: its entries tell them. Reads all entries of
    /// its kind.
    [[nodiscard]] Result<Staged> by_its_entries(std::string_view key) {
        const std::string entries = std::string{index_entry_prefix}.append(key.substr(0, key.find(':') + 1));
        Staged found;
        LevelDbCursor at{engine_.db(), engine_.scan_options(), KeyRange::prefix(entries)};
        for (; at.valid(); at.next()) {
            const auto entry = decode_leveldb_value(at.key(), at.value());
            if (entry && indexed_record_key(at.key(), entry->value) == key)
                append_index_term(found.index_terms, term_of_entry(at.key(), key));
        }
        if (!at.status().ok()) return leveldb_failure(at.status(), printable(key));
        return found;
    }

    void stage(const Change& change, Version version) {
        const std::string_view terms = change.value && change.index_terms ? std::string_view{*change.index_terms} : "";
        if (change.index_terms) {
            const Staged& former = staged_.find(change.key)->second;
            if (!former.expires_at.is_never()) updates_.Delete(leveldb_expiry_key(former.expires_at, change.key));
            entries_.add(change.key, former.index_terms, terms, version);
        } else if (is_index_entry(change.key)) {
            stage_entries();  // changes of one key are made in their order
        }
        change.value ? put(change.key, {*change.value, version, change.expires_at, terms}) : erase(change.key);
    }

    void stage_entries() {
        entries_.make_all([&](const EntryChange& entry) {
            entry.value ? put(entry.key, {*entry.value, entry.version, {}}) : erase(entry.key);
        });
    }

    void put(std::string_view key, const RecordView& record) {
        encode_leveldb_value(key, record, encoded_);
        updates_.Put(to_slice(key), encoded_);
        remember(key, record);
        if (record.expires_at.is_never()) return;
        std::string place = leveldb_expiry_key(record.expires_at, key);
        updates_.Put(place, {});
        if (place < engine_.first_expiry()) engine_.set_first_expiry(std::move(place));
    }

    void erase(std::string_view key) {
        updates_.Delete(to_slice(key));
        remember(key, {});
    }

    void remember(std::string_view key, const RecordView& record) {
        const auto known = staged_.find(key);
        if (known == staged_.end() && alone_) return;
        Staged staged{record.version, record.expires_at, std::string{record.index_terms}};
        if (known != staged_.end()) {
            known->second = std::move(staged);
        } else {
            staged_.emplace(key, std::move(staged));
        }
    }

    LevelDbEngine& engine_;
    const bool alone_;
    leveldb::WriteBatch& updates_;
    std::map<std::string, Staged, std::less<>> staged_;  // index entries, too
    EntryChanges entries_;                               // of the batch that is being added
    std::string& encoded_;                               // reused from record to record
    Version last_version_;
    bool keeps_read_ = false;  // what a requirement reads is asked for again, by a change that has index terms
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
