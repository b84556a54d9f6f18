// What takes the library's JSON codec apart: encoding and decoding for the other files, and dumps.

#include <joinly/codec/json.hpp>
#include <joinly/ops/dump.hpp>
#include <joinly/store.hpp>

#include "codecs.hpp"
#include "move.hpp"

namespace tool {

template <known T>
joinly::Status encode_json(const T& object, std::string& out) {
    return joinly::Json::encode(object, out);
}
template <known T>
joinly::Status decode_json(std::string_view text, T& object) {
    return joinly::Json::decode(text, object);
}

template joinly::Status encode_json(const joinly::Lobby&, std::string&);
template joinly::Status encode_json(const joinly::Match&, std::string&);
template joinly::Status encode_json(const joinly::Player&, std::string&);
template joinly::Status encode_json(const joinly::Queue&, std::string&);
template joinly::Status encode_json(const joinly::QueueClaims&, std::string&);
template joinly::Status decode_json(std::string_view, joinly::Lobby&);
template joinly::Status decode_json(std::string_view, joinly::Match&);
template joinly::Status decode_json(std::string_view, joinly::Player&);
template joinly::Status decode_json(std::string_view, joinly::Queue&);
template joinly::Status decode_json(std::string_view, joinly::QueueClaims&);

namespace {

template <class Codec>
using StoreWith = joinly::Store<AnyBackend, joinly::NoCache, TraitsOf<Codec>>;

/// Calls `work(store)` with the store as its codec has it. JSON is here the library's own, for dumps hand its text through.
template <class Work>
auto with_store(const Opened& opened, Work work) {
    const auto call = [&]<class Codec>(std::type_identity<Codec>) -> decltype(work(std::declval<StoreWith<Codec>&>())) {
        auto store = StoreWith<Codec>::open({opened.engine});
        if (!store) return joinly::failure(store.error());
        return work(*store);
    };
    if (opened.codec == CodecName::json) {
        return opened.place.compress ? call(std::type_identity<joinly::Zstd<joinly::Json>>{})
                                     : call(std::type_identity<joinly::Json>{});
    }
    return opened.place.compress ? call(std::type_identity<BinaryZstd>{}) : call(std::type_identity<Binary>{});
}

}  // namespace

joinly::Result<joinly::DumpReport> dump_store(const Opened& from, joinly::LineSink sink, const joinly::DumpOptions& options) {
    return with_store(from, [&](auto& store) {
        return KnownKinds::apply([&]<class... T>(std::type_identity<T>...) { return joinly::dump<T...>(store, sink, options); });
    });
}

joinly::Result<joinly::LoadReport> load_store(const Opened& into, joinly::LineSource source, const joinly::LoadOptions& options) {
    return with_store(into, [&](auto& store) {
        return KnownKinds::apply(
            [&]<class... T>(std::type_identity<T>...) { return joinly::load_dump<T...>(store, source, options); });
    });
}

}  // namespace tool
