#ifndef JOINLY_DETAIL_INDEX_REBUILD_HPP
#define JOINLY_DETAIL_INDEX_REBUILD_HPP
// Builds the indexes of a kind from its records. Who writes meanwhile, here or elsewhere, keeps the building from listing an index
// that lacks something: see upkeep.hpp.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/backoff.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/index/upkeep.hpp>
#include <joinly/options.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// One page of the kind's records in the backend, expired or not: saves those again whose terms are not what the description says.
template <class T, class Core>
class TermsRepair {
public:
    /// Saves nothing when the catalogue is not that any more.
    TermsRepair(Core& core, const Requirement& catalogue) : core_{core}, catalogue_{catalogue} {}

    /// false: there are no more.
    [[nodiscard]] Result<bool> repair_page(RebuildProgress& progress) {
        constexpr std::size_t at_once = 256;
        std::vector<Outdated> outdated;
        std::size_t met = 0;
        Status outcome;
        KeyRange range = kind_range(kind_of<T>);
        if (!last_key_.empty()) range.begin = last_key_ + '\0';
        auto scanned = core_.engine().backend().scan(range, [&](std::string_view key, const RecordView& record) {
            outcome = examine({key, record, nullptr}, outdated);
            last_key_ = key;
            return outcome && ++met < at_once;
        });
        if (!scanned) return failure(std::move(scanned).error());
        if (!outcome) return failure(std::move(outcome).error());
        for (Outdated& each : outdated) {
            WriteSet set;
            set.requirements = {{each.write.key, each.version, true}, catalogue_};
            set.writes.push_back(std::move(each.write));
            const auto saved = core_.engine().write(std::move(set));
            if (!saved && saved.error() != Errc::conflict) return failure(saved.error());
            if (saved) ++progress.rewritten;  // else somebody else has written it, with the right terms
        }
        progress.seen += met;
        return met == at_once;
    }

private:
    struct Outdated {
        Write write;
        Version version;
    };

    [[nodiscard]] Status examine(const ScanItem& item, std::vector<Outdated>& outdated) {
        auto loaded = Core::template materialise<T>(item);
        if (!loaded) return failure(std::move(loaded).error());
        std::string terms;
        if (auto told = index_terms(**loaded, terms); !told) return failure_at(item.key, told.error());
        if (terms == item.record.index_terms) return {};
        const ObjectType* const type = &Core::template type_of<T>();
        outdated.push_back({{std::string{item.key}, {loaded->shared(), type}, loaded->expires_at()}, loaded->version()});
        return {};
    }

    Core& core_;
    const Requirement& catalogue_;
    std::string last_key_;
};

/// What the backend has of the record that an entry leads to.
struct EntryBasis {
    Version version = absent;
    bool has_entry = false;  ///< the record is known by it, or will be once its terms are put right
};

template <class T, class Core>
[[nodiscard]] Result<EntryBasis> read_basis(Core& core, std::string_view entry_key, const std::string& record_key) {
    const auto stored = core.engine().backend().read(record_key);
    if (!stored && stored.error() == Errc::not_found) return EntryBasis{};
    if (!stored) return failure(stored.error());
    EntryBasis basis{stored->version, false};
    const RecordView record{stored->value, stored->version, stored->expires_at};
    const auto decoded = decode_record(record_key, record, Core::template type_of<T>());
    if (!decoded) return failure(decoded.error());
    std::string terms;
    if (auto told = index_terms(*static_cast<const T*>(decoded->object.value.get()), terms); !told)
        return failure(std::move(told).error());
    for (std::string_view rest = terms; const auto term = take_index_term(rest);)
        basis.has_entry = basis.has_entry || index_entry(record_key, *term).key == entry_key;
    return basis;
}

/// Erases the entry unless a record stands behind it. Who writes the record meanwhile takes away the entries of the terms that it
/// had, and this one is of none of them: so it is looked at again.
template <class T, class Core>
[[nodiscard]] Status erase_unless_founded(Core& core, const Requirement& catalogue, const std::string& entry_key,
                                          const std::string& record_key) {
    Backoff backoff;
    for (;;) {
        const auto basis = read_basis<T>(core, entry_key, record_key);
        if (!basis) return failure(basis.error());
        if (basis->has_entry) return {};
        const auto entry = core.engine().backend().read(entry_key);
        if (!entry && entry.error() == Errc::not_found) return {};  // it had its record, which was written since
        WriteSet set;
        set.requirements = {{record_key, basis->version, true}, catalogue};
        set.writes.push_back({entry_key, {nullptr, &bytes_type}, {}});
        auto erased = core.engine().write(std::move(set));
        if (erased) return {};
        if (erased.error() != Errc::conflict) return failure(std::move(erased).error());
        const auto still = is_still(core, catalogue);
        if (!still) return failure(still.error());
        if (!*still || !backoff.wait()) return failure(std::move(erased).error());
        if (auto flushed = core.engine().flush(); !flushed) return flushed;  // the record's newest state may be pending
    }
}

/// Erases the entries that no record stands behind: what a program left that did not know the index. An expired record stands
/// behind its entries as well as any. To be called after a flush. `conflict`: the catalogue is not that any more.
template <class T, class Core>
[[nodiscard]] Status erase_unfounded_entries(Core& core, const Requirement& catalogue) {
    std::vector<std::pair<std::string, std::string>> unfounded;  // an entry's key, and its record's
    Status outcome;
    auto scanned = core.engine().scan(entries_of(kind_of<T>), [&](const ScanItem& item) {
        auto record_key = item.object == nullptr ? indexed_record_key(item.key, item.record.value) : std::nullopt;
        if (!record_key) return true;
        const auto basis = read_basis<T>(core, item.key, *record_key);
        if (!basis) outcome = failure(basis.error());
        if (basis && !basis->has_entry) unfounded.emplace_back(item.key, *std::move(record_key));
        return outcome.has_value();
    });
    if (!scanned) return scanned;
    if (!outcome) return outcome;
    for (const auto& [entry_key, record_key] : unfounded) {
        if (auto erased = erase_unless_founded<T>(core, catalogue, entry_key, record_key); !erased) return erased;
    }
    return {};
}

/// Lists what is declared, as unfinished what does not cover every record, and nothing else.
/// @return the catalogue as it then is: whoever writes without one of these indexes changes it first.
template <class T, class Core>
[[nodiscard]] Result<Requirement> begin_building(Core& core) {
    Backoff backoff;
    for (;;) {
        auto stored = load_catalogue(core, kind_of<T>);
        if (!stored) return failure(std::move(stored).error());
        IndexCatalogue begun = index_catalogue<T>();
        const IndexCatalogue lacking = missing(begun, stored->indexes);
        for (IndexDeclaration& index : begun) {
            if (std::find(lacking.begin(), lacking.end(), index) != lacking.end()) index = unfinished(index);
        }
        Requirement catalogue{catalogue_key(kind_of<T>), stored->version, false};
        Result<bool> is_begun = false;
        if (begun == stored->indexes) {
            is_begun = is_still(core, catalogue);  // what is cached of it may be out of date
        } else if (const auto version = write_catalogue(core, kind_of<T>, begun, stored->version)) {
            catalogue.version = *version;
            is_begun = true;
        } else if (version.error() != Errc::conflict) {
            return failure(version.error());
        }
        if (!is_begun) return failure(std::move(is_begun).error());
        if (*is_begun) return catalogue;
        if (!backoff.wait()) return failure(Errc::conflict, "other processes change the list of the indexes again and again");
    }
}

template <class T, class Core, class Progress>
[[nodiscard]] Result<RebuildProgress> rebuild_indexes(Core& core, Progress&& on_progress) {
    const auto catalogue = begin_building<T>(core);
    if (!catalogue) return failure(catalogue.error());
    if (auto flushed = core.engine().flush(); !flushed) return failure(std::move(flushed).error());
    RebuildProgress progress;
    TermsRepair<T, Core> repair{core, *catalogue};
    for (bool goes_on = true; goes_on;) {
        auto page = repair.repair_page(progress);
        if (!page) return failure(std::move(page).error());
        goes_on = *page;
        on_progress(static_cast<const RebuildProgress&>(progress));
        const auto still = is_still(core, *catalogue);
        if (!still) return failure(still.error());
        if (!*still) {
            return failure(Errc::conflict,
                           std::string{kind_of<T>} +
                               ": a program that does not know its indexes has written, or somebody else has built them");
        }
    }
    if (auto flushed = core.engine().flush(); !flushed) return failure(std::move(flushed).error());
    if (auto erased = erase_unfounded_entries<T>(core, *catalogue); !erased) return failure(std::move(erased).error());
    // An entry that is pending erasure would still be followed.
    if (auto flushed = core.engine().flush(); !flushed) return failure(std::move(flushed).error());
    if (auto listed = write_catalogue(core, kind_of<T>, index_catalogue<T>(), catalogue->version); !listed)
        return failure(std::move(listed).error());
    return progress;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
