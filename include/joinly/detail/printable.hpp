#ifndef JOINLY_DETAIL_PRINTABLE_HPP
#define JOINLY_DETAIL_PRINTABLE_HPP
// Keys in messages: what is not printable ASCII is written as \xNN, so that a NUL does not end the message.

#include <joinly/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline std::string printable(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '\\') {
            text.push_back(c);
        } else {
            text.append("\\x").push_back(digits[byte >> 4]);
            text.push_back(digits[byte & 0xf]);
        }
    }
    return text;
}

/// The first 40 bytes, and "..." when there are more: for what others wrote, which may be of any length.
[[nodiscard]] inline std::string printable_start(std::string_view bytes) {
    constexpr std::size_t most = 40;
    return printable(bytes.substr(0, most)) + (bytes.size() > most ? "..." : "");
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
