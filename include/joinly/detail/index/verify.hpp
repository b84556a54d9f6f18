#ifndef JOINLY_DETAIL_INDEX_VERIFY_HPP
#define JOINLY_DETAIL_INDEX_VERIFY_HPP
// Compares the indexes of a kind with its records. Indexes that the description does not declare are none of its business: a
// program that does not know an index may leave its entries behind, and has struck it out before (see upkeep.hpp).

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/backoff.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/key_encoding.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/upkeep.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The entries of one index of a kind.
[[nodiscard]] inline KeyRange entries_of(std::string_view kind, std::uint16_t index) {
    std::string start{index_entry_prefix};
    start.append(kind).push_back(':');
    append_big_endian(start, index, 2);
    return KeyRange::prefix(start);
}

/// Whether `stored`, which is packed as `terms` are, has just these of the indexes that are declared.
[[nodiscard]] inline bool has_just_these_terms(const IndexCatalogue& declared, std::string_view stored, std::string_view terms) {
    const auto is_declared = [&](std::string_view term) {
        if (term.size() < 2) return true;  // no index's: damage
        const auto number = static_cast<std::uint16_t>(take_big_endian(term, 2));
        return std::any_of(declared.begin(), declared.end(), [&](const auto& index) { return index.number == number; });
    };
    for (std::string_view rest = terms; const auto term = take_index_term(rest);) {
        if (!has_index_term(stored, *term)) return false;
    }
    while (const auto term = take_index_term(stored)) {
        if (is_declared(*term) && !has_index_term(terms, *term)) return false;
    }
    return stored.empty();
}

/// `corrupt` when a record is not indexed by the values that it has, or is missing from an index.
template <class T, class Core>
[[nodiscard]] Status verify_record_in_indexes(Core& core, const IndexCatalogue& declared, std::string_view key,
                                              const RecordView& record) {
    auto loaded = Core::template materialise<T>({key, record, nullptr});
    if (!loaded) return failure(std::move(loaded).error());
    std::string terms;
    if (const Status told = index_terms(**loaded, terms); !told) return failure_at(key, told.error());
    if (!has_just_these_terms(declared, record.index_terms, terms))
        return failure(Errc::corrupt, printable(key) + " is indexed by other values than it has");
    auto& backend = core.engine().backend();
    for (std::string_view rest = terms; const auto term = take_index_term(rest);) {
        const auto entry = backend.read(index_entry(key, *term).key);
        if (entry || entry.error() != Errc::not_found) continue;
        const auto now = backend.read(key);  // it may have been replaced since, and the entry with it
        if (now && now->version == record.version) return failure(Errc::corrupt, printable(key) + " is missing from an index");
    }
    return {};
}

/// `corrupt`, naming the record, when the entries of the declared indexes are not those of the records.
template <class T, class Core>
[[nodiscard]] Status compare_indexes(Core& core, const IndexCatalogue& declared) {
    Status outcome;
    auto scanned = core.engine().backend().scan(kind_range(kind_of<T>), [&](std::string_view key, const RecordView& record) {
        outcome = verify_record_in_indexes<T>(core, declared, key, record);
        return outcome.has_value();
    });
    for (auto index = declared.begin(); scanned && outcome && index != declared.end(); ++index)
        scanned = core.engine().follow(entries_of(kind_of<T>, index->number), [](const IndexedItem&) { return true; });
    return scanned ? outcome : scanned;
}

/// `corrupt`, naming the record, when the entries are not those of the records; `incompatible` when an index does not cover them
/// yet, or not any more.
template <class T, class Core>
[[nodiscard]] Status verify_indexes(Core& core) {
    if (auto flushed = core.engine().flush(); !flushed) return flushed;
    const IndexCatalogue declared = index_catalogue<T>();
    Backoff backoff;
    for (;;) {
        std::optional<Requirement> catalogue;
        for (const IndexDeclaration& index : declared) {
            auto covers = require_index<T>(core, index.number);
            if (!covers) return failure(std::move(covers).error());
            if (covers->emptiness) return {};
            if (!catalogue) catalogue = std::move(covers->catalogue);
        }
        auto compared = compare_indexes<T>(core, declared);
        if (!catalogue) return compared;
        // A program that does not know an index has struck it out before it wrote what does not fit in.
        const auto still = is_still(core, *catalogue);
        if (!still) return failure(still.error());
        if (*still) return compared;
        if (!backoff.wait()) return failure(Errc::busy, "other processes change the list of the indexes again and again");
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
