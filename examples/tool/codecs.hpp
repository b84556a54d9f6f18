#ifndef TOOL_CODECS_HPP
#define TOOL_CODECS_HPP
// How the tool writes and reads the kinds that it knows. A store keeps one codec (see open_store), as it does to C++, C and Python:
// a value that is written in the other one is `corrupt`, and is told by its first byte, for no binary one begins with a brace.
// Whether a value is compressed it tells by itself.
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

struct PlainBinary {
    static constexpr joinly::ValueForm form = joinly::ValueForm::bytes;
    static constexpr std::string_view name = "binary";
    template <known T>
    [[nodiscard]] static joinly::Status encode(const T& object, std::string& out) {
        return encode_binary(object, out);
    }
    template <known T>
    [[nodiscard]] static joinly::Status decode(std::string_view bytes, T& object) {
        if (!is_json(bytes)) return decode_binary(bytes, object);
        return joinly::failure(joinly::Errc::corrupt, "it is written in json, and the store keeps binary");
    }
};
struct PlainJson {
    static constexpr joinly::ValueForm form = joinly::ValueForm::text;
    static constexpr std::string_view name = "json";
    template <known T>
    [[nodiscard]] static joinly::Status encode(const T& object, std::string& out) {
        return encode_json(object, out);
    }
    template <known T>
    [[nodiscard]] static joinly::Status decode(std::string_view bytes, T& object) {
        if (is_json(bytes)) return decode_json(bytes, object);
        return joinly::failure(joinly::Errc::corrupt, "it is written in binary, and the store keeps json");
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
