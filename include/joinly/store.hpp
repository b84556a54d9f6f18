#ifndef JOINLY_STORE_HPP
#define JOINLY_STORE_HPP
// The store: typed entities over a backend and a cache policy that are chosen at compile time. Start here.
//
//     #include <joinly/store.hpp>
//     #include <joinly/backend/sqlite.hpp>
//     #include <joinly/entity/lobby.hpp>
//     #include <joinly/policy/write_behind.hpp>
//
//     auto store = joinly::open<joinly::SqliteBackend, joinly::WriteBehind>({.path = "joinly.db"});
//     if (!store) return fail(store.error());
//     auto saved = store->save(joinly::Lobby{.lobby_id = "lobby_123"});
//     if (auto lobby = store->load<joinly::Lobby>("lobby_123")) use((*lobby)->players);
//
// Policies come with this header, but for WriteBehind, which costs a compiler half as much again. Every call is safe from any
// thread. What a returned save has survived is the policy's promise: see policy/README.md.

#include <joinly/backend/concepts.hpp>
#include <joinly/codec/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/observer.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/backoff.hpp>
#include <joinly/detail/expired_sweep.hpp>
#include <joinly/detail/index/collector.hpp>
#include <joinly/detail/index/rebuild.hpp>
#include <joinly/detail/index/upkeep.hpp>
#include <joinly/detail/index/verify.hpp>
#include <joinly/detail/key_buffer.hpp>
#include <joinly/detail/listing.hpp>
#include <joinly/detail/policy/deadline.hpp>
#include <joinly/detail/store_core.hpp>
#include <joinly/detail/thrown.hpp>
#include <joinly/entity/entity.hpp>
#include <joinly/found.hpp>
#include <joinly/fwd.hpp>
#include <joinly/index/query.hpp>
#include <joinly/loaded.hpp>
#include <joinly/options.hpp>
#include <joinly/policy/concepts.hpp>
#include <joinly/policy/health.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/policy/read_through.hpp>
#include <joinly/policy/stats.hpp>
#include <joinly/policy/write_through.hpp>
#include <joinly/traits.hpp>
#include <joinly/transaction.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

namespace detail {
template <class T>
concept unreferenced = !std::is_reference_v<T>;
}  // namespace detail

/// A store over one database. Movable; a store that was moved from may only be destroyed or assigned to. A child of fork() must not
/// use its parent's store, nor destroy it: it has neither its threads nor its locks.
///
/// Outcomes that every call shares, and does not list again: `closed` after close(), `io`, `corrupt`, `busy` and `full`
/// with the engine's own words. Unless a call says otherwise, one that fails has changed nothing; but where an index of the kind
/// was built meanwhile that the type does not declare, a write may have been made all the same: the message says so then. Memory
/// that cannot be had is `full` as well; only what returns no Result or Status (load_many, dead_letters, close with a timeout,
/// stats and health) throws std::bad_alloc then. What the program's own functions throw, that a call is given, passes through it.
///
/// Expiry is decided at each read by the clock as it is then. A wall clock that is set back brings back what had expired and
/// was not erased or replaced since; a cached absence may hide it for up to `absence_ttl`.
template <class Backend, class CachePolicy, class Traits>
class Store {
    static_assert(!detail::complete<Backend> || storage_backend<Backend>,
                  "Store: the first argument must be a storage backend, such as joinly::SqliteBackend "
                  "(see joinly/backend/concepts.hpp); did you swap backend and policy?");
    static_assert(
        requires {
            typename Traits::Codec;
            typename Traits::Eviction;
            typename Traits::Clock;
        },
        "Store: the third argument must be traits that derive from joinly::DefaultTraits, with the codec within "
        "(see joinly/traits.hpp)");
    static_assert(!storage_backend<Backend> || !detail::complete<CachePolicy> || cache_policy_for<CachePolicy, Backend, Traits>,
                  "Store: the second argument must be a cache policy: joinly::NoCache, ReadThrough, WriteThrough or WriteBehind "
                  "(see joinly/policy/concepts.hpp)");
    using Core = detail::StoreCore<Backend, CachePolicy, Traits>;
    using Engine = typename CachePolicy::template Engine<Backend, Traits>;

public:
    using Codec = typename Traits::Codec;

    /// Opens the backend, creating its database if there is none, and starts the policy's work. Prefer joinly::open.
    [[nodiscard]] static Result<Store> open(typename detail::BackendOptions<Backend>::type backend_options,
                                            typename detail::PolicyOptions<CachePolicy>::type policy_options = {},
                                            Traits traits = {}) {
        return detail::full_without_memory([&]() -> Result<Store> {
            auto backend = Backend::open(std::move(backend_options));
            if (!backend) return failure(std::move(backend).error());
            auto engine = Engine::open(std::move(*backend), policy_options, traits);
            if (!engine) return failure(std::move(engine).error());
            Store store{std::move(*engine), std::move(traits)};
            if (auto read = store.core_->read_catalogues(); !read) return failure(std::move(read).error());
            return store;
        });
    }

    // --- one entity ----------------------------------------------------------------------------------------------------

    /// Saves `entity` under its kind and id, replacing what was there.
    ///
    /// @return its new version, once the policy's promise holds. Otherwise nothing changed:
    ///         invalid_argument  the id is empty or longer than 1 KiB, the ttl is not positive, the codec refuses a field, or an
    ///                           index has no place for what one holds: NaN, or a string that is too long (max_index_term_bytes);
    ///         conflict          `expect` was given and another writer came first: load again;
    ///         full              write-behind is at its limit, or the disk is full.
    /// @par Complexity  O(size of the entity), then what the policy does.
    template <class T>
    [[nodiscard]] Result<Version> save(const T& entity, const SaveOptions& options = {}) {
        Core::template require_entity<T>();
        return observed(Operation::save, [&] { return save_object(entity, shared_object(entity), options); });
    }
    /// As above, without copying the entity: it is moved from when it was saved, and as it was when it was refused.
    template <detail::unreferenced T>
    [[nodiscard]] Result<Version> save(T&& entity, const SaveOptions& options = {}) {
        using Saved = std::remove_const_t<T>;
        Core::template require_entity<Saved>();
        return observed(Operation::save, [&]() -> Result<Version> {
            if constexpr (!Engine::keeps_objects || std::is_const_v<T>) {
                return save_object(entity, shared_object(entity), options);
            } else {
                // Refused before it is moved, or else given back: by moving unless the policy has kept the object, which it may
                // have when its journal could not make the write durable.
                if (auto usable = core_->template usable_id<Saved>(Core::id_in(entity)); !usable)
                    return failure(std::move(usable).error());
                const auto object = std::make_shared<Saved>(std::move(entity));
                auto saved = save_object(*object, object, options);
                if (!saved && object.use_count() == 1) {
                    entity = std::move(*object);
                } else if (!saved) {
                    entity = *object;
                }
                return saved;
            }
        });
    }

    /// The newest acknowledged state, or `not_found`. `invalid_argument`: the id is empty or too long. `corrupt`: the stored
    /// bytes are damaged or are not a T; the record stays as it is. A cache hit decodes and allocates nothing.
    template <class T>
    [[nodiscard]] Result<Loaded<T>> load(std::string_view id) {
        Core::template require_entity<T>();
        return observed(Operation::load, [&] { return load_object<T>(id); });
    }

    /// Erases the entity. Erasing what is not there is no error, unless `expect` says that it should be.
    template <class T>
    [[nodiscard]] Status erase(std::string_view id, const EraseOptions& options = {}) {
        Core::template require_entity<T>();
        return observed(Operation::erase, [&]() -> Status {
            auto key = core_->template open_key<T>(id);
            if (!key) return failure(std::move(key).error());
            return erase_one<T>(*key, &Core::template type_of<T>(), options);
        });
    }

    template <class T>
    [[nodiscard]] Result<bool> exists(std::string_view id) {
        return observed(Operation::load, [&]() -> Result<bool> {
            auto loaded = load_object<T>(id);
            if (loaded) return true;
            if (loaded.error() == Errc::not_found) return false;
            return failure(std::move(loaded).error());
        });
    }

    /// Reads the entity, lets `change` change a copy, and saves that if nobody wrote in between; otherwise all of it again.
    /// The record keeps its expiry.
    ///
    /// `change` takes a `T&` and returns nothing, or a Status whose error ends the update and is returned. It may be called
    /// several times, so it must not do anything but change its argument; it must not change the id (`invalid_argument`). Where
    /// other processes write to the database too, what it refuses is founded on a load like any other, which may be as old as
    /// `foreign_check`; a transaction's refusal is not.
    /// @return the new version; `not_found` when there is none to update; `conflict` after 1,000 tries in a row: a
    ///         `change` that takes much longer than others take to write the same entity.
    template <class T, std::invocable<T&> Change>
    [[nodiscard]] Result<Version> update(std::string_view id, Change&& change) {
        Core::template require_entity<T>();
        return observed(Operation::update, [&]() -> Result<Version> {
            if (auto usable = core_->template usable_id<T>(id); !usable) return failure(std::move(usable).error());
            const detail::KeyBuffer<kind_prefix<T>> buffer{id};
            const std::string_view key = buffer.view();  // a copy: `id` may be what is changed
            const ObjectType& type = Core::template type_of<T>();
            detail::Backoff backoff;
            for (;;) {
                const auto loaded = engine().load(key, type);
                if (!loaded) return failure(loaded.error());
                auto object = std::make_shared<T>(*static_cast<const T*>(loaded->object.value.get()));
                if (auto accepted = detail::apply_change(change, *object); !accepted) return failure(std::move(accepted).error());
                if (Core::id_in(*object) != buffer.id())
                    return failure_at(key, Error{Errc::invalid_argument, "an update must not change the id"});
                auto saved = write_one<T>(key, {std::move(object), &type}, loaded->expires_at, loaded->version);
                if (saved || !(saved.error() == Errc::conflict) || !backoff.wait()) return saved;
                core_->count_retry();
            }
        });
    }

    // --- many entities -------------------------------------------------------------------------------------------------

    /// Saves all of them or none, as one batch with one version. Of two with one id, the later one stays.
    template <class T>
    [[nodiscard]] Result<Version> save_many(std::span<const T> entities, const SaveOptions& options = {}) {
        Core::template require_entity<T>();
        return observed(Operation::save_many, [&]() -> Result<Version> {
            if (closed()) return closed_error();
            const auto expires_at = core_->expiry(options.ttl);
            if (!expires_at) return failure(expires_at.error());
            WriteSet set;
            set.writes.reserve(entities.size());
            for (const T& entity : entities) {
                auto key = core_->template open_key<T>(Core::id_in(entity));
                if (!key) return failure(std::move(key).error());
                if (options.expect) set.requirements.push_back({*key, *options.expect, false});
                set.writes.push_back({std::move(*key), {shared_object(entity), &Core::template type_of<T>()}, *expires_at});
            }
            return detail::write_resting_on(*core_, std::move(set), rest_on<T>());
        });
    }
    template <class T>
    [[nodiscard]] Result<Version> save_many(const std::vector<T>& entities, const SaveOptions& options = {}) {
        return save_many(std::span<const T>{entities}, options);
    }

    /// As `load` for each id, with one trip to the backend for those that are not cached. The results are in the order of
    /// the ids.
    template <class T>
    [[nodiscard]] std::vector<Result<Loaded<T>>> load_many(std::span<const std::string> ids) {
        Core::template require_entity<T>();
        return observed(Operation::load_many, [&]() -> std::vector<Result<Loaded<T>>> {
            const std::size_t prefix_bytes = kind_prefix<T>.size();
            std::size_t most_bytes = 0;
            for (const std::string& id : ids) most_bytes += prefix_bytes + id.size();
            std::string bytes(most_bytes, '\0');  // of all keys
            std::size_t written = 0;
            std::vector<std::string_view> keys;
            std::vector<std::size_t> positions;
            std::vector<Result<Loaded<T>>> results;
            keys.reserve(ids.size());
            positions.reserve(ids.size());
            results.reserve(ids.size());
            for (std::size_t i = 0; i < ids.size(); ++i) {
                results.emplace_back(Core::template nothing<T>());
                if (!core_->takes_id(ids[i])) {
                    results[i] = failure(core_->template usable_id<T>(ids[i]).error());
                    continue;
                }
                detail::write_key(kind_prefix<T>, ids[i], bytes.data() + written);
                keys.push_back(std::string_view{bytes}.substr(written, prefix_bytes + ids[i].size()));
                positions.push_back(i);
                written += keys.back().size();
            }
            const Status done = load_keys<T>(keys, positions, results);
            if (!done) {
                for (const std::size_t position : positions) results[position] = failure(done.error());
            }
            return results;
        });
    }

    /// Visits every T in the order of the ids' bytes, from one consistent snapshot, pending writes included. `visitor` takes
    /// a `const Loaded<T>&` and returns nothing, or a bool that is false to stop. It may call the store. `corrupt` at the
    /// first record that does not decode, with its key; those before it have been visited.
    template <class T, std::invocable<const Loaded<T>&> Visitor>
    [[nodiscard]] Status for_each(Visitor&& visitor) {
        Core::template require_entity<T>();
        return observed(Operation::scan, [&] { return detail::visit_kind<T, Core>(scanner(), visitor); });
    }

    /// The ids of all T, or a page of them, in the order of their bytes. Decodes nothing.
    template <class T>
    [[nodiscard]] Result<std::vector<std::string>> ids(const Page& page = {}) {
        Core::template require_entity<T>();
        return observed(Operation::scan, [&] { return detail::list_ids(scanner(), Core::template kind<T>(), page); });
    }

    /// How many T there are. O(their number): it counts them.
    template <class T>
    [[nodiscard]] Result<std::size_t> count() {
        Core::template require_entity<T>();
        return observed(Operation::scan, [&] { return detail::count_kind(scanner(), Core::template kind<T>()); });
    }

    /// The T that a query asks for, in its order, pending writes included, from one consistent snapshot: see
    /// joinly/index/query.hpp.
    ///
    /// @return a page of at most the query's limit. Otherwise:
    ///         invalid_argument  the query's bounds or cursor are of no use;
    ///         incompatible      entities were saved by a program that did not know the index: call rebuild_indexes once;
    ///         corrupt           index and records do not fit together.
    /// @par Complexity  O(log n) and the page's entities: what the query does not ask for is not read. Under write-behind besides
    ///                  what is pending of the kind.
    template <class T>
    [[nodiscard]] Result<Found<T>> find(const Query<T>& query, const FindOptions& options = {}) {
        return observed(Operation::find, [&] { return find_page<T, Found<T>>(query, options); });
    }
    /// As find, but ids only: nothing is decoded.
    template <class T>
    [[nodiscard]] Result<FoundIds> find_ids(const Query<T>& query, const FindOptions& options = {}) {
        return observed(Operation::find, [&] { return find_page<T, FoundIds>(query, options); });
    }

    /// Has every index that T declares cover every T that is stored, after an index was added or the description has changed; and
    /// clears away what the others have left. Others may read and write meanwhile; a record whose entries were not right is saved
    /// again, upgraded to T's description, and gets a new version. `on_progress(const RebuildProgress&)` is called every 256
    /// records. To be called when no program that does not know the index writes to the database any more: such a write undoes it,
    /// and queries by the index are `incompatible` until this is called again. `conflict`: there was one meanwhile, or somebody
    /// else has built them. `invalid_argument`: an index has no place for what a record holds (NaN, a string
    /// that is too long); it is named, and to be changed or erased first.
    /// @par Complexity  O(records), decoding each.
    template <class T, std::invocable<const RebuildProgress&> OnProgress>
    [[nodiscard]] Result<RebuildProgress> rebuild_indexes(OnProgress&& on_progress) {
        Core::template require_entity<T>();
        if (closed()) return closed_error();
        return detail::rebuild_indexes<T>(*core_, on_progress);
    }
    template <class T>
    [[nodiscard]] Result<RebuildProgress> rebuild_indexes() {
        return rebuild_indexes<T>([](const RebuildProgress&) {});
    }

    /// Compares the indexes that T declares with the records: `corrupt`, naming the record, where they do not fit together;
    /// `incompatible` while an index does not cover everything that is stored, which is no damage: call rebuild_indexes once. So it
    /// is as well where a program that does not know the index writes meanwhile; `busy` where others change the list of the
    /// indexes again and again. Under write-behind it flushes. O(records), decoding each.
    template <class T>
    [[nodiscard]] Status verify_indexes() {
        Core::template require_entity<T>();
        if (closed()) return closed_error();
        return detail::verify_indexes<T>(*core_);
    }

    // --- several entities as one -----------------------------------------------------------------------------------------

    /// Calls `work` with a transaction (see joinly/transaction.hpp) and commits what it wrote: everything or nothing, in the
    /// backend, in the cache and in the journal, and only if everything it read, what it found missing and the ranges it listed
    /// included, is still as it was; otherwise `work` is called again. Transactions are serializable, in the order of their
    /// versions.
    ///
    /// `work` takes a `Transaction&` (write `auto& tx`) and returns a Status, whose error ends the transaction and is returned,
    /// with nothing written; or nothing. It may be called several times, so it must do nothing that cannot be done again; it must
    /// not write to the store but through the transaction.
    /// @return the commit's version; of a transaction that wrote nothing, the newest version that what it read belongs to.
    ///         `conflict` after `max_tries`; what Store::save may give.
    /// @par Complexity  The reads and writes themselves, and one comparison in the backend for everything read.
    template <class Work>
    [[nodiscard]] Result<Version> transaction(Work&& work, const TransactionOptions& options = {}) {
        using Answer = std::invoke_result_t<Work&, Transaction<Core>&>;
        static_assert(std::is_void_v<Answer> || std::is_same_v<Answer, Status>,
                      "Store::transaction: the function must return nothing, or a joinly::Status whose error ends the transaction "
                      "(write `-> joinly::Status` after the lambda's parameters)");
        return observed(Operation::transaction, [&]() -> Result<Version> {
            if (closed()) return closed_error();
            detail::Backoff backoff{options.max_tries};
            for (;;) {
                Transaction<Core> tx{*core_};
                Status outcome;
                if constexpr (std::is_void_v<Answer>) {
                    work(tx);
                } else if constexpr (std::is_same_v<Answer, Status>) {
                    outcome = work(tx);
                }
                auto version = tx.finish(std::move(outcome));
                if (version || !tx.is_outdated() || !backoff.wait()) return version;
                core_->count_retry();
            }
        });
    }

    // --- raw bytes -----------------------------------------------------------------------------------------------------

    /// The bytes under a key: an entity's own encoding for an entity's key, whatever `put` was given otherwise. A record that is
    /// read both as bytes and as an entity is cached as what it was read as last.
    [[nodiscard]] Result<std::string> get(std::string_view key) {
        return observed(Operation::load, [&]() -> Result<std::string> {
            if (auto usable = core_->open_raw_key(key); !usable) return failure(std::move(usable).error());
            auto loaded = engine().load(key, bytes_type);
            if (!loaded) return failure(std::move(loaded).error());
            return *static_cast<const std::string*>(loaded->object.value.get());
        });
    }

    /// Puts bytes under any key that does not begin with a NUL byte. One that reads as an entity's, `kind:id`, must have an id of
    /// 1 byte to 1 KiB, and bytes that the entity's codec reads, or loads of it answer `corrupt`. `invalid_argument` besides for
    /// every key of a kind that has indexes, which would not find the bytes: save the entity instead.
    [[nodiscard]] Result<Version> put(std::string_view key, std::string bytes, const SaveOptions& options = {}) {
        return observed(Operation::save, [&]() -> Result<Version> {
            if (auto usable = core_->open_raw_key(key); !usable) return failure(std::move(usable).error());
            const auto expires_at = core_->expiry(options.ttl);
            if (!expires_at) return failure(expires_at.error());
            WriteSet set;
            if (options.expect) set.requirements.push_back({std::string{key}, *options.expect, false});
            set.writes.push_back(
                {std::string{key}, {std::make_shared<const std::string>(std::move(bytes)), &bytes_type}, *expires_at});
            return detail::write_resting_on(*core_, std::move(set), [&] { return detail::require_unindexed(*core_, key); });
        });
    }

    /// Erases whatever is under the key. Not called `erase`, for `store.erase("lobby_123")` with a forgotten `<Lobby>` would then
    /// succeed and leave the lobby where it is.
    [[nodiscard]] Status erase_key(std::string_view key, const EraseOptions& options = {}) {
        return observed(Operation::erase, [&]() -> Status {
            if (auto usable = core_->open_raw_key(key); !usable) return usable;
            return erase_one<void>(key, nullptr, options);
        });
    }

    /// Every key that begins with `prefix`, entities' keys included, or a page of them, in byte order.
    [[nodiscard]] Result<std::vector<std::string>> keys(std::string_view prefix = {}, const Page& page = {}) {
        return observed(Operation::scan, [&] { return detail::list_keys(scanner(), user_keys(prefix, page.after), page.limit); });
    }

    // --- expiry --------------------------------------------------------------------------------------------------------

    /// Has the entity live for so long from now on, or for ever; it gets a new version. It is saved again as this build reads it:
    /// one of an older version is upgraded, and what a newer build has stored besides stays only if T has UnknownFields.
    /// `not_found`: there is none, or it has expired already. `invalid_argument`: the ttl is not positive, or as for save.
    template <class T>
    [[nodiscard]] Result<Version> touch(std::string_view id, const std::optional<Ttl>& ttl) {
        Core::template require_entity<T>();
        return observed(Operation::touch, [&]() -> Result<Version> {
            const auto key = core_->template open_key<T>(id);
            if (!key) return failure(key.error());
            detail::Backoff backoff;
            for (;;) {
                auto loaded = engine().load(*key, Core::template type_of<T>());
                if (!loaded) return failure(std::move(loaded).error());
                const auto expires_at = core_->expiry(ttl);
                if (!expires_at) return failure(expires_at.error());
                auto touched = write_one<T>(*key, std::move(loaded->object), *expires_at, loaded->version);
                if (touched || !(touched.error() == Errc::conflict) || !backoff.wait()) return touched;
                core_->count_retry();
            }
        });
    }

    /// Erases what has expired, the earliest first, until nothing is left or the time is up; what is under way then is finished.
    /// To be called from the program's own loop, or see Sweeper (joinly/ops/sweep.hpp). What was renewed meanwhile stays.
    ///
    /// A damaged record stays, and does not hold up the others.
    ///
    /// `on_expired(const ExpiredEntity&)` is called for each record that this call has erased, after that: so once for each expiry,
    /// among all threads and processes that sweep. What was replaced or erased before any sweep came is told to nobody; nor are
    /// the up to 255 others that were erased together with one for which `on_expired` throws, or with which the backend's answer
    /// was lost. Under write-behind without a journal, a process that is killed before the erasures are flushed tells them again in
    /// its next life; what the backend refuses to erase is told by each sweep.
    ///
    /// An error ends it. What was erased before that stays erased, and was told. Under write-behind, where it flushes what anybody
    /// has pending, that a batch had to be set aside as a dead letter is one as well, as for `flush`, whoever saved that: the next
    /// sweep goes on.
    /// @par Complexity  Follows what has expired, not what there is. Under write-behind it flushes, to see what has expired.
    template <std::invocable<const ExpiredEntity&> OnExpired>
    [[nodiscard]] Result<SweepReport> sweep(std::chrono::microseconds budget, OnExpired&& on_expired) {
        return observed(Operation::sweep, [&]() -> Result<SweepReport> {
            const auto deadline = detail::deadline_after(budget);
            detail::ExpiredSweep sweep{engine()};
            do {
                if (closed()) return closed_error();
                const auto tell = [&](ExpiredRecord&& erased) {
                    on_expired(ExpiredEntity{std::move(erased.key), erased.version, erased.expires_at});
                };
                if (auto swept = sweep.step(core_->now(), tell); !swept) return failure(std::move(swept).error());
            } while (sweep.may_find_more() && std::chrono::steady_clock::now() < deadline);
            return sweep.report();
        });
    }
    [[nodiscard]] Result<SweepReport> sweep(std::chrono::microseconds budget = (std::chrono::microseconds::max)()) {
        return sweep(budget, [](const ExpiredEntity&) {});
    }

    // --- the store itself ----------------------------------------------------------------------------------------------

    /// Returns once everything acknowledged before the call is in the backend; at once under policies that wait for the
    /// backend anyway. What could not be stored stays pending, and is tried again. When batches had to be set aside as dead
    /// letters, the backend's reason is returned, and the others are stored.
    [[nodiscard]] Status flush() {
        return unless_closed([&] { return engine().flush(); });
    }

    /// As above, but a backend that fails is tried again until the time is up; then `timed_out`.
    [[nodiscard]] Status flush(std::chrono::milliseconds timeout) {
        return unless_closed([&] {
            if constexpr (detail::delays_writes<Engine>) {
                return engine().flush(timeout);
            } else {
                return engine().flush();
            }
        });
    }

    /// Returns once the batch of this version, which a save returned, is in the backend; it hurries nothing. `timed_out` when
    /// it is not there in time; the backend's reason when it was set aside as a dead letter, also after that was dropped or
    /// retried, which returned a version of its own, for as long as the store is open; `invalid_argument` for a version that no
    /// save has returned yet; `closed`, at once, when a close meanwhile could not store it: closing again may. At once
    /// under policies that wait for the backend anyway.
    [[nodiscard]] Status wait([[maybe_unused]] Version version, [[maybe_unused]] std::chrono::milliseconds timeout) {
        return unless_closed([&]() -> Status {
            if constexpr (detail::delays_writes<Engine>) {
                return engine().wait(version, timeout);
            } else {
                return {};
            }
        });
    }

    /// For Drive::caller: flushes if a flush is due. To be called often, from the caller's own loop.
    [[nodiscard]] Status pump() {
        require_delays();
        return unless_closed([&] { return engine().pump(); });
    }
    /// As above, in transactions that each take about so long, none of them begun when so much time has passed. One entry at
    /// least is stored, however long the backend takes for it; and a transaction that has failed, so that nobody knows whether it
    /// was made, is tried again as it was: after a flush without a budget that may be all that was pending.
    [[nodiscard]] Status pump(std::chrono::microseconds budget) {
        require_delays();
        return unless_closed([&] { return engine().pump(budget); });
    }

    /// Flushes, and ends the store's work: every later call answers `closed`, but stats, health, the sizes on disk, backend, and
    /// close itself, which may be called again to store what it could not. Tries once. The backend's files are let go of when the
    /// store is destroyed, which closes it, too.
    [[nodiscard]] Status close() {
        core_->set_closed();
        return detail::full_without_memory([&] { return engine().close(); });
    }
    /// As above, but a backend that fails is tried again until the time is up, and the report tells what became of the writes
    /// that were pending. It returns in time even when the backend does not answer; the destructor then waits for it. A store that
    /// its caller drives flushes in this call itself, as in flush: a transaction that has begun is not cut short.
    [[nodiscard]] CloseReport close([[maybe_unused]] std::chrono::milliseconds timeout) {
        core_->set_closed();
        if constexpr (detail::delays_writes<Engine>) {
            return engine().close(timeout);
        } else {
            return {0, 0, 0, engine().close()};
        }
    }

    /// The batches that the backend refused for good, oldest first. Their writes count as not made.
    [[nodiscard]] std::vector<DeadLetter> dead_letters() const {
        require_delays();
        return engine().dead_letters();
    }
    /// Writes what a dead letter holds again, as if it were saved now. The letter is dropped once that is acknowledged; where the
    /// journal's disk fails just then, the new version is returned and the letter stays, as one whose keys were written since.
    /// `not_found`: there is none with that id.
    ///
    /// `conflict`, and the letter stays, where that might undo something newer, unless it is told to overwrite: when one of its
    /// keys has been written or erased since; when a batch in it depended on more than the keys it wrote (a transaction that read
    /// others, a write under a lease, raw bytes under an entity's key); when another writer has been in the database; and when an
    /// earlier run of the program has acknowledged it or set it aside, for the journal does not tell what it depended on.
    ///
    /// Of a letter that an earlier run has left, nobody knows either whether its index entries are those of today; and a type
    /// without indexes has none: once such a letter is written, the indexes of its kinds are to be rebuilt.
    [[nodiscard]] Result<Version> retry_dead_letter(Version id, const RetryOptions& options = {}) {
        require_delays();
        return unless_closed([&]() -> Result<Version> {
            if (auto safe = engine().check_retry(id); !safe && !options.overwrite) return failure(std::move(safe).error());
            const std::vector<std::string> kinds = engine().kinds_of_unindexed_letter(id);
            if (auto struck = strike_indexes_out(kinds); !struck) return failure(std::move(struck).error());
            const auto round = core_->known_types().round();
            auto written = engine().retry_dead_letter(id, options.overwrite);
            if (!written || core_->known_types().has_stayed(round)) return written;
            if (const auto struck = strike_indexes_out(kinds); !struck) return detail::made_all_the_same(struck.error());
            return written;
        });
    }
    /// Forgets a dead letter. `not_found`: there is none with that id.
    [[nodiscard]] Status drop_dead_letter(Version id) {
        require_delays();
        return unless_closed([&] { return engine().drop_dead_letter(id); });
    }

    /// What is pending, and would be lost by a crash without a journal, and how the flushes fare.
    /// @par Thread safety  Any thread. It waits as a load does: no longer than a save takes, be it one that has to make the
    ///                     journal's next segment itself, because no spare is ready.
    [[nodiscard]] StoreHealth health() const {
        if constexpr (detail::delays_writes<Engine>) {
            return engine().health();
        } else {
            return {};
        }
    }

    /// What the store has done since it was opened, in numbers: see joinly/policy/stats.hpp, and joinly/ops/prometheus.hpp for
    /// a monitoring system. Each number is as of a moment of its own. Costs some microseconds, and keeps nobody waiting longer.
    [[nodiscard]] StoreStats stats() const { return core_->stats(); }

    /// Who is told of every operation: the observer that the traits gave.
    [[nodiscard]] const typename Core::Observer& observer() const noexcept { return core_->observer(); }

    /// The time that the store goes by: its clock's.
    [[nodiscard]] WallTime now() const { return core_->now(); }

    /// Bytes of all the store's files, write-ahead logs and the journal included; 0 for memory. Asks the file system for their
    /// sizes, and opens none.
    [[nodiscard]] Result<std::uint64_t> size_on_disk() { return detail::sum_of_parts(size_by_part()); }

    /// The same by parts, which are named after what they hold: "database", "wal" and "shm" of SQLite; "tables", "log", "manifest",
    /// "info_log" and "temporary" of LevelDB; "journal" under write-behind.
    [[nodiscard]] Result<std::vector<StoragePart>> size_by_part() {
        std::vector<StoragePart> parts;
        if constexpr (tells_size_by_part<Backend>) {
            auto told = backend().size_by_part();
            if (!told) return told;
            parts = *std::move(told);
        } else {
            const auto bytes = backend().size_on_disk();
            if (!bytes) return failure(bytes.error());
            if (*bytes != 0) parts.push_back({"database", *bytes});
        }
        if (const std::size_t journal = health().journal_bytes; journal != 0) parts.push_back({"journal", journal});
        return parts;
    }

    /// The backend itself, for what the store does not offer. Writes through it are seen by no cache: leave them alone.
    [[nodiscard]] Backend& backend() noexcept { return engine().backend(); }

private:
    friend detail::StoreAccess;

    Store(std::unique_ptr<Engine> engine, Traits traits) : core_{std::make_unique<Core>(std::move(engine), std::move(traits))} {}

    static constexpr void require_delays() {
        static_assert(detail::delays_writes<Engine>,
                      "Store: only WriteBehind has anything to pump, and dead letters: the other policies wait for the backend");
    }

    /// So that no query is answered by an index of these kinds before it is rebuilt.
    [[nodiscard]] Status strike_indexes_out(const std::vector<std::string>& kinds) {
        for (const std::string& kind : kinds) {
            if (!core_->indexed_kinds().contains(kind)) continue;
            detail::Backoff backoff;
            for (;;) {
                const auto stored = detail::load_catalogue(*core_, kind);
                if (!stored) return failure(stored.error());
                if (stored->indexes.empty()) break;
                auto struck = detail::write_catalogue(*core_, kind, {}, stored->version);
                if (struck) break;
                if (struck.error() != Errc::conflict || !backoff.wait()) return failure(std::move(struck).error());
            }
        }
        return {};
    }

    [[nodiscard]] Engine& engine() const noexcept { return core_->engine(); }
    [[nodiscard]] bool closed() const noexcept { return core_->is_closed(); }
    [[nodiscard]] static tl::unexpected<Error> closed_error() { return Core::closed_error(); }
    /// For what is no operation, and not counted.
    template <class Call>
    [[nodiscard]] std::invoke_result_t<Call&> unless_closed(Call&& call) {
        if (closed()) return closed_error();
        return detail::full_without_memory(call);
    }
    template <class Call>
    [[nodiscard]] auto observed(Operation operation, Call&& call) {
        return core_->observed(operation, std::forward<Call>(call));
    }

    template <class T>
    static constexpr detail::KindPrefix kind_prefix{Core::template kind<T>()};

    template <class T>
    [[nodiscard]] Result<Loaded<T>> load_object(std::string_view id) {
        if (!core_->takes_id(id)) return failure(core_->template usable_id<T>(id).error());
        const detail::KeyBuffer<kind_prefix<T>> key{id};
        const ObjectType& type = Core::template type_of<T>();
        Result<Loaded<T>> result{Core::template nothing<T>()};
        const auto on_hit = [&](const LoadedObject& hit) { Core::set_to_hit(result, hit); };
        if constexpr (requires { engine().load(key, type, on_hit); }) {
            if (auto missed = engine().load(key, type, on_hit)) result = Core::template as_loaded<T>(*std::move(missed));
        } else {
            result = Core::template as_loaded<T>(engine().load(key, type));
        }
        return result;
    }

    /// Each to its position among the results, where there is `nothing`.
    template <class T>
    [[nodiscard]] Status load_keys(std::span<const std::string_view> keys, std::span<const std::size_t> positions,
                                   std::span<Result<Loaded<T>>> results) {
        const ObjectType& type = Core::template type_of<T>();
        const auto on_hit = [&](std::size_t at, const LoadedObject& hit) { Core::set_to_hit(results[positions[at]], hit); };
        const auto sink = [&](std::size_t at, Result<LoadedObject> loaded) {
            results[positions[at]] = Core::template as_loaded<T>(std::move(loaded));
        };
        if constexpr (requires { engine().load_many(keys, type, on_hit, sink); }) {
            return engine().load_many(keys, type, on_hit, sink);
        } else {
            for (const std::size_t position : positions) results[position] = failure(Errc::not_found);
            return engine().load_many(keys, type, sink);
        }
    }

    /// A copy that the cache may keep, or, under a policy that keeps none, the caller's own object borrowed for the call.
    template <class T>
    [[nodiscard]] static std::shared_ptr<const void> shared_object(const T& entity) {
        if constexpr (Engine::keeps_objects) {
            return std::make_shared<const T>(entity);
        } else {
            return {std::shared_ptr<const void>{}, &entity};
        }
    }

    template <class T>
    [[nodiscard]] Result<Version> save_object(const T& entity, std::shared_ptr<const void> object, const SaveOptions& options) {
        const std::string_view id = Core::id_in(entity);
        if (auto usable = core_->template usable_id<T>(id); !usable) return failure(std::move(usable).error());
        const auto expires_at = core_->expiry(options.ttl);
        if (!expires_at) return failure(expires_at.error());
        const detail::KeyBuffer<kind_prefix<T>> key{id};
        return write_one<T>(key, {std::move(object), &Core::template type_of<T>()}, *expires_at, options.expect);
    }

    /// What a write of T's rests on; of void, which is any record's erasure: nothing.
    template <class T>
    [[nodiscard]] auto rest_on() {
        if constexpr (std::is_void_v<T>) {
            return []() -> Result<detail::CatalogueBasis> { return detail::CatalogueBasis{}; };
        } else {
            return [this] { return detail::rest_on_catalogue<T>(*core_); };
        }
    }

    /// @tparam Key  a std::string_view, a std::string or a KeyBuffer
    template <class T, class Key>
    [[nodiscard]] Result<Version> write_one(const Key& key, Object object, Expiry expires_at,
                                            const std::optional<Version>& expect) {
        if constexpr (requires { engine().write_one(key, std::move(object), expires_at, expect); }) {
            const auto make = [&] { return engine().write_one(key, std::move(object), expires_at, expect); };
            if constexpr (std::is_void_v<T>) {
                return make();
            } else {
                return detail::write_keeping_catalogue<T>(*core_, make);
            }
        } else {
            WriteSet set;
            if (expect) set.requirements.push_back({std::string{key}, *expect, false});
            set.writes.push_back({std::string{key}, std::move(object), expires_at});
            return detail::write_resting_on(*core_, std::move(set), rest_on<T>());
        }
    }

    /// `type`: what the record surely is, if anything is known.
    template <class T>
    [[nodiscard]] Status erase_one(std::string_view key, const ObjectType* type, const EraseOptions& options) {
        auto erased = write_one<T>(key, {nullptr, type}, {}, options.expect);
        if (!erased) return failure(std::move(erased).error());
        return {};
    }

    template <class T, class Page>
    [[nodiscard]] Result<Page> find_page(const Query<T>& query, const FindOptions& options) {
        Core::template require_entity<T>();
        if (closed()) return closed_error();
        const auto planned = plan(query);
        if (!planned) return failure(planned.error());
        detail::Backoff backoff;
        for (bool may_build = options.build_missing_index;;) {
            const auto round = core_->known_types().round();
            auto covered = detail::require_index<T>(*core_, planned->index);
            if (!covered && covered.error() == Errc::incompatible && may_build) {
                auto built = rebuild_indexes<T>();
                if (!built) return failure(std::move(built).error());
                may_build = false;
                covered = detail::require_index<T>(*core_, planned->index);
            }
            if (!covered) return failure(std::move(covered).error());
            detail::MomentOfReading<Core> moment{*core_};
            detail::Collector<T, Core, Page> collector{*planned, moment};
            if (planned->limit == 0 || covered->emptiness) return collector.finish({});
            auto page =
                collector.finish(engine().follow(planned->range, [&](const IndexedItem& item) { return collector.meet(item); }));
            if (!core_->shares_catalogues() && core_->known_types().has_stayed(round)) return page;
            // If the index is not listed any more, then it may not have been from the first, or not while it was asked.
            const auto still = detail::is_still(*core_, covered->catalogue);
            if (!still) return failure(still.error());
            if (*still) return page;
            if (!backoff.wait()) return failure(Errc::busy, "others change the list of the indexes again and again");
        }
    }

    [[nodiscard]] Status scan(const KeyRange& range, ItemVisitor visit) {
        if (closed()) return closed_error();
        return engine().scan(range, visit);
    }

    [[nodiscard]] auto scanner() {
        return [this](const KeyRange& range, ItemVisitor visit) { return scan(range, visit); };
    }

    std::unique_ptr<Core> core_;
};

/// Opens a store: `open<SqliteBackend, WriteBehind>({.path = "joinly.db"}, {.max_delay = 100ms})`.
///
/// @return the store, or why there is none: a path that is not a database or is another program's, a newer format, damage,
///         a lock held by somebody else. Nothing that was there is changed or created over.
template <class Backend = SqliteBackend, class CachePolicy = WriteThrough, class Traits = DefaultTraits>
[[nodiscard]] Result<Store<Backend, CachePolicy, Traits>> open(
    typename detail::BackendOptions<Backend>::type backend_options,
    typename detail::PolicyOptions<CachePolicy>::type policy_options = {}, Traits traits = {}) {
    return Store<Backend, CachePolicy, Traits>::open(std::move(backend_options), std::move(policy_options), std::move(traits));
}

JOINLY_NAMESPACE_END
#endif
