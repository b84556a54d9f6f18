#ifndef JOINLY_DETAIL_CODEC_WIRE_HPP
#define JOINLY_DETAIL_CODEC_WIRE_HPP
// The Protocol Buffers wire format, below any type: varints, fixed-width numbers, tags.

#include <joinly/config.hpp>
#include <joinly/detail/entity/field_types.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, delimited = 2, group_begin = 3, group_end = 4, fixed32 = 5 };

inline constexpr std::uint32_t max_field_number = (1U << 29) - 1;
inline constexpr int max_depth = 64;                          // of messages and map entries within each other
inline constexpr std::size_t max_brackets = 2 * 64 + 2;       // of JSON: two for each level, and a little more
inline constexpr std::size_t max_message_bytes = 0x7fffffff;  // what other implementations read
inline constexpr std::size_t max_varint_bytes = 10;
inline constexpr std::size_t max_tag_bytes = 5;

/// What a decoder may allocate for a message of `bytes`.
constexpr std::size_t memory_budget(std::size_t bytes) noexcept { return 64 * bytes + 64 * 1024; }
/// Only elements so large that empty ones come near the budget need be counted against it.
constexpr std::size_t cost_of_element(std::size_t bytes, std::size_t least_wire_bytes) noexcept {
    return bytes > 32 * least_wire_bytes ? bytes : 0;
}
template <class List>  // an empty element: a tag and a length
inline constexpr std::size_t list_element_cost = cost_of_element(sizeof(typename List::value_type), 2);
template <class Map>  // a node has some words of its own; an entry under a key that no other has: tag, length, tag, key
inline constexpr std::size_t map_entry_cost = cost_of_element(sizeof(typename Map::value_type) + 64, 4);

template <class Number>
constexpr WireType wire_type_of_number() noexcept {
    if constexpr (std::is_floating_point_v<Number>) {
        return sizeof(Number) == 4 ? WireType::fixed32 : WireType::fixed64;
    } else {
        return WireType::varint;
    }
}

template <single_field T>
constexpr WireType wire_type_of_field() noexcept {
    if constexpr (scalar_field<wire_type_of<T>>) {
        return wire_type_of_number<number_of<wire_type_of<T>>>();
    } else {
        return WireType::delimited;
    }
}

constexpr std::uint32_t make_tag(std::uint32_t number, WireType type) noexcept {
    return number << 3 | static_cast<std::uint32_t>(type);
}

constexpr std::size_t varint_size(std::uint64_t value) noexcept {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

/// The bits of a number as the wire has them: integers widened to 64 bits with their sign, floats as they are.
template <class Number>
constexpr auto to_bits(Number number) noexcept {
    if constexpr (std::is_same_v<Number, float>) {
        return std::bit_cast<std::uint32_t>(number);
    } else if constexpr (std::is_same_v<Number, double>) {
        return std::bit_cast<std::uint64_t>(number);
    } else if constexpr (std::is_signed_v<Number>) {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
    } else {
        return static_cast<std::uint64_t>(number);
    }
}

/// An integer that is too wide is cut down, as every Protocol Buffers implementation does.
template <class Number, class Bits>
constexpr Number from_bits(Bits bits) noexcept {
    if constexpr (std::is_floating_point_v<Number>) {
        return std::bit_cast<Number>(bits);
    } else if constexpr (std::is_same_v<Number, bool>) {
        return bits != 0;
    } else {
        return static_cast<Number>(bits);
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
