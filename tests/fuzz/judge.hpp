#ifndef JOINLY_TESTS_FUZZ_JUDGE_HPP
#define JOINLY_TESTS_FUZZ_JUDGE_HPP
// What a decoder may do with bytes that nobody vouches for: answer an object that survives encoding and decoding, or
// `corrupt`, telling what and where, or `incompatible`; and allocate no more than the input accounts for.

#include <joinly/backend/concepts.hpp>
#include <joinly/codec/binary.hpp>
#include <joinly/codec/binary_into.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace joinly::test {

inline constexpr std::uint64_t allocated_per_input_byte = 64;
inline constexpr std::uint64_t allocated_besides = 64 * 1024;

/// Whether a fault's message begins with what was decoded and says where it is wrong.
template <class Codec, class T>
bool tells_place(std::string_view message) {
    if (!message.starts_with(detail::place_in_object<T>({}))) return false;
    const bool offset = message.find(" at byte ") != message.npos;
    if constexpr (requires { typename Codec::Plain; }) {
        return offset || tells_place<typename Codec::Plain, T>(message);
    } else if constexpr (Codec::form == ValueForm::bytes) {
        return offset;
    } else {  // well-formed JSON that does not fit has a field, or is no object at all
        return offset || message.find(", field ") != message.npos || message.ends_with("it is not an object") ||
               message.ends_with("nested too deeply") || message.ends_with("version is out of range");
    }
}

/// Equal; or the same bytes, for NaN equals nothing, in whatever order an unordered map has them.
template <class T>
bool are_alike(const T& left, const T& right, std::string left_bytes, std::string right_bytes) {
    if (left == right) return true;
    std::sort(left_bytes.begin(), left_bytes.end());
    std::sort(right_bytes.begin(), right_bytes.end());
    return left_bytes == right_bytes;
}

/// What a decoder's memory is accounted for by: the input, or what it is compressed from.
template <class Codec>
std::uint64_t accounting_bytes(std::string_view bytes) {
    if constexpr (requires { Codec::plain_size(bytes); }) {
        const auto plain = Codec::plain_size(bytes);
        if (plain && *plain > bytes.size()) return *plain;
    }
    return bytes.size();
}

/// Whether two objects are alike, as far as they can be encoded.
template <class Codec, class T>
bool has_same_encoding(const T& left, const T& right) {
    std::string left_bytes;
    std::string right_bytes;
    const bool left_encodes = Codec::encode(left, left_bytes).has_value();
    return left_encodes == Codec::encode(right, right_bytes).has_value() && are_alike(left, right, left_bytes, right_bytes);
}

/// What is wrong with how `Codec` decodes `bytes` as a T; empty when nothing is. `peak_bytes_of(work)` tells how many
/// bytes work() holds at its peak.
template <class Codec, class T, class Meter>
std::string complaint(std::string_view bytes, Meter peak_bytes_of) {
    T object;
    Status decoded;
    const std::uint64_t allocated = peak_bytes_of([&] { decoded = Codec::decode(bytes, object); });
    if (allocated > allocated_per_input_byte * accounting_bytes<Codec>(bytes) + allocated_besides)
        return std::to_string(allocated) + " bytes allocated for " + std::to_string(bytes.size());
    if constexpr (std::is_same_v<Codec, Binary>) {
        T used = object;  // a refused one as well
        const Status again = decode_into(bytes, used);
        if (again.has_value() != decoded.has_value()) return "another answer for an object that has been in use";
        if (decoded && !has_same_encoding<Codec>(used, object)) return "something else in an object that has been in use";
    }
    if (!decoded) {
        const std::string message{decoded.error().message()};
        if (decoded.error() == Errc::incompatible) return "";  // the mark of a newer version
        if (decoded.error() != Errc::corrupt) return "not corrupt but " + std::string{to_string(decoded.error().code())};
        return tells_place<Codec, T>(message) ? "" : "the place is missing: " + message;
    }

    std::string encoded;
    if (const Status status = Codec::encode(object, encoded); !status) {
        // JSON has times, and texts in Binary's bytes, that are read and cannot be written.
        return status.error() == Errc::invalid_argument ? "" : "encoding: " + std::string{status.error().message()};
    }
    T again;
    if (const Status status = Codec::decode(encoded, again); !status)
        return "its own encoding does not decode: " + std::string{status.error().message()};
    std::string encoded_again;
    if (const Status status = Codec::encode(again, encoded_again); !status)
        return "does not encode a second time: " + std::string{status.error().message()};
    return are_alike(object, again, encoded, encoded_again) ? "" : "comes back as something else";
}

}  // namespace joinly::test
#endif
