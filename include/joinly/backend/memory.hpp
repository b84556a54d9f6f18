#ifndef JOINLY_BACKEND_MEMORY_HPP
#define JOINLY_BACKEND_MEMORY_HPP
// MemoryBackend: records in memory only, for tests and for data that need not last.
//
// They are in a tree that is never changed but replaced, by a new one that shares with it whatever is the same. So whoever
// holds a tree has a snapshot, and a batch that cannot be finished has touched nothing.
//
// Threads: `writer_mutex` lets one write at a time go from the current snapshot to the next; `mutex` guards `current` itself
// and is held only to copy or swap it. No lock is held while a record is copied or a visitor called.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/record_tree.hpp>
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

JOINLY_NAMESPACE_BEGIN

/// There is nothing to choose.
struct MemoryOptions {};

/// Keeps records until it is destroyed. The contract is that of `storage_backend`, where it says nothing else.
///
/// @par Thread safety  Any thread, any call. Readers and scans wait for nobody, and nobody waits for them.
/// @par Complexity     A read is O(log n) and a copy of the value; a write O(log n) small allocations a change. A scan holds
///                     one snapshot: besides the tree, memory keeps what was replaced or erased since it began.
class MemoryBackend {
public:
    using Options = MemoryOptions;
    static constexpr bool is_volatile = true;

    [[nodiscard]] static Result<MemoryBackend> open(const MemoryOptions& = {}) { return MemoryBackend{std::make_unique<State>()}; }

    [[nodiscard]] Result<Record> read(std::string_view key) const { return read_from(snapshot(), key); }

    /// All keys are read from one snapshot.
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) const {
        const Snapshot now = snapshot();
        for (std::size_t position = 0; position < keys.size(); ++position) sink(position, read_from(now, keys[position]));
        return {};
    }

    /// @return the batch's version. Otherwise nothing changed:
    ///         conflict          a requirement does not hold, `batch.after` is not the last version, or `batch.version` is
    ///                           not above it;
    ///         invalid_argument  a key is empty, or a change's version is above the batch's.
    [[nodiscard]] Result<Version> write(const Batch& batch) {
        Snapshot next;  // before the locks, so that what it ends up holding, the replaced nodes, is freed after them
        const std::lock_guard writer{state_->writer_mutex};
        next = state_->current;  // without `mutex`: only a writer changes it
        if (auto sound = validate(batch); !sound) return failure(std::move(sound).error());
        if (batch.after && *batch.after != next.version) {
            return failure(Errc::conflict, "the database is at version " + std::to_string(next.version) + ", not " +
                                               std::to_string(*batch.after) + ": another writer was here");
        }
        if (auto met = decide(next.records, batch); !met) return failure(std::move(met).error());

        const Version version = batch.version == absent ? next.version + 1 : batch.version;
        if (version <= next.version) {
            return failure(Errc::conflict, "the batch's version " + std::to_string(version) + " is not above the last one, " +
                                               std::to_string(next.version));
        }
        next.version = version;
        for (const Change& change : batch.changes) {
            if (change.version > version) {
                return failure(Errc::invalid_argument, detail::printable(change.key) + " is to get version " +
                                                           std::to_string(change.version) + ", above its batch's " +
                                                           std::to_string(version));
            }
            if (change.value) {
                const Version own = change.version == absent ? version : change.version;
                next.records.put(change.key, Record{*change.value, own, change.expires_at});
            } else {
                next.records.erase(change.key);
            }
        }
        const std::lock_guard lock{state_->mutex};
        std::swap(state_->current, next);
        return version;
    }

    [[nodiscard]] Status scan(const KeyRange& range, ScanVisitor visit) const {
        const Snapshot now = snapshot();
        now.records.visit(range, visit);
        return {};
    }

    [[nodiscard]] Result<Version> last_version() const { return snapshot().version; }

    /// Always 0.
    [[nodiscard]] Result<std::uint64_t> size_on_disk() const { return std::uint64_t{0}; }

private:
    struct Snapshot {
        detail::RecordTree records;
        Version version = absent;  // the newest that was allocated, its records erased or not
    };
    struct State {
        std::mutex writer_mutex;  // held from reading `current` to replacing it
        std::mutex mutex;         // guards current
        Snapshot current;
    };

    explicit MemoryBackend(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}

    [[nodiscard]] Snapshot snapshot() const {
        const std::lock_guard lock{state_->mutex};
        return state_->current;
    }

    [[nodiscard]] static Result<Record> read_from(const Snapshot& snapshot, std::string_view key) {
        if (const Record* record = snapshot.records.find(key)) return *record;
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
            const Record* record = records.find(key);
            const bool counts = record && (even_expired || !record->expires_at.has_passed(batch.now));
            const Version found = counts ? record->version : absent;
            if (found != wanted)
                return failure(Errc::conflict, detail::printable(key) + " is " + detail::version_text(found) + ", not " +
                                                   detail::version_text(wanted));
        }
        return {};
    }

    std::unique_ptr<State> state_;
};

static_assert(storage_backend<MemoryBackend>);

JOINLY_NAMESPACE_END
#endif
