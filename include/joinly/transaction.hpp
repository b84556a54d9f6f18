#ifndef JOINLY_TRANSACTION_HPP
#define JOINLY_TRANSACTION_HPP
// Reads and writes that happen together or not at all: what the function given to Store::transaction works with.
//
//     auto moved = store.transaction([&](auto& tx) -> joinly::Status {
//         auto lobby = tx.template load<joinly::Lobby>("lobby_1");
//         if (!lobby) return joinly::failure(lobby.error());
//         ...
//         return tx.save(changed_lobby);
//     });
//
// Nothing is locked while the function runs. What it reads is remembered, and its writes are one batch that the backend makes
// only if everything read is still as it was; if not, the function is called again (optimistic concurrency control, after
// H. T. Kung and J. T. Robinson, "On Optimistic Methods for Concurrency Control", 1981).

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/range_digest.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/index/collector.hpp>
#include <joinly/detail/index/upkeep.hpp>
#include <joinly/detail/listing.hpp>
#include <joinly/detail/policy/merged_follow.hpp>
#include <joinly/detail/policy/merged_scan.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/detail/store_core.hpp>
#include <joinly/detail/version_text.hpp>
#include <joinly/found.hpp>
#include <joinly/index/query.hpp>
#include <joinly/loaded.hpp>
#include <joinly/options.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// One try of a transaction. For the thread that it was given to, until the function returns.
///
/// Reads see what this transaction has written. What is read in one try may come from different moments, so that two entities may
/// not fit together; such a try never commits, and what it returns is never believed, but the function must not crash on it.
template <class Core>
class Transaction {
public:
    explicit Transaction(Core& core) : core_{core}, round_{core.known_types().round()} {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    /// As Store::load. The version of what this transaction has written itself is `absent`.
    template <class T>
    [[nodiscard]] Result<Loaded<T>> load(std::string_view id) {
        Core::template require_entity<T>();
        auto key = core_.template open_key<T>(id);
        if (!key) return failure(std::move(key).error());
        auto loaded = load_object(*std::move(key), Core::template type_of<T>());
        if (!loaded) return failure(std::move(loaded).error());
        return Core::template as_loaded<T>(std::move(*loaded));
    }

    template <class T>
    [[nodiscard]] Result<bool> exists(std::string_view id) {
        auto loaded = load<T>(id);
        if (loaded) return true;
        if (loaded.error() == Errc::not_found) return false;
        return failure(std::move(loaded).error());
    }

    /// Saves when the transaction commits. `conflict`: what is there is not what `expect` says; `invalid_argument` as Store::save,
    /// but what the codec refuses shows at the commit only.
    template <class T>
    [[nodiscard]] Status save(const T& entity, const SaveOptions& options = {}) {
        Core::template require_entity<T>();
        const auto expires_at = core_.expiry(options.ttl);
        if (!expires_at) return failure(expires_at.error());
        auto key = core_.template open_key<T>(Core::id_in(entity));
        if (!key) return failure(std::move(key).error());
        if (auto met = expect(*key, Core::template type_of<T>(), options.expect); !met) return met;
        return put_entity(*std::move(key), std::make_shared<const T>(entity), *expires_at);
    }

    /// Erases when the transaction commits. Erasing what is not there is no error, unless `expect` says that it should be.
    template <class T>
    [[nodiscard]] Status erase(std::string_view id, const EraseOptions& options = {}) {
        Core::template require_entity<T>();
        auto key = core_.template open_key<T>(id);
        if (!key) return failure(std::move(key).error());
        if (auto met = expect(*key, Core::template type_of<T>(), options.expect); !met) return met;
        if (auto kept = keep_catalogue<T>(); !kept) return kept;
        write_object(*std::move(key), {nullptr, &Core::template type_of<T>()}, {});
        return {};
    }

    /// As Store::update, within the transaction: `change` is called once.
    template <class T, std::invocable<T&> Change>
    [[nodiscard]] Status update(std::string_view id, Change&& change) {
        auto loaded = load<T>(id);
        if (!loaded) return failure(std::move(loaded).error());
        auto object = std::make_shared<T>(**loaded);
        if (auto accepted = detail::apply_change(change, *object); !accepted) return accepted;
        auto key = *make_key(Core::template kind<T>(), id);
        if (Core::id_in(*object) != id) return failure_at(key, Error{Errc::invalid_argument, "an update must not change the id"});
        return put_entity<T>(std::move(key), std::move(object), loaded->expires_at());
    }

    /// As Store::for_each. That nothing has come to the kind, left it or changed is part of what the commit requires.
    template <class T, std::invocable<const Loaded<T>&> Visitor>
    [[nodiscard]] Status for_each(Visitor&& visitor) {
        Core::template require_entity<T>();
        return detail::visit_kind<T, Core>(scanner(), visitor);
    }

    /// As Store::ids; as for_each, but only as far as the page goes.
    template <class T>
    [[nodiscard]] Result<std::vector<std::string>> ids(const Page& page = {}) {
        Core::template require_entity<T>();
        return detail::list_ids(scanner(), Core::template kind<T>(), page);
    }

    template <class T>
    [[nodiscard]] Result<std::size_t> count() {
        Core::template require_entity<T>();
        return detail::count_kind(scanner(), Core::template kind<T>());
    }

    /// As Store::find, this transaction's own writes included. That nothing has come to what the query asks for or left it, as far
    /// as the page goes, is part of what the commit requires.
    template <class T>
    [[nodiscard]] Result<Found<T>> find(const Query<T>& query) {
        return find_page<T, Found<T>>(query);
    }
    template <class T>
    [[nodiscard]] Result<FoundIds> find_ids(const Query<T>& query) {
        return find_page<T, FoundIds>(query);
    }

    // --- raw bytes, and objects whose type is known at run time only: the C interface's -----------------------------------

    /// As Store::get.
    [[nodiscard]] Result<std::string> get(std::string_view key) {
        if (auto usable = core_.open_raw_key(key); !usable) return failure(std::move(usable).error());
        auto loaded = load_object(std::string{key}, bytes_type);
        if (!loaded) return failure(std::move(loaded).error());
        return *static_cast<const std::string*>(loaded->object.value.get());
    }
    /// As Store::put, which refuses keys of kinds with indexes, when the transaction commits.
    [[nodiscard]] Status put(std::string_view key, std::string bytes, const SaveOptions& options = {}) {
        if (auto usable = core_.open_raw_key(key); !usable) return usable;
        const auto expires_at = core_.expiry(options.ttl);
        if (!expires_at) return failure(expires_at.error());
        if (auto met = expect(key, bytes_type, options.expect); !met) return met;
        if (auto unindexed = rest_on(detail::require_unindexed(core_, key)); !unindexed) return unindexed;
        write_object(std::string{key}, {std::make_shared<const std::string>(std::move(bytes)), &bytes_type}, *expires_at);
        return {};
    }
    /// As Store::erase_key, when the transaction commits.
    [[nodiscard]] Status erase_key(std::string_view key, const EraseOptions& options = {}) {
        if (auto usable = core_.open_raw_key(key); !usable) return usable;
        if (auto met = expect(key, bytes_type, options.expect); !met) return met;
        write_object(std::string{key}, {}, {});
        return {};
    }
    /// As Store::keys; required like `ids`.
    [[nodiscard]] Result<std::vector<std::string>> keys(std::string_view prefix = {}, const Page& page = {}) {
        return detail::list_keys(scanner(), user_keys(prefix, page.after), page.limit);
    }

    /// As load, for a key that the store takes. The version of what this transaction has written itself is `absent`.
    [[nodiscard]] Result<LoadedObject> load_object(std::string key, const ObjectType& type) {
        if (const auto own = writes_.find(key); own != writes_.end()) {
            if (!own->second.object.value) return failure(Errc::not_found);
            return as_type(key, own->second, type);
        }
        auto loaded = core_.engine().load(key, type);
        if (!loaded && loaded.error() != Errc::not_found) return loaded;
        if (auto same = note_read(std::move(key), loaded ? loaded->version : absent); !same) return failure(same.error());
        return loaded;
    }
    /// What the writes rest on besides what has been read.
    [[nodiscard]] Status rest_on(Result<detail::CatalogueBasis> basis) {
        if (!basis) return failure(std::move(basis).error());
        if (*basis) catalogues_.emplace(std::move((*basis)->key), (*basis)->version);
        return {};
    }
    /// Writes an object, or erases it when it has no value, at the commit. The kind's catalogue has been seen to: see rest_on.
    void write_object(std::string key, Object object, Expiry expires_at) {
        writes_.insert_or_assign(std::move(key), LoadedObject{std::move(object), absent, expires_at});
    }
    /// `conflict`: what is there is not what is expected.
    [[nodiscard]] Status expect(std::string_view key, const ObjectType& type, const std::optional<Version>& expected) {
        if (!expected) return {};
        auto loaded = load_object(std::string{key}, type);
        if (!loaded && loaded.error() != Errc::not_found) return failure(std::move(loaded).error());
        const bool met = loaded ? *expected != absent && loaded->version == *expected : *expected == absent;
        if (met) return {};
        return failure(Errc::conflict, detail::printable(key) + " is " + detail::version_text(loaded ? loaded->version : absent) +
                                           ", not " + detail::version_text(*expected));
    }

    /// For Store::transaction: commits, or, when the function refused, sees to it that the refusal was founded on what was there
    /// together. `conflict` with `is_outdated()`: try again.
    [[nodiscard]] Result<Version> finish(Status outcome) {
        auto version = decide(std::move(outcome));
        if (is_outdated_) {
            for (const auto& [key, known] : catalogues_) (void)detail::has_moved(core_, {key, known, false});
        }
        return version;
    }
    [[nodiscard]] bool is_outdated() const noexcept { return is_outdated_; }

private:
    /// Loads may be as of before another process's commit. A refusal that is founded on such a load would be wrong.
    static constexpr bool may_read_stale = requires { requires Core::Engine::may_lag_behind; };
    static constexpr bool watches_ranges = requires(typename Core::Engine & engine, const KeyRange& range) { engine.watch(range); };

    [[nodiscard]] Result<Version> decide(Status outcome) {
        is_outdated_ = torn_.has_value();
        if (torn_) {
            WriteSet read;
            for (const auto& [key, version] : reads_) read.requirements.push_back({key, version, false});
            (void)core_.engine().write(std::move(read));  // so that the engine lets go of what it has cached wrong
            return failure(*std::move(torn_));
        }
        const bool surely_together = ranges_.empty() && reads_.size() <= (may_read_stale ? 0U : 1U);
        if (!outcome && surely_together) return failure(std::move(outcome).error());
        WriteSet set;
        for (const auto& [key, version] : reads_) set.requirements.push_back({key, version, false});
        set.ranges = std::move(ranges_);
        if (outcome) {
            for (const auto& [key, version] : catalogues_) set.requirements.push_back({key, version, false});
            for (const auto& [key, written] : writes_) set.writes.push_back({key, written.object, written.expires_at});
        }
        auto version = core_.engine().write(std::move(set));
        is_outdated_ = !version && version.error() == Errc::conflict;
        if (version && outcome) {
            if (const auto kept = keep_catalogues(); !kept) return detail::made_all_the_same(kept.error());
        }
        if (!version || outcome) return version;
        return failure(std::move(outcome).error());
    }

    /// Two readings of one key that differ: the try is lost.
    [[nodiscard]] Status note_read(std::string key, Version version) {
        const auto [at, is_new] = reads_.try_emplace(std::move(key), version);
        if (is_new || at->second == version) return {};
        torn_.emplace(Errc::conflict, detail::printable(at->first) + " has changed since the transaction read it");
        return failure(*torn_);
    }

    /// Sees to the catalogue before a write of T's; and after the commit, if that required nothing of it and any has changed by
    /// then: see upkeep.hpp.
    template <class T>
    [[nodiscard]] Status keep_catalogue() {
        constexpr Keeper keeper = &detail::rest_on_catalogue<T, Core>;
        if (std::find(keepers_.begin(), keepers_.end(), keeper) == keepers_.end()) keepers_.push_back(keeper);
        return rest_on(keeper(core_));
    }
    [[nodiscard]] Status keep_catalogues() {
        if (core_.shares_catalogues() || core_.known_types().has_stayed(round_)) return {};
        for (const Keeper keeper : keepers_) {
            if (auto kept = keeper(core_); !kept) return failure(std::move(kept).error());
        }
        return {};
    }

    template <class T>
    [[nodiscard]] Status put_entity(std::string key, std::shared_ptr<const T> object, Expiry expires_at) {
        if (auto kept = keep_catalogue<T>(); !kept) return kept;
        write_object(std::move(key), {std::move(object), &Core::template type_of<T>()}, expires_at);
        return {};
    }

    /// The live records of a range as the transaction sees them. What it covers up to where the visitor stops is then required.
    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) {
        if (core_.is_closed()) return Core::closed_error();
        RangeRead read = begin_read(range);
        RangeDigest digest{core_.range_seed()};
        detail::MergedScan merged{own_writes(range), range.direction, core_.now(), visit};
        bool goes_on = true;
        auto scanned = core_.engine().scan(range, [&](const ScanItem& item) {
            digest.add(item.key, item.record.version);
            if (item.record.expires_at.at() < read.first_expiry.at()) read.first_expiry = item.record.expires_at;
            goes_on = merged.meet(item);
            if (!goes_on) cover_up_to(read, item.key);
            return goes_on;
        });
        if (!scanned) return scanned;
        if (goes_on) merged.finish();
        read.stored.digest = digest.value();
        ranges_.push_back(std::move(read));
        return {};
    }

    [[nodiscard]] auto scanner() {
        return [this](const KeyRange& range, ItemVisitor visit) { return scan(range, visit); };
    }

    template <class T, class Page>
    [[nodiscard]] Result<Page> find_page(const Query<T>& query) {
        Core::template require_entity<T>();
        if (core_.is_closed()) return Core::closed_error();
        const auto planned = plan(query);
        if (!planned) return failure(planned.error());
        auto covered = detail::require_index<T>(core_, planned->index);
        if (!covered) return failure(std::move(covered).error());
        const Requirement& catalogue = covered->catalogue;
        if (auto same = note_read(catalogue.key, catalogue.version); !same) return failure(std::move(same).error());
        if (covered->emptiness) ranges_.push_back(*std::move(covered->emptiness));
        detail::MomentOfReading<Core> moment{core_};
        detail::Collector<T, Core, Page> collector{*planned, moment};
        if (planned->limit == 0) return collector.finish({});
        auto page =
            collector.finish(follow<T>(planned->range, moment, [&](const IndexedItem& item) { return collector.meet(item); }));
        if (page || page.error() != Errc::corrupt) return page;
        const auto still = detail::is_still(core_, catalogue);
        if (!still || *still) return page;
        // It was no damage that was met, but what somebody has left who does not know the index.
        torn_.emplace(Errc::conflict, std::string{kind_of<T>} + ": its indexes have changed since the transaction asked one");
        return failure(*torn_);
    }

    /// As scan, of index entries. Each record that an entry led to is required as well, for an entry does not tell its version.
    template <class T>
    [[nodiscard]] Status follow(const KeyRange& range, detail::MomentOfReading<Core>& moment, IndexedVisitor visit) {
        RangeRead read = begin_read(range);
        RangeDigest digest{core_.range_seed()};
        detail::MergedFollow merged{own_writes(kind_range(Core::template kind<T>())), range, visit};
        if (auto prepared = merged.prepare(range); !prepared) return prepared;
        Status same;
        bool goes_on = true;
        auto followed = core_.engine().follow(range, [&](const IndexedItem& met) {
            digest.add(met.entry_key, absent);
            const RecordView& record = met.item.record;
            same = note_read(std::string{met.item.key}, moment.has_expired(record) ? absent : record.version);
            goes_on = same && merged.meet(met);
            if (!goes_on) cover_up_to(read, met.entry_key);
            return goes_on;
        });
        if (followed && !same) followed = std::move(same);
        if (!followed) return followed;
        if (goes_on) merged.finish();
        read.stored.digest = digest.value();
        ranges_.push_back(std::move(read));
        return {};
    }

    [[nodiscard]] RangeRead begin_read(const KeyRange& range) {
        RangeRead read{{range, core_.range_seed(), 0}, nullptr, {}};
        if constexpr (watches_ranges) read.watch = core_.engine().watch(range);
        return read;
    }

    /// Nothing behind `last` was looked at.
    void cover_up_to(RangeRead& read, std::string_view last) {
        KeyRange& range = read.stored.range;
        if (range.direction == Direction::forward) {
            range.end = std::string{last} + '\0';
        } else {
            range.begin = last;
        }
        if constexpr (watches_ranges) core_.engine().narrow_watch(*read.watch, range);
    }

    [[nodiscard]] detail::MergedScan::PendingWrites own_writes(const KeyRange& range) const {
        detail::MergedScan::PendingWrites own;
        for (auto at = writes_.lower_bound(range.begin); at != writes_.end() && range.contains(at->first); ++at)
            own.emplace_back(at->first, at->second);
        return own;
    }

    using Keeper = Result<detail::CatalogueBasis> (*)(Core&);

    Core& core_;
    const std::uint64_t round_;
    std::vector<Keeper> keepers_;  // of the types that are written
    std::map<std::string, Version, std::less<>> reads_;
    std::map<std::string, LoadedObject, std::less<>> writes_;
    std::set<std::pair<std::string, Version>> catalogues_;  // that the writes rest on
    std::vector<RangeRead> ranges_;
    std::optional<Error> torn_;  // why the try is lost already
    bool is_outdated_ = false;
};

JOINLY_NAMESPACE_END
#endif
