#ifndef JOINLY_DETAIL_CODEC_JSON_TEXT_HPP
#define JOINLY_DETAIL_CODEC_JSON_TEXT_HPP
// What is within the quotes of a JSON string: which characters stand for themselves, and what escapes stand for.

#include <joinly/config.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// How many characters from `at` on are ASCII and stand for themselves: neither quotes nor backslashes nor control characters.
/// O(their number), eight at a time.
[[nodiscard]] inline std::size_t plain_json_run(std::string_view text, std::size_t at) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t tops = ones << 7;
    const auto below = [](std::uint64_t bytes, std::uint64_t limit) { return (bytes - ones * limit) & ~bytes & tops; };
    std::size_t end = at;
    for (; end + 8 <= text.size(); end += 8) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, text.data() + end, 8);
        if (((bytes & tops) | below(bytes, 0x20) | below(bytes ^ ones * '"', 1) | below(bytes ^ ones * '\\', 1)) != 0) break;
    }
    const auto is_plain = [](unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; };
    while (end < text.size() && is_plain(static_cast<unsigned char>(text[end]))) ++end;
    return end - at;
}

inline void append_character(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t bits) { out.push_back(static_cast<char>(bits)); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xc0 | code >> 6);
        byte(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        byte(0xe0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3f));
        byte(0x80 | (code & 0x3f));
    } else {
        byte(0xf0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3f));
        byte(0x80 | (code >> 6 & 0x3f));
        byte(0x80 | (code & 0x3f));
    }
}

/// Appends what an escape stands for, in UTF-8. `at`, behind the backslash, goes behind the escape. False: there is no such one.
[[nodiscard]] inline bool take_json_escape(std::string_view text, std::size_t& at, std::string& out) {
    const auto hex = [&](std::uint32_t& code) {
        if (at + 4 > text.size()) return false;
        const char* const digits = text.data() + at;
        if (std::from_chars(digits, digits + 4, code, 16).ptr != digits + 4) return false;
        at += 4;
        return true;
    };
    if (at == text.size()) return false;
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char letter = text[at++];
    if (const std::size_t known = letters.find(letter); known != std::string_view::npos) {
        out.push_back(meanings[known]);
        return true;
    }
    std::uint32_t code = 0;
    if (letter != 'u' || !hex(code)) return false;
    if (code >= 0xd800 && code < 0xdc00) {
        std::uint32_t low = 0;
        if (text.substr(at, 2) != "\\u") return false;
        at += 2;
        if (!hex(low) || low < 0xdc00 || low > 0xdfff) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return false;
    }
    append_character(out, code);
    return true;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
