#ifndef JOINLY_DETAIL_INDEX_UPKEEP_HPP
#define JOINLY_DETAIL_INDEX_UPKEEP_HPP
// How a store sees to it that its indexes never answer wrongly. The catalogue (catalogue.hpp) lists which indexes of a kind have an
// entry of every record. Before a store first writes entities of a type it strikes out what the type does not declare, for it would
// not keep that right; and lists what is declared when the kind has neither records yet nor entries. A query asks only what is
// listed.
//
// Where other processes may do so as well, each write of an entity requires the catalogue to be as the store has seen to it; if it
// is not, the store does so again. So what a write that is under way means to keep right is what is listed when it takes effect;
// and an index that is being built is listed as unfinished, so that who does not know it strikes it out, and the building fails.
//
// Where nobody else may, a write requires nothing, but is followed by a look whether any catalogue has changed since the store has
// seen to it; then the store does so again before the write is acknowledged. A query looks in the same way whether it was answered
// by what is listed still.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/backoff.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/index/known_types.hpp>
#include <joinly/detail/index/terms.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/policy/object.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The entries of all indexes of a kind.
[[nodiscard]] inline KeyRange entries_of(std::string_view kind) {
    return KeyRange::prefix(std::string{index_entry_prefix}.append(kind) + ':');
}

struct StoredCatalogue {
    IndexCatalogue indexes;
    Version version = absent;
};

template <class Core>
[[nodiscard]] Result<StoredCatalogue> load_catalogue(Core& core, std::string_view kind) {
    auto loaded = core.engine().load(catalogue_key(kind), bytes_type);
    if (!loaded && loaded.error() == Errc::not_found) return StoredCatalogue{};
    if (!loaded) return failure(std::move(loaded).error());
    auto indexes = decode_catalogue(*static_cast<const std::string*>(loaded->object.value.get()));
    if (!indexes) return failure_at(kind, indexes.error());
    return StoredCatalogue{std::move(*indexes), loaded->version};
}

/// A range that is required to stay as it is, and whether it is empty. What has expired counts: a clock that is set back brings
/// it back.
template <class Core>
[[nodiscard]] Result<bool> read_emptiness(Core& core, RangeRead& read) {
    read.stored.seed = core.range_seed();
    if constexpr (requires { core.engine().watch(read.stored.range); }) read.watch = core.engine().watch(read.stored.range);
    bool is_empty = true;
    auto scanned = core.engine().scan(read.stored.range, [&](const ScanItem&) { return is_empty = false; });
    if (!scanned) return failure(std::move(scanned).error());
    if (!is_empty) return false;
    scanned =
        core.engine().backend().scan(read.stored.range, [&](std::string_view, const RecordView&) { return is_empty = false; });
    if (!scanned) return failure(std::move(scanned).error());
    return is_empty;
}

/// Whether any index of the kind has an entry in the backend. Of a kind without records that is what a program has left that did
/// not know the index: it has replaced a record, and so what tells the record's entries.
template <class Core>
[[nodiscard]] Result<bool> has_entries(Core& core, std::string_view kind) {
    bool has_some = false;
    auto scanned =
        core.engine().backend().scan(entries_of(kind), [&](std::string_view, const RecordView&) { return !(has_some = true); });
    if (!scanned) return failure(std::move(scanned).error());
    return has_some;
}

/// Writes the catalogue if it is still at that version. `conflict`: it is not, or the set's ranges have changed.
template <class Core>
[[nodiscard]] Result<Version> write_catalogue(Core& core, std::string_view kind, const IndexCatalogue& indexes, Version at,
                                              WriteSet set = {}) {
    std::string key = catalogue_key(kind);
    set.requirements.push_back({key, at, false});
    set.writes.push_back({std::move(key), {std::make_shared<const std::string>(encode_catalogue(indexes)), &bytes_type}, {}});
    if (!indexes.empty()) core.indexed_kinds().add(kind);
    const KnownTypes::Change change{core.known_types()};  // another type of the kind may have to strike something out again
    return core.engine().write(std::move(set));
}

/// To be called before a store writes or erases a T; does something once for each type, and again when the catalogue turned out to
/// have changed.
/// @return the version at which the catalogue suits T; `absent` also where nobody else changes it and there is nothing to see to.
template <class T, class Core>
[[nodiscard]] Result<Version> keep_catalogue(Core& core) {
    const ObjectType* const type = &Core::template type_of<T>();
    constexpr std::string_view kind = Core::template kind<T>();
    if (const auto known = core.known_types().find(type)) return *known;
    const IndexCatalogue declared = index_catalogue<T>();
    if (declared.empty() && !core.shares_catalogues()) {
        const auto round = core.known_types().round();
        if (!core.indexed_kinds().contains(kind)) {
            core.known_types().add(type, absent, round);
            return absent;
        }
    }
    Backoff backoff;
    for (;;) {
        const auto round = core.known_types().round();
        auto stored = load_catalogue(core, kind);
        if (!stored) return failure(std::move(stored).error());
        const bool lacks_some = !missing(declared, stored->indexes).empty();
        const bool has_others = !unknown(declared, stored->indexes).empty();
        WriteSet set;
        IndexCatalogue complete = indexes_only_in(declared, missing(declared, stored->indexes));
        bool changes = has_others;
        if (lacks_some) {
            RangeRead records{{kind_range(kind), 0, 0}, nullptr, {}};
            const auto is_empty = read_emptiness(core, records);
            if (!is_empty) return failure(is_empty.error());
            const auto has_left = *is_empty ? has_entries(core, kind) : false;
            if (!has_left) return failure(has_left.error());
            if (*is_empty && !*has_left) {
                complete = declared;
                changes = true;
                set.ranges.push_back(std::move(records));
            }
        }
        auto version =
            changes ? write_catalogue(core, kind, complete, stored->version, std::move(set)) : Result<Version>{stored->version};
        if (version) {
            core.known_types().add(type, *version, changes ? round + KnownTypes::Change::rounds : round);
            return version;
        }
        if (version.error() != Errc::conflict || !backoff.wait()) return version;
    }
}

/// Of a write that was made, when the catalogue could not be seen to after it. Never `conflict`, upon which it would be made again.
[[nodiscard]] inline tl::unexpected<Error> made_all_the_same(const Error& why) {
    return failure(why == Errc::conflict ? Errc::busy : why.code(),
                   "it was written, but until its type is written again an index that was built meanwhile may lack it: " +
                       std::string{why.message()});
}

/// Makes a write of T's that requires nothing of the catalogue, where nobody else changes it: `make` gives a Result<Version>.
template <class T, class Core, class Make>
[[nodiscard]] Result<Version> write_keeping_catalogue(Core& core, Make&& make) {
    const auto round = core.known_types().round();
    if (auto kept = keep_catalogue<T>(core); !kept) return kept;
    auto written = make();
    if (!written || core.known_types().has_stayed(round)) return written;
    if (const auto kept = keep_catalogue<T>(core); !kept) return made_all_the_same(kept.error());
    return written;
}

/// A catalogue that a write rests on; none where nothing but this store changes it.
using CatalogueBasis = std::optional<Requirement>;

/// As keep_catalogue has left it at that version.
template <class Core>
[[nodiscard]] CatalogueBasis rest_on(Core& core, std::string_view kind, Version kept) {
    if (!core.shares_catalogues()) return std::nullopt;
    return Requirement{catalogue_key(kind), kept, false};
}

/// Sees to the catalogue before a write of T's.
template <class T, class Core>
[[nodiscard]] Result<CatalogueBasis> rest_on_catalogue(Core& core) {
    const auto kept = keep_catalogue<T>(core);
    if (!kept) return failure(kept.error());
    return rest_on(core, Core::template kind<T>(), *kept);
}

/// Whether the catalogue is still at that version; by the backend's own word where others may have changed it.
template <class Core>
[[nodiscard]] Result<bool> is_still(Core& core, const Requirement& catalogue) {
    const auto is_that = [&](const auto& read) -> Result<bool> {
        if (!read && read.error() != Errc::not_found) return failure(read.error());
        return (read ? read->version : absent) == catalogue.version;
    };
    if (!core.shares_catalogues()) return is_that(core.engine().load(catalogue.key, bytes_type));
    auto still = is_that(core.engine().backend().read(catalogue.key));
    if (still && !*still) {
        WriteSet read;
        read.requirements.push_back(catalogue);
        (void)core.engine().write(std::move(read));  // so that the engine lets go of what it has cached wrong
    }
    return still;
}

/// To be asked after a conflict: whether it was about the catalogue. The store then knows no type any more.
template <class Core>
[[nodiscard]] Result<bool> has_moved(Core& core, const Requirement& catalogue) {
    const auto still = is_still(core, catalogue);
    if (!still) return still;
    if (!*still) core.known_types().clear();
    return !*still;
}

/// Makes the writes if the catalogue still is as `look`, which gives a Result<CatalogueBasis>, has found it; if it is not, looks
/// again. Any other conflict is the caller's. Where nothing is required, it looks again after the writes if anything has changed.
template <class Core, class Look>
[[nodiscard]] Result<Version> write_resting_on(Core& core, WriteSet set, Look&& look) {
    Backoff backoff;
    for (;;) {
        const auto round = core.known_types().round();
        const Result<CatalogueBasis> basis = look();
        if (!basis) return failure(basis.error());
        if (!*basis) {
            auto written = core.engine().write(std::move(set));
            if (!written || core.known_types().has_stayed(round)) return written;
            if (const auto again = look(); !again) return made_all_the_same(again.error());
            return written;
        }
        set.requirements.push_back(**basis);
        auto written = core.engine().write(set);
        if (written || written.error() != Errc::conflict) return written;
        const auto moved = has_moved(core, **basis);
        if (!moved) return failure(moved.error());
        if (!*moved || !backoff.wait()) return written;
        set.requirements.pop_back();
    }
}

/// For raw bytes under `key`: that the kind it reads as has no indexes, which would not find them; nothing for a key of no kind.
/// `invalid_argument`: it has some.
template <class Core>
[[nodiscard]] Result<CatalogueBasis> require_unindexed(Core& core, std::string_view key) {
    const std::size_t colon = key.find(':');
    if (colon == std::string_view::npos) return CatalogueBasis{};
    const std::string_view kind = key.substr(0, colon);
    auto stored = load_catalogue(core, kind);
    if (!stored) return failure(std::move(stored).error());
    if (stored->indexes.empty()) return CatalogueBasis{{catalogue_key(kind), stored->version, false}};
    return failure(Errc::invalid_argument, printable(key) + ": " + std::string{kind} +
                                               " has indexes, which would not find raw bytes: save the entity instead");
}

/// On what it rests that an index may be asked: the catalogue at a version, or that there are no records.
struct IndexEvidence {
    Requirement catalogue;
    std::optional<RangeRead> emptiness = {};
};

/// `incompatible` when the index does not cover every T that is stored.
template <class T, class Core>
[[nodiscard]] Result<IndexEvidence> require_index(Core& core, std::uint16_t number) {
    constexpr std::string_view kind = Core::template kind<T>();
    auto stored = load_catalogue(core, kind);
    if (!stored) return failure(std::move(stored).error());
    Requirement catalogue{catalogue_key(kind), stored->version, false};
    for (const IndexDeclaration& lacking : missing(index_catalogue<T>(), stored->indexes)) {
        if (lacking.number != number) continue;
        RangeRead records{{kind_range(kind), 0, 0}, nullptr, {}};
        const auto is_empty = read_emptiness(core, records);
        if (!is_empty) return failure(is_empty.error());
        if (*is_empty) return IndexEvidence{std::move(catalogue), std::move(records)};
        const auto still = is_still(core, catalogue);
        if (!still) return failure(still.error());
        if (!*still) return require_index<T>(core, number);  // somebody may have begun the kind since the first look, or built it
        return failure(Errc::incompatible, std::string{kind} + ": the index " + lacking.name +
                                               " does not cover everything that is stored: call rebuild_indexes first");
    }
    return IndexEvidence{std::move(catalogue)};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
