#include "key_text.hpp"

#include <joinly/detail/codec/utf8.hpp>
#include <joinly/detail/printable.hpp>

#include <charconv>

#include "../common/text.hpp"

namespace tool {

std::string key_to_text(std::string_view key) {
    std::string text;
    while (!key.empty()) {
        const std::size_t length = joinly::detail::utf8_length(key);
        const std::string_view character = key.substr(0, length == 0 ? 1 : length);
        if (length < 2 || common::printable(character).empty()) {  // a byte alone, or what steers a terminal
            text += joinly::detail::printable(character);
        } else {
            text += character;
        }
        key.remove_prefix(character.size());
    }
    return text;
}

joinly::Result<std::string> key_from_text(std::string_view text) {
    std::string key;
    while (!text.empty()) {
        if (text.front() != '\\') {
            key += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned byte = 0;
        const char* const digits = text.data() + 2;
        if (text.size() < 4 || text[1] != 'x' || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
            return joinly::failure(
                joinly::Errc::invalid_argument,
                "a key's backslash begins a byte, \\x00 to \\xff, and is itself written \\x5c: '" + std::string{text} + "'");
        }
        key += static_cast<char>(byte);
        text.remove_prefix(4);
    }
    return key;
}

}  // namespace tool
