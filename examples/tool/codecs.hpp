#ifndef TOOL_CODECS_HPP
#define TOOL_CODECS_HPP
// How the tool writes and reads the kinds that it knows. It writes as it is told, and reads whatever is there: a value tells by
// itself whether it is compressed, and, for no binary one begins with a brace, whether it is JSON.
//
// The library's codecs are compiled once each, in codec_binary.cpp and codec_json.cpp; all other files would pay for instantiating
// them as well.

#include <joinly/codec/zstd.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/traits.hpp>

#include <string>
#include <string_view>

#include "known_kinds.hpp"

namespace tool {

// As joinly::Binary and joinly::Json do.
template <known T>
[[nodiscard]] joinly::Status encode_binary(const T& object, std::string& out);
template <known T>
[[nodiscard]] joinly::Status encode_json(const T& object, std::string& out);
template <known T>
[[nodiscard]] joinly::Status decode_binary(std::string_view bytes, T& object);
template <known T>
[[nodiscard]] joinly::Status decode_json(std::string_view text, T& object);

/// Of a value that is not compressed.
[[nodiscard]] constexpr bool is_json(std::string_view value) noexcept { return value.starts_with('{'); }

struct ReadsEither {
    template <known T>
    [[nodiscard]] static joinly::Status decode(std::string_view bytes, T& object) {
        return is_json(bytes) ? decode_json(bytes, object) : decode_binary(bytes, object);
    }
};

struct PlainBinary : ReadsEither {
    static constexpr joinly::ValueForm form = joinly::ValueForm::bytes;
    static constexpr std::string_view name = "binary";
    template <known T>
    [[nodiscard]] static joinly::Status encode(const T& object, std::string& out) {
        return encode_binary(object, out);
    }
};
struct PlainJson : ReadsEither {
    static constexpr joinly::ValueForm form = joinly::ValueForm::text;
    static constexpr std::string_view name = "json";
    template <known T>
    [[nodiscard]] static joinly::Status encode(const T& object, std::string& out) {
        return encode_json(object, out);
    }
};

using BinaryZstd = joinly::Zstd<PlainBinary>;
using JsonZstd = joinly::Zstd<PlainJson>;

/// Compresses nothing, and reads what is compressed.
template <class Plain>
struct Uncompressed : Plain {
    template <known T>
    [[nodiscard]] static joinly::Status decode(std::string_view bytes, T& object) {
        return joinly::Zstd<Plain>::decode(bytes, object);
    }
};
using Binary = Uncompressed<PlainBinary>;
using Json = Uncompressed<PlainJson>;

template <class ChosenCodec>
struct TraitsOf : joinly::DefaultTraits {
    using Codec = ChosenCodec;
};

}  // namespace tool
#endif
