#ifndef JOINLY_DETAIL_INDEX_CURSOR_HPP
#define JOINLY_DETAIL_INDEX_CURSOR_HPP
// Where a page of a query ended, as text for a client to bring back: the last entry's key without what all keys of the index
// begin with, after the CRC-32C (4 bytes, the highest first) of the query's fingerprint and of that; in hexadecimal digits.

#include <joinly/config.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/detail/index/key_encoding.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

[[nodiscard]] inline std::string to_hex(std::string_view bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char c : bytes) {
        text.push_back(hex_digits[static_cast<unsigned char>(c) >> 4]);
        text.push_back(hex_digits[static_cast<unsigned char>(c) & 0xf]);
    }
    return text;
}

/// nullopt: not what to_hex writes.
[[nodiscard]] inline std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const std::size_t high = hex_digits.find(text[i]);
        const std::size_t low = hex_digits.find(text[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        bytes.push_back(static_cast<char>(high << 4 | low));
    }
    return bytes;
}

/// "\0i", the kind, ':' and the index's number.
[[nodiscard]] inline std::string_view index_root(std::string_view entry_key) {
    return entry_key.substr(0, entry_key.find(':') + 3);
}

[[nodiscard]] inline std::string sealed_cursor(std::string_view fingerprint, std::string_view place) {
    std::string bytes;
    append_big_endian(bytes, crc32c(place, crc32c(fingerprint)), 4);
    return to_hex(bytes.append(place));
}

/// The place that a cursor tells; nullopt: it is damaged, or another query's.
[[nodiscard]] inline std::optional<std::string> place_in_cursor(std::string_view fingerprint, std::string_view cursor) {
    auto bytes = from_hex(cursor);
    if (!bytes || bytes->size() < 4) return std::nullopt;
    bytes->erase(0, 4);
    if (sealed_cursor(fingerprint, *bytes) != cursor) return std::nullopt;
    return bytes;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
