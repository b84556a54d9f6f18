#ifndef JOINLY_BACKEND_MEMORY_HPP
#define JOINLY_BACKEND_MEMORY_HPP
// MemoryBackend: records in memory only, for tests and for data that need not last.
//
// They are in a tree that is never changed once others can see it, but replaced by a new one that shares with it whatever is the
// same. So whoever holds a tree has a snapshot, and a batch that cannot be finished has touched nothing (see
// detail/memory_snapshot.hpp).
//
// Threads: `writer_mutex` lets one write at a time go from the current snapshot to the next; `mutex` guards `current` itself
// and is held only to copy or swap it. No lock is held while a record is copied or a visitor called.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/range_digest.hpp>
#include <joinly/detail/expiry_key.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/memory_snapshot.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/record_tree.hpp>
#include <joinly/detail/stored_record.hpp>
#include <joinly/detail/version_text.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// There is nothing to choose.
struct MemoryOptions {};

/// Keeps records until it is destroyed. The contract is that of `storage_backend`, where it says nothing else.
///
/// @par Thread safety  Any thread, any call. Readers and scans wait for nobody, and nobody waits for them.
/// @par Complexity     A read is O(log n) and a copy of the value; a write O(log n) a change, and the copies. A scan holds
///                     one snapshot: besides the tree, memory keeps what was replaced or erased since it began.
class MemoryBackend {
public:
    using Options = MemoryOptions;
    static constexpr bool is_volatile = true;

    [[nodiscard]] static Result<MemoryBackend> open(const MemoryOptions& = {}) { return MemoryBackend{std::make_unique<State>()}; }

    [[nodiscard]] Result<Record> read(std::string_view key) const { return read_from(*snapshot(), key); }

    /// All keys are read from one snapshot.
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) const {
        const Hold now = snapshot();
        for (std::size_t position = 0; position < keys.size(); ++position) sink(position, read_from(*now, keys[position]));
        return {};
    }

    /// @return the batch's version. Otherwise nothing changed:
    ///         conflict          a requirement or a range does not hold, `batch.after` is not the last version, or
    ///                           `batch.version` is not above it;
    ///         invalid_argument  a key is empty, or a change's version is above the batch's.
    [[nodiscard]] Result<Version> write(const Batch& batch) {
        Hold former;  // before the locks, so that what it is the last to hold is freed after them
        const std::lock_guard writer{state_->writer_mutex};
        former = state_->current;  // without `mutex`: only a writer changes it
        if (auto sound = validate(batch); !sound) return failure(std::move(sound).error());
        if (batch.after && *batch.after != former->version) {
            return failure(Errc::conflict, "the database is at version " + std::to_string(former->version) + ", not " +
                                               std::to_string(*batch.after) + ": another writer was here");
        }
        if (auto met = decide(former->records, batch); !met) return failure(std::move(met).error());

        const Version version = batch.version == absent ? former->version + 1 : batch.version;
        if (version <= former->version) {
            return failure(Errc::conflict, "the batch's version " + std::to_string(version) + " is not above the last one, " +
                                               std::to_string(former->version));
        }
        detail::MemoryDraft draft{*former, ++state_->rounds};
        for (const Change& change : batch.changes) {
            if (change.version > version) {
                return failure(Errc::invalid_argument, detail::printable(change.key) + " is to get version " +
                                                           std::to_string(change.version) + ", above its batch's " +
                                                           std::to_string(version));
            }
            make(draft, change, change.version == absent ? version : change.version);
        }
        Hold next = draft.publish(former, version);
        const std::lock_guard lock{state_->mutex};
        std::swap(state_->current, next);
        return version;
    }

    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) const {
        const Hold now = snapshot();
        now->records.visit(range, visit);
        return {};
    }

    [[nodiscard]] Status follow(const KeyRange& range, EntryVisitor visit) const {
        const Hold now = snapshot();
        Status status;
        now->records.visit(range, [&](std::string_view entry_key, const RecordView& entry) {
            const auto record_key = indexed_record_key(entry_key, entry.value);
            const detail::StoredRecord* record = record_key ? now->records.find(*record_key) : nullptr;
            if (record && has_index_term(record->index_terms(), detail::term_of_entry(entry_key, *record_key)))
                return visit(entry_key, *record_key, record->view());
            status = detail::unpaired_entry(entry_key);
            return false;
        });
        return status;
    }

    /// From one snapshot. O(log n) and what it gives.
    [[nodiscard]] Result<std::vector<ExpiredRecord>> expired(WallTime now, std::size_t limit) const {
        const Hold latest = snapshot();
        std::vector<ExpiredRecord> found;
        latest->expiries.visit({}, [&](std::string_view place, const RecordView& record) {
            if (found.size() == limit || !record.expires_at.has_passed(now)) return false;
            found.push_back({std::string{place.substr(detail::expiry_bytes)}, record.version, record.expires_at});
            return true;
        });
        return found;
    }

    [[nodiscard]] Result<Version> last_version() const { return snapshot()->version; }

    /// Always 0.
    [[nodiscard]] Result<std::uint64_t> size_on_disk() const { return std::uint64_t{0}; }

private:
    using Hold = detail::MemorySnapshot::Hold;
    struct State {
        std::mutex writer_mutex;   // held from reading `current` to replacing it
        std::uint64_t rounds = 0;  // of writing; guarded by writer_mutex
        std::mutex mutex;          // guards current
        Hold current{new detail::MemorySnapshot};
    };

    explicit MemoryBackend(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}

    [[nodiscard]] Hold snapshot() const {
        const std::lock_guard lock{state_->mutex};
        return state_->current;
    }

    [[nodiscard]] static Result<Record> read_from(const detail::MemorySnapshot& snapshot, std::string_view key) {
        if (const auto* found = snapshot.records.find(key))
            return Record{std::string{found->value()}, found->version, found->expires_at};
        return failure(Errc::not_found);
    }

    [[nodiscard]] static Status validate(const Batch& batch) {
        if (batch.version == (std::numeric_limits<Version>::max)()) {
            return failure(Errc::invalid_argument, "the batch's version leaves none for the next one");
        }
        for (const Change& change : batch.changes) {
            if (change.key.empty()) return failure(Errc::invalid_argument, "a key is empty");
        }
        return {};
    }

    [[nodiscard]] static Status decide(const detail::RecordTree& records, const Batch& batch) {
        for (const auto& [key, wanted, even_expired] : batch.requirements) {
            const detail::StoredRecord* stored = records.find(key);
            const bool counts = stored && (even_expired || !stored->expires_at.has_passed(batch.now));
            const Version found = counts ? stored->version : absent;
            if (found != wanted)
                return failure(Errc::conflict, detail::printable(key) + " is " + detail::version_text(found) + ", not " +
                                                   detail::version_text(wanted));
        }
        for (const RangeRequirement& wanted : batch.ranges) {
            RangeDigest digest{wanted.seed};
            records.visit(wanted.range, [&](std::string_view key, const RecordView& record) {
                if (!record.expires_at.has_passed(batch.now)) digest.add(key, record.version);
                return true;
            });
            if (digest.value() != wanted.digest) return detail::range_conflict(wanted.range);
        }
        return {};
    }

    static void make(detail::MemoryDraft& draft, const Change& change, Version version) {
        const std::string_view terms = change.value && change.index_terms ? std::string_view{*change.index_terms} : "";
        const auto* former = change.value ? draft.put(draft.records, change.key, {*change.value, version, change.expires_at, terms})
                                          : draft.erase(draft.records, change.key);
        const std::string_view former_terms = former ? former->index_terms() : "";
        if (change.index_terms || !former_terms.empty()) {
            update_index_entries(
                change.key, former_terms, terms, [&](std::string_view key) { draft.erase(draft.records, key); },
                [&](std::string_view key, std::string_view value) {
                    draft.put(draft.records, key, {value, version, {}});
                });
        }
        if (former && !former->expires_at.is_never()) draft.erase(draft.expiries, expiry_key(former->expires_at, change.key));
        if (change.value && !change.expires_at.is_never())
            draft.put(draft.expiries, expiry_key(change.expires_at, change.key), {{}, version, change.expires_at});
    }

    [[nodiscard]] static std::string expiry_key(Expiry expires_at, std::string_view key) {
        std::string place;
        detail::append_expiry_key(place, expires_at, key);
        return place;
    }

    std::unique_ptr<State> state_;
};

static_assert(storage_backend<MemoryBackend>);

JOINLY_NAMESPACE_END
#endif
