#include <joinly/core/key.hpp>

#include <map>

#include "any_store.hpp"
#include "codecs.hpp"

namespace tool {
namespace {

CodecName codec_of(std::string_view value) {
    namespace detail = joinly::detail;
    if (!detail::is_compressed(value)) return is_json(value) ? CodecName::json : CodecName::binary;
    const auto plain = detail::read_zstd_frame(value.substr(1), joinly::ZstdOptions{}.limit_bytes);
    return plain && is_json(*plain) ? CodecName::json : CodecName::binary;  // reading it will tell that it is damaged
}

/// Of the first record that can be read: a scan ends where one cannot, and then the store could not even be verified. `damage`:
/// there is none.
joinly::Result<std::optional<CodecName>> codec_around_damage(Engine& engine, const joinly::Error& damage) {
    std::optional<CodecName> codec;
    (void)engine.examine(
        [&](std::string_view key, const joinly::RecordView& record) {
            if (is_known_kind(key)) codec = codec_of(record.value);
            return !codec;
        },
        [](std::string_view, const joinly::Error&) { return true; });
    if (!codec) return joinly::failure(damage);
    return codec;
}

joinly::Result<std::unique_ptr<AnyStore>> make_store(CodecName codec, bool compress, std::shared_ptr<Engine> engine) {
    if (codec == CodecName::json) return (compress ? make_json_zstd_store : make_json_store)(std::move(engine));
    return (compress ? make_binary_zstd_store : make_binary_store)(std::move(engine));
}

}  // namespace

joinly::Result<std::unique_ptr<Engine>> open_engine(const Place& place, Access access) {
    if (access != Access::create && !place.exists())
        return joinly::failure(joinly::Errc::not_found, "there is no store at " + place.text());
    switch (place.engine) {
        case EngineName::sqlite: return open_sqlite(place, access);
        case EngineName::leveldb: return open_leveldb(place, access);
    }
    return joinly::failure(joinly::Errc::unsupported);
}

bool is_known_kind(std::string_view key) {
    return KnownKinds::visit(key, [](auto) {});
}

joinly::Status scan_past_damage(Engine& engine, joinly::KeyRange range, joinly::ScanVisitor visit, joinly::FlawVisitor on_flaw) {
    std::map<std::string, joinly::Error> damaged;
    for (std::string behind = range.begin;; range.begin = behind) {
        const auto scanned = engine.scan(range, [&](std::string_view key, const joinly::RecordView& record) {
            behind.assign(key).push_back('\0');
            return visit(key, record);
        });
        if (scanned || scanned.error() != joinly::Errc::corrupt) return scanned;
        if (damaged.empty()) {
            (void)engine.examine([](std::string_view, const joinly::RecordView&) { return true; },
                                 [&](std::string_view key, const joinly::Error& flaw) {
                                     damaged.emplace(key, flaw);
                                     return true;
                                 });
        }
        const auto first = damaged.lower_bound(behind);
        if (first == damaged.end() || !range.contains(first->first)) return scanned;
        if (!on_flaw(first->first, first->second)) return {};
        behind = first->first + '\0';
    }
}

joinly::Result<std::optional<CodecName>> detect_codec(Engine& engine) {
    std::optional<CodecName> codec;
    joinly::Status status;
    KnownKinds::visit_all([&]<class T>(std::type_identity<T>) {
        if (codec || !status) return;
        status = engine.scan(joinly::kind_range(joinly::kind_of<T>), [&](std::string_view, const joinly::RecordView& record) {
            codec = codec_of(record.value);
            return false;
        });
    });
    if (status) return codec;
    if (status.error() != joinly::Errc::corrupt) return joinly::failure(status.error());
    return codec_around_damage(engine, status.error());
}

joinly::Result<Opened> open_records(const std::string& text, Access access, CodecName codec) {
    auto place = parse_place(text);
    if (!place) return joinly::failure(std::move(place).error());
    const bool is_new = !place->exists();
    auto engine = open_engine(*place, access);
    if (!engine) return joinly::failure(std::move(engine).error());
    Opened opened{std::move(*place), std::move(*engine), nullptr, CodecName::binary, is_new};
    auto found = detect_codec(*opened.engine);
    const auto wanted = opened.place.codec;
    if (!found && found.error() == joinly::Errc::corrupt) {
        if (access == Access::create && !wanted)
            return joinly::failure(joinly::Errc::corrupt, std::string{found.error().message()} +
                                                              ": which codec the store keeps cannot be told; name it: " +
                                                              std::string{name_of(opened.place.engine)} +
                                                              "+json:" + opened.place.path + " or +binary");
        found = wanted;
    }
    if (!found) return joinly::failure(found.error());
    if (wanted && *found && *wanted != **found) {
        return joinly::failure(joinly::Errc::incompatible, "the records of " + opened.place.text() + " are written in " +
                                                               std::string{name_of(**found)} +
                                                               ", by the first one that can be read");
    }
    opened.codec = found->value_or(wanted.value_or(codec));
    return opened;
}

joinly::Result<Opened> open_store(const std::string& text, Access access, CodecName codec) {
    auto opened = open_records(text, access, codec);
    if (!opened) return opened;
    auto store = make_store(opened->codec, opened->place.compress, opened->engine);
    if (!store) return joinly::failure(std::move(store).error());
    opened->store = std::move(*store);
    return opened;
}

}  // namespace tool
