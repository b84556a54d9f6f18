#ifndef JOINLY_DETAIL_POLICY_BACKEND_ACCESS_HPP
#define JOINLY_DETAIL_POLICY_BACKEND_ACCESS_HPP
// What every cache policy asks of its backend: objects instead of bytes, without the expired ones, and counted.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/range_digest.hpp>
#include <joinly/detail/index_pair.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class Backend, clock Clock>
class BackendAccess {
public:
    BackendAccess(Backend backend, Clock clock) : backend_{std::move(backend)}, clock_{std::move(clock)} {}

    [[nodiscard]] Backend& backend() noexcept { return backend_; }
    [[nodiscard]] const Clock& clock() const noexcept { return clock_; }
    [[nodiscard]] std::uint64_t reads() const noexcept { return reads_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t writes() const noexcept { return writes_.load(std::memory_order_relaxed); }

    [[nodiscard]] Result<LoadedObject> load(std::string_view key, const ObjectType& type) {
        reads_.fetch_add(1, std::memory_order_relaxed);
        return to_object(key, backend_.read(key), type);
    }

    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, const ObjectType& type, LoadSink sink) {
        return read_many(keys, [&](std::size_t position, Result<Record> record) {
            sink(position, to_object(keys[position], std::move(record), type));
        });
    }

    /// The records as they are, expired ones included.
    [[nodiscard]] Status read_many(std::span<const std::string_view> keys, ReadSink sink) {
        reads_.fetch_add(keys.size(), std::memory_order_relaxed);
        return backend_.read_many(keys, sink);
    }

    [[nodiscard]] Result<Version> write(Batch batch) {
        writes_.fetch_add(1, std::memory_order_relaxed);
        batch.now = clock_.now();
        return backend_.write(batch);
    }

    /// The live records of a range.
    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) {
        const WallTime now = clock_.now();
        return scan_all(range, [&](const ScanItem& item) { return item.record.expires_at.has_passed(now) || visit(item); });
    }

    /// The records of a range, expired ones included.
    [[nodiscard]] Status scan_all(const KeyRange& range, ItemVisitor visit) {
        return backend_.scan(range, [&](std::string_view key, const RecordView& record) {
            return visit(ScanItem{key, record, nullptr});
        });
    }

    /// The records that a range of index entries leads to, expired ones included.
    [[nodiscard]] Status follow(const KeyRange& range, IndexedVisitor visit) {
        return backend_.follow(range, [&](std::string_view entry_key, std::string_view record_key, const RecordView& record) {
            return visit(IndexedItem{entry_key, {record_key, record, nullptr}});
        });
    }

    /// Decides a set without writing anything. What was read at different moments, and is now read again unchanged, was there
    /// together at a moment between the first reading and the second, for no version comes twice: the newest version is that of
    /// such a moment, and `conflict` means that there may have been none. Only absence comes twice, of a key or in a range: if
    /// anybody has committed meanwhile, the backend decides about that in a transaction of its own.
    [[nodiscard]] Result<Version> decide(const WriteSet& set) {
        const WallTime now = clock_.now();
        auto version = backend_.last_version();
        if (!version) return version;
        std::vector<std::string_view> keys;
        keys.reserve(set.requirements.size());
        for (const Requirement& requirement : set.requirements) keys.push_back(requirement.key);
        Status met;
        const Status read = read_many(keys, [&](std::size_t position, Result<Record> record) {
            const Requirement& requirement = set.requirements[position];
            if (!record && record.error() != Errc::not_found) {
                met = failure(std::move(record).error());
                return;
            }
            const bool counts = record && (requirement.even_expired || !record->expires_at.has_passed(now));
            if ((counts ? record->version : absent) != requirement.version && met)
                met = failure(Errc::conflict, printable(requirement.key) + " has changed");
        });
        if (!read) return failure(read.error());
        if (!met) return failure(std::move(met).error());
        for (const RangeRead& range : set.ranges) {
            RangeDigest digest{range.stored.seed};
            auto scanned = scan(range.stored.range, [&](const ScanItem& item) {
                digest.add(item.key, item.record.version);
                return true;
            });
            if (!scanned) return failure(std::move(scanned).error());
            if (digest.value() != range.stored.digest) return range_conflict(range.stored.range);
        }
        const auto is_absence = [](const Requirement& requirement) { return requirement.version == absent; };
        if (set.ranges.empty() && std::none_of(set.requirements.begin(), set.requirements.end(), is_absence)) return version;
        auto last = backend_.last_version();
        if (!last || *last == *version) return last;
        return decide_at_once(set);
    }

private:
    /// By a batch without changes. A database that was opened read-only takes none: the transaction has to be tried again.
    [[nodiscard]] Result<Version> decide_at_once(const WriteSet& set) {
        Batch batch;
        batch.requirements = set.requirements;
        for (const RangeRead& range : set.ranges) batch.ranges.push_back(range.stored);
        auto version = write(std::move(batch));
        if (!version && version.error() == Errc::read_only)
            return failure(Errc::conflict, "others have written while a transaction was decided");
        return version;
    }

    [[nodiscard]] Result<LoadedObject> to_object(std::string_view key, Result<Record> record, const ObjectType& type) const {
        if (!record) return failure(std::move(record).error());
        if (record->expires_at.has_passed(clock_.now())) return failure(Errc::not_found);
        return decode_record(key, {record->value, record->version, record->expires_at}, type);
    }

    Backend backend_;
    JOINLY_NO_UNIQUE_ADDRESS Clock clock_;
    std::atomic<std::uint64_t> reads_{0};
    std::atomic<std::uint64_t> writes_{0};
};

/// A write as the change that a backend makes. `invalid_argument` when the object cannot be encoded.
[[nodiscard]] inline Result<Change> encode_change(std::string_view key, const Object& object, Expiry expires_at, Version version) {
    Change change{std::string{key}, std::nullopt, expires_at, version, ValueForm::bytes, std::nullopt};
    const bool may_be_indexed = object.type == nullptr || object.type->index_terms != nullptr;
    if (may_be_indexed) change.index_terms.emplace();
    if (!object.value) return change;
    change.form = object.type->form;
    if (may_be_indexed) {
        if (auto indexed = object.type->index_terms(object.value.get(), *change.index_terms); !indexed)
            return failure_at(key, indexed.error());
    }
    auto encoded = object.type->encode(object.value.get(), change.value.emplace());
    if (!encoded) return failure_at(key, encoded.error());
    return change;
}

/// A write set as the batch that a backend takes.
[[nodiscard]] inline Result<Batch> encode_batch(const WriteSet& set) {
    Batch batch;
    batch.changes.reserve(set.writes.size());
    for (const Write& write : set.writes) {
        auto change = encode_change(write.key, write.object, write.expires_at, absent);
        if (!change) return failure(std::move(change).error());
        batch.changes.push_back(std::move(*change));
    }
    batch.requirements = set.requirements;
    batch.ranges.reserve(set.ranges.size());
    for (const RangeRead& range : set.ranges) batch.ranges.push_back(range.stored);
    return batch;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
