#ifndef JOINLY_OPS_INVENTORY_HPP
#define JOINLY_OPS_INVENTORY_HPP
// What a database holds, kind by kind: how many records, how many bytes, and a checksum that does not depend on their order.
// Two databases with the same inventory hold the same, whatever engines they are in: how a backup, a restored database or a
// migrated one is compared with what it was made from.
//
//     auto source = joinly::take_inventory(store->backend());          // under write-behind, flush() first
//     auto same = joinly::require_same_records(*source, *target);      // "player: 999 records, not 1000"

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/record_hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// Of the records of one kind, expired ones included.
struct KindInventory {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;     ///< of keys and values, as they are stored
    std::uint64_t checksum = 0;  ///< the sum of the records' hashes (see backend/README.md), modulo 2^64

    friend bool operator==(const KindInventory&, const KindInventory&) = default;
};

/// What of a record its checksum covers besides the key.
struct Counted {
    bool value = true;
    bool version = true;
    bool expiry = true;
};

/// What a database held at one moment. Inventories of parts that have no key in common add up to that of the whole, so one can be
/// taken on the way, while records are copied. A plain value.
///
/// The checksums find damage and mistakes: two contents that differ pass for the same once in 10^19 times. They are no
/// protection from somebody who wants to deceive: anybody can compute them.
struct Inventory {
    /// By kind. Under "" what belongs to none: keys that programs have put as raw bytes. After `max_kinds` kinds, records of
    /// further ones are counted there, too, so that keys of any form cost bounded memory.
    std::map<std::string, KindInventory, std::less<>> kinds;
    /// The library's own records: index entries, and what they cover. Another build may have others for the same entities.
    KindInventory reserved;

    static constexpr std::size_t max_kinds = 4096;

    /// Counts one record. O(its size).
    void add(std::string_view key, const RecordView& record, const Counted& counted = {}) {
        add(key, record, record.value, counted);
    }
    /// As above, where `value` takes the place of the record's in the checksum, though not in the bytes.
    void add(std::string_view key, const RecordView& record, std::string_view value, const Counted& counted) {
        KindInventory& kind = key.starts_with(reserved_first_byte) ? reserved : of_kind(kind_of_key(key));
        ++kind.records;
        kind.bytes += key.size() + record.value.size();
        // An index entry's is that of the change which made it: a copy by other means than the engine's may have another.
        const bool has_version = counted.version && !is_index_entry(key);
        kind.checksum += detail::record_hash(key, counted.value ? value : std::string_view{}, has_version ? record.version : absent,
                                             counted.expiry ? record.expires_at : Expiry{});
    }

    /// Counts what `part` counts besides.
    void add(const Inventory& part) {
        const auto sum = [](KindInventory& to, const KindInventory& from) {
            to.records += from.records;
            to.bytes += from.bytes;
            to.checksum += from.checksum;
        };
        for (const auto& [kind, counts] : part.kinds) sum(of_kind(kind), counts);
        sum(reserved, part.reserved);
    }

    /// Of all kinds together, without the library's own.
    [[nodiscard]] KindInventory total() const noexcept {
        KindInventory total;
        for (const auto& [kind, counts] : kinds) {
            total.records += counts.records;
            total.bytes += counts.bytes;
            total.checksum += counts.checksum;
        }
        return total;
    }

    friend bool operator==(const Inventory&, const Inventory&) = default;

private:
    /// "lobby" of "lobby:1"; "" of a key that reads as no entity's.
    [[nodiscard]] static std::string_view kind_of_key(std::string_view key) noexcept {
        const std::string_view kind = key.substr(0, (std::min)(key.find(':'), key.size()));
        return kind.size() < key.size() && is_valid_kind(kind) ? kind : std::string_view{};
    }
    [[nodiscard]] KindInventory& of_kind(std::string_view kind) {
        if (const auto found = kinds.find(kind); found != kinds.end()) return found->second;
        return kinds[kinds.size() < max_kinds ? std::string{kind} : std::string{}];
    }
};

/// Whether every kind has as many records, with the same checksum, in both. The library's own records are left out, unless
/// `reserved_too`. @return `corrupt`, naming the first kind that differs and how.
[[nodiscard]] inline Status require_same_records(const Inventory& expected, const Inventory& found, bool reserved_too = false) {
    const auto same = [](std::string_view what, const KindInventory& wanted, const KindInventory& is) -> Status {
        if (is.records != wanted.records) {
            return failure(Errc::corrupt, std::string{what} + ": " + std::to_string(is.records) + " records, not " +
                                              std::to_string(wanted.records));
        }
        if (is.checksum == wanted.checksum) return {};
        return failure(Errc::corrupt, std::string{what} + ": " + std::to_string(is.records) +
                                          " records, but not with the contents that they should have");
    };
    const auto named = [](const std::string& kind) { return kind.empty() ? std::string_view{"keys of no kind"} : kind; };
    const auto of = [](const Inventory& inventory, const std::string& kind) {
        const auto at = inventory.kinds.find(kind);
        return at == inventory.kinds.end() ? KindInventory{} : at->second;
    };
    for (const auto& [kind, counts] : expected.kinds) {
        if (auto equal = same(named(kind), counts, of(found, kind)); !equal) return equal;
    }
    for (const auto& [kind, counts] : found.kinds) {
        if (auto equal = same(named(kind), of(expected, kind), counts); !equal) return equal;
    }
    return reserved_too ? same("the library's own records", expected.reserved, found.reserved) : Status{};
}

/// What counts as a record's value where two databases keep the same entity in different bytes, for instance its encoding by
/// one codec that both agree on. The view lasts until the next call. An error ends the inventory.
using CanonicalValue = detail::FunctionRef<Result<std::string_view>(std::string_view key, const RecordView& record)>;

/// What `backend` holds, as of one moment: one scan, in bounded memory, while others read and write. What write-behind has not yet
/// stored is not in it: flush() before. Expired records that nobody has swept count.
///
/// @return otherwise what `scan` answers: `corrupt`, naming the key, at the first damaged record.
/// @par Thread safety  Any thread.
/// @par Complexity     O(bytes stored).
template <storage_backend Backend>
[[nodiscard]] Result<Inventory> take_inventory(Backend& backend, const Counted& counted = {}) {
    Inventory inventory;
    const Status scanned = backend.scan(KeyRange{}, [&](std::string_view key, const RecordView& record) {
        inventory.add(key, record, counted);
        return true;
    });
    if (!scanned) return failure(scanned.error());
    return inventory;
}

/// As above, with `canonical(key, record)` in place of each value, but for the library's own records, which count as they are.
template <storage_backend Backend>
[[nodiscard]] Result<Inventory> take_inventory(Backend& backend, const Counted& counted, CanonicalValue canonical) {
    Inventory inventory;
    Status outcome;
    const Status scanned = backend.scan(KeyRange{}, [&](std::string_view key, const RecordView& record) {
        if (key.starts_with(reserved_first_byte)) {
            inventory.add(key, record, counted);
            return true;
        }
        const Result<std::string_view> value = canonical(key, record);
        if (!value) {
            outcome = failure_at(key, value.error());
            return false;
        }
        inventory.add(key, record, *value, counted);
        return true;
    });
    if (!scanned) return failure(scanned.error());
    if (!outcome) return failure(outcome.error());
    return inventory;
}

JOINLY_NAMESPACE_END
#endif
