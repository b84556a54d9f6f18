#ifndef JOINLY_CODEC_BINARY_INTO_HPP
#define JOINLY_CODEC_BINARY_INTO_HPP
// Decoding what Binary has encoded into an object that is kept, so that its memory serves again:
//
//     joinly::Player player;
//     while (next(bytes)) {
//         if (auto decoded = joinly::decode_into(bytes, player); !decoded) return decoded;
//         ...
//     }
//
// It pays with long strings, lists and maps (a lobby of eight in 0.7 of the time), and costs a third more for a Player with short
// strings. The bytes are what Binary::encode (binary.hpp) has appended to a string.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/binary_decode_into.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/described.hpp>

#include <concepts>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// Reads `bytes` into `object`, which may have been in use: afterwards its fields are what Binary::decode gives a fresh one.
/// Strings, vectors and what is in them keep their memory, as do the nodes of a std::map, so that a loop over messages of about the
/// same size soon allocates nothing. What is let go of: optionals that become empty, elements that become fewer, unknown fields,
/// and the buckets of a std::unordered_map.
///
/// Members that the description does not give keep what they have, those of list elements too: not for structs with such.
///
/// `bytes` must not lie in `object`.
///
/// @return as Binary::decode, after an error of which `object` holds some of the fields; memory that strings and vectors of
/// `object` have already is not held against the bytes.
/// @par Complexity  As Binary::decode; and one default-constructed T, and one for each optional, map entry or list of structs.
template <described T>
requires std::copyable<T>
[[nodiscard]] Status decode_into(std::string_view bytes, T& object) {
    if constexpr (detail::explain_fields<T>()) {
        return detail::decode_binary_into(bytes, object);
    } else {
        return failure(Errc::unsupported);
    }
}

JOINLY_NAMESPACE_END
#endif
