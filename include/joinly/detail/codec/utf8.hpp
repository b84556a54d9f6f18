#ifndef JOINLY_DETAIL_CODEC_UTF8_HPP
#define JOINLY_DETAIL_CODEC_UTF8_HPP
// Whether bytes are UTF-8, as RFC 3629 has it: nothing overlong, no surrogates, nothing above U+10FFFF.

#include <joinly/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The length of the character that `text`, which is not empty, begins with; 0 when it begins with none.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto in = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
    const auto continues = [&](std::size_t i) { return in(byte(i), 0x80, 0xbf); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (in(first, 0xc2, 0xdf)) return continues(1) ? 2 : 0;
    if (in(first, 0xe0, 0xef)) {
        const bool second = in(byte(1), first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
        return second && continues(2) ? 3 : 0;
    }
    if (in(first, 0xf0, 0xf4)) {
        const bool second = in(byte(1), first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
        return second && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

/// How many characters of ASCII `text` begins with, but for some; looks at eight at a time.
[[nodiscard]] inline std::size_t ascii_run(std::string_view text) noexcept {
    std::size_t end = 0;
    for (std::uint64_t bytes = 0; end + 8 <= text.size(); end += 8) {
        std::memcpy(&bytes, text.data() + end, 8);
        if ((bytes & 0x8080808080808080U) != 0) break;
    }
    return end;
}

[[nodiscard]] constexpr bool is_utf8(std::string_view text) noexcept {
    if (!std::is_constant_evaluated()) text.remove_prefix(ascii_run(text));
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
