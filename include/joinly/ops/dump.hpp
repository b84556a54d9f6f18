#ifndef JOINLY_OPS_DUMP_HPP
#define JOINLY_OPS_DUMP_HPP
// A store as text, and back: one JSON line for each record, to be read, searched, edited, kept under version control, and loaded
// into a store of any backend and codec. Needs nlohmann-json.
//
//     auto dumped = joinly::dump<joinly::Player, joinly::Lobby>(*store, [&](std::string_view line) -> joinly::Status { ... });
//     auto loaded = joinly::load_dump<joinly::Player, joinly::Lobby>(*other, [&](std::string& line) -> joinly::Result<bool> { ...
//     });
//
//     {"joinly_dump":1,"codec":"binary","last_version":1208}
//     {"key":"player:ada","version":1201,"expires_at":1700000000000,"value":{"player_id":"ada","username":"Ada","skill_rating":1200}}
//     {"key":"replay:7","version":1207,"value_base64":"KLUv/SAA"}
//     {"joinly_dump_end":2}
//
// | member                     | what                                                                                             |
// |----------------------------|--------------------------------------------------------------------------------------------------|
// | key, or key_base64         | the whole key; in base64 where it is not UTF-8                                                   |
// | version                    | the record's                                                                                     |
// | expires_at                 | milliseconds since the Unix epoch; left out: never                                               |
// | value                      | the entity, as the Json codec writes it: of the types that are named                             |
// | value_base64, index_terms  | the bytes as they are stored, and what indexes know them by: of everything else, and of entities |
// |                            | that would not come back exactly (an older description's, a newer build's, a damaged one, one    |
// |                            | whose id is not its key's)                                                                       |
//
// Records come in the order of their keys. First the library's own that say which indexes are complete; index entries are left out,
// for they are made anew. A dump without its first line, such as one that grep has gone over, is loaded as well, and is then not
// missed when it is cut off.

#include <joinly/codec/json.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/ops/backend_ref.hpp>
#include <joinly/detail/ops/dump_codec.hpp>
#include <joinly/detail/ops/dumper.hpp>
#include <joinly/detail/ops/loader.hpp>
#include <joinly/fwd.hpp>
#include <joinly/ops/dump_options.hpp>
#include <joinly/policy/no_cache.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// Gives every record of the store, as of one moment, to `sink`, line by line, each without its end. What expired is dumped, too.
///
/// @return what was dumped. An error of the sink's ends the dump and is returned; `corrupt`: a record is damaged, which is named;
///         `incompatible`: the store is the target of a migration that is not finished.
/// @par Thread safety  Any thread, while others use the store. It flushes the store first, and runs in its caller's thread.
/// @par Complexity     O(bytes), one scan, which keeps SQLite from writing its log back. Memory: the largest record's.
template <class... T, class Backend, class CachePolicy, class Traits>
[[nodiscard]] Result<DumpReport> dump(Store<Backend, CachePolicy, Traits>& store, LineSink sink, const DumpOptions& options = {}) {
    using Codec = typename Traits::Codec;
    if constexpr ((detail::explain_entity<T>() && ...)) {
        if (auto flushed = store.flush(); !flushed) return failure(std::move(flushed).error());
        return detail::dump_records(detail::BackendRef{store.backend()}, Codec::name, detail::readable_value<Codec, T...>, sink,
                                    options);
    } else {
        return failure(Errc::unsupported);
    }
}

/// Puts what a dump holds into the store: each line that `source` gives, until it answers false.
///
/// A readable value needs its type named; bytes need a store of the codec that the dump was made from (or Zstd on top of it),
/// unless they are of no entity: see `raw_kinds`. A kind's indexes come along: those that the dump has complete, or, of a type that
/// is named, all that it declares, when the store had no records of the kind; where it had, an index that would not have all of
/// them is to be rebuilt (Store::rebuild_indexes).
///
/// @return what was loaded. Otherwise the message begins with the line's number, and what stood in earlier batches is loaded:
///         corrupt           the line is none of a dump's, or does not decode, or the entity's id is not its key's; or the dump is
///                           cut off;
///         conflict          a record is there already, and `existing` says to refuse that; or others write at the same place;
///         unsupported       the type of a readable value is not named, or bytes are another codec's;
///         invalid_argument  the key is none that a program may use;
///         incompatible      a newer library has made the dump, or a newer build the entity, or the kind has indexes here that the
///                           dump's bytes do not know;
///         and what the source and the backend answer, such as `full`.
/// @par Thread safety  Any thread, while others read; others that write may meet a conflict, or make one. It runs in its caller's
///                     thread. Open the store under NoCache.
/// @par Complexity     O(lines). Memory: two batches, and the kinds' names.
template <class... T, class Backend, class CachePolicy, class Traits>
[[nodiscard]] Result<LoadReport> load_dump(Store<Backend, CachePolicy, Traits>& store, LineSource source,
                                           const LoadOptions& options = {}) {
    using Codec = typename Traits::Codec;
    static_assert(std::is_same_v<CachePolicy, NoCache>,
                  "load_dump: open the store under NoCache: records go straight to its backend, past any cache");
    if constexpr ((detail::explain_entity<T>() && ...)) {
        const detail::LoadedTypes types{Codec::name, detail::plain_name<Codec>(), detail::encode_readable<Codec, T...>,
                                        detail::declared_catalogue<T...>, detail::form_of_value<Codec>};
        return detail::Loader{detail::BackendRef{store.backend()}, types, options}.run(source);
    } else {
        return failure(Errc::unsupported);
    }
}

JOINLY_NAMESPACE_END
#endif
