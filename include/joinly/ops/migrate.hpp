#ifndef JOINLY_OPS_MIGRATE_HPP
#define JOINLY_OPS_MIGRATE_HPP
// Moves everything from one store into another: between any two backends, and between codecs.
//
//     auto source = joinly::open<joinly::SqliteBackend, joinly::NoCache>({.path = "joinly.db", .read_only = true});
//     auto target = joinly::open<joinly::LevelDbBackend, joinly::NoCache>({.path = "joinly.leveldb"});
//     auto report = joinly::migrate<joinly::Player, joinly::Lobby>(*source, *target, {.progress = show});
//
// The types are asked for only where the codecs differ. Records keep their versions, their expiry and their index entries; those
// that have expired come along.
//
// The target must be empty, or be what a migration that was stopped has left: the same call then goes on. What it has come to is in
// the target itself, in the same transaction as the records: it may be killed at any point. What the source has changed since is
// put right on the way. A target that holds all of the source and nothing else is one where it had come to its end.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/ops/backend_ref.hpp>
#include <joinly/detail/ops/conversion.hpp>
#include <joinly/detail/ops/migrator.hpp>
#include <joinly/fwd.hpp>
#include <joinly/ops/migrate_options.hpp>
#include <joinly/policy/no_cache.hpp>

#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// Copies every record of `source`, as of one moment, into `target`, and compares: the target is read again, and each kind must
/// have as many records as the source and the same checksum over keys, values as they were converted, versions and expiry; and as
/// many index entries. The source may be used meanwhile; nobody may write to the target, and its store is to be opened anew
/// afterwards.
///
/// A kind that is not named is copied as bytes where the target's codec reads the source's values: the same codec, or Zstd on
/// top of it. Otherwise it is refused by name, before anything is written. Keys of no kind, and kinds listed in `raw_kinds`, are
/// bytes always.
///
/// @return what was done; `is_finished` is false when the progress function has stopped it: call again to go on. Otherwise:
///         conflict      the target holds other records and is no migration's; or somebody has written to it, or begun it from
///                       another source, since a migration was stopped there;
///         unsupported   kinds that must be converted were not named;
///         corrupt       a source's record is damaged, or does not decode: its key is named. Or the target does not hold what was
///                       written to it;
///         incompatible  the source is itself a migration that is not finished;
///         and what the backends answer, such as `full`. Whatever it is: once its cause is removed, the same call goes on.
/// @par Thread safety  Any thread, as far as the source goes. It flushes the source first, and runs in its caller's thread.
/// @par Complexity     O(records): one scan of the source (two with a progress function), which keeps SQLite from writing its log
///                     back; the writes; one scan of the target. Memory: two batches. A migration that goes on reads what is
///                     there, and compares.
template <class... T, class SourceBackend, class SourcePolicy, class SourceTraits, class TargetBackend, class TargetPolicy,
          class TargetTraits>
[[nodiscard]] Result<MigrateReport> migrate(Store<SourceBackend, SourcePolicy, SourceTraits>& source,
                                            Store<TargetBackend, TargetPolicy, TargetTraits>& target,
                                            const MigrateOptions& options = {}) {
    static_assert(std::is_same_v<TargetPolicy, NoCache>,
                  "migrate: open the target under NoCache: records go straight to its backend, past any cache");
    if constexpr ((detail::explain_entity<T>() && ...)) {
        if (auto flushed = source.flush(); !flushed) return failure(std::move(flushed).error());
        const detail::Conversion<typename SourceTraits::Codec, typename TargetTraits::Codec, T...> conversion{options.raw_kinds};
        detail::Migrator migrator{detail::BackendRef{source.backend()}, detail::BackendRef{target.backend()}, options};
        return migrator.run([&](std::string_view kind) { return conversion.accept(kind); }, conversion.copies_unnamed, conversion);
    } else {
        return failure(Errc::unsupported);
    }
}

JOINLY_NAMESPACE_END
#endif
