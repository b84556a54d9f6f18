#include <joinly/ops/migrate.hpp>
#include <joinly/store.hpp>

#include "codecs.hpp"
#include "move.hpp"

namespace tool {
namespace {

/// What reads a source, and is no target's: so that every record is converted.
template <class Codec>
struct SourceOf : Codec {
    static constexpr std::string_view name = "another codec";
};

template <class Codec>
using StoreWith = joinly::Store<AnyBackend, joinly::NoCache, TraitsOf<Codec>>;

template <class Source, class Target>
joinly::Result<joinly::MigrateReport> run(const Opened& from, const Opened& into, const joinly::MigrateOptions& options) {
    auto source = StoreWith<Source>::open({from.engine});
    if (!source) return joinly::failure(source.error());
    auto target = StoreWith<Target>::open({into.engine});
    if (!target) return joinly::failure(target.error());
    return KnownKinds::apply(
        [&]<class... T>(std::type_identity<T>...) { return joinly::migrate<T...>(*source, *target, options); });
}

template <class Target>
joinly::Result<joinly::MigrateReport> run_into(const Opened& from, const Opened& into, const joinly::MigrateOptions& options) {
    const bool same = from.codec == into.codec && from.place.compress == into.place.compress;
    if (same) return run<Target, Target>(from, into, options);
    return from.codec == CodecName::json ? run<SourceOf<Json>, Target>(from, into, options)
                                         : run<SourceOf<Binary>, Target>(from, into, options);
}

}  // namespace

joinly::Result<joinly::MigrateReport> migrate_store(const Opened& from, const Opened& into, const joinly::MigrateOptions& options) {
    if (into.codec == CodecName::json)
        return into.place.compress ? run_into<JsonZstd>(from, into, options) : run_into<Json>(from, into, options);
    return into.place.compress ? run_into<BinaryZstd>(from, into, options) : run_into<Binary>(from, into, options);
}

}  // namespace tool
