#ifndef JOINLY_DETAIL_CODEC_BASE64_HPP
#define JOINLY_DETAIL_CODEC_BASE64_HPP
// Bytes in JSON: standard base64 with padding (RFC 4648), what Python's base64.b64encode writes and b64decode reads.

#include <joinly/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline void append_base64(std::string& out, const std::byte* bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; i += 3) {
        const auto byte = [&](std::size_t at) { return at < count ? std::to_integer<std::uint32_t>(bytes[at]) : 0U; };
        const std::uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        out.push_back(base64_digits[bits >> 18]);
        out.push_back(base64_digits[bits >> 12 & 63]);
        out.push_back(i + 1 < count ? base64_digits[bits >> 6 & 63] : '=');
        out.push_back(i + 2 < count ? base64_digits[bits & 63] : '=');
    }
}

/// Appends to `bytes`, any vector of std::byte; false when `text` is not what append_base64 writes.
template <class Bytes>
bool read_base64(std::string_view text, Bytes& bytes) {
    if (text.size() % 4 != 0) return false;
    bytes.reserve(bytes.size() + text.size() / 4 * 3);
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    const std::size_t digits = text.size() - padding;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const std::size_t value = base64_digits.find(text[i]);
        if (value == std::string_view::npos) return false;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (i % 4 != 0) bytes.push_back(static_cast<std::byte>(bits >> (6 - 2 * (i % 4)) & 0xff));
    }
    const std::uint32_t unused = padding == 2 ? bits & 0xf : padding == 1 ? bits & 0x3 : 0;
    return unused == 0;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
