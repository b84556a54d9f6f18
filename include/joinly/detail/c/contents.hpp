#ifndef JOINLY_DETAIL_C_CONTENTS_HPP
#define JOINLY_DETAIL_C_CONTENTS_HPP
// What is done with all of a store's records, past its policy, where backend and codec are chosen at run time: dump and load,
// verify, migrate.

#include <joinly/codec/binary.hpp>
#include <joinly/codec/json.hpp>
#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/c/any_backend.hpp>
#include <joinly/detail/c/any_store.hpp>
#include <joinly/detail/c/document.hpp>
#include <joinly/detail/ops/line_file.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/entity/queue_claims.hpp>
#include <joinly/ops/dump.hpp>
#include <joinly/ops/migrate.hpp>
#include <joinly/ops/verify.hpp>
#include <joinly/policy/no_cache.hpp>
#include <joinly/store.hpp>
#include <joinly/traits.hpp>
#if !defined(JOINLY_C_WITHOUT_ZSTD)
#include <joinly/codec/zstd.hpp>
#endif

#include <string>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What a C++ store has whose records these are.
template <DocumentCodec codec>
struct ContentsTraits : DefaultTraits {
    using Codec = PlainDocumentCodec<codec>;
};
#if !defined(JOINLY_C_WITHOUT_ZSTD)
template <DocumentCodec codec>
requires(is_zstd(codec)) struct ContentsTraits<codec> : DefaultTraits {
    using Codec = Zstd<PlainDocumentCodec<codec>>;
};
#endif

template <DocumentCodec codec, class Work>
[[nodiscard]] auto work_on(const AnyContents& contents, Work& work) {
    auto store = Store<AnyBackend, NoCache, ContentsTraits<codec>>::open(contents.backend);
    using Answer = decltype(work(*store));
    if (!store) return Answer{failure(std::move(store).error())};
    return work(*store);
}

/// What `work` answers, a Result, when it is given the contents as a typed store.
template <class Work>
[[nodiscard]] auto with_contents(const AnyContents& contents, Work work) {
    switch (contents.codec) {
        case DocumentCodec::json: break;
        case DocumentCodec::binary: return work_on<DocumentCodec::binary>(contents, work);
        case DocumentCodec::json_zstd: return work_on<DocumentCodec::json_zstd>(contents, work);
        case DocumentCodec::binary_zstd: return work_on<DocumentCodec::binary_zstd>(contents, work);
    }
    return work_on<DocumentCodec::json>(contents, work);
}

[[nodiscard]] inline Result<DumpReport> dump_contents(const AnyContents& contents, const std::string& file) {
    DumpReport report;
    auto written = write_lines(file, [&](LineSink sink) -> Status {
        const auto dumped =
            with_contents(contents, [&](auto& store) { return dump<Lobby, Match, Player, Queue, QueueClaims>(store, sink); });
        if (!dumped) return failure(dumped.error());
        report = *dumped;
        return {};
    });
    if (!written) return failure(std::move(written).error());
    return report;
}

[[nodiscard]] inline Result<LoadReport> load_contents(const AnyContents& contents, const std::string& file, Existing existing) {
    if (contents.is_cached) {
        return failure(Errc::invalid_argument,
                       "a dump is loaded past any cache: open the store with the policy 'none' for that, and anew afterwards");
    }
    auto lines = LineReader::open(file);
    if (!lines) return failure(std::move(lines).error());
    auto loaded = with_contents(contents, [&](auto& store) {
        const auto next = [&](std::string& line) { return lines->next(line); };
        return load_dump<Lobby, Match, Player, Queue, QueueClaims>(store, next, {.existing = existing});
    });
    if (loaded || loaded.error().message().starts_with(file)) return loaded;
    return failure(loaded.error().code(), file + ": " + std::string{loaded.error().message()});  // of a line
}

[[nodiscard]] inline Result<VerifyReport> verify_contents(const AnyContents& contents, bool thorough) {
    return with_contents(contents, [&](auto& store) {
        return verify_store<Lobby, Match, Player, Queue, QueueClaims>(store, {.thorough = thorough});
    });
}

[[nodiscard]] inline Result<MigrateReport> migrate_contents(const AnyContents& contents, const AnyBackend::Options& into) {
    return with_contents(contents, [&](auto& source) -> Result<MigrateReport> {
        auto target = std::remove_reference_t<decltype(source)>::open(into);
        if (!target) return failure(std::move(target).error());
        return migrate(source, *target);
    });
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
