#include "json_line.hpp"

#include <joinly/detail/codec/base64.hpp>
#include <joinly/detail/codec/utf8.hpp>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>

namespace tool {

std::string json_string(std::string_view text) {
    std::string out{'"'};
    while (!text.empty()) {
        const std::size_t length = joinly::detail::utf8_length(text);
        const char first = text.front();
        if (length == 0) {
            out += "\xEF\xBF\xBD";
        } else if (first == '"' || first == '\\') {
            out.append(1, '\\').append(1, first);
        } else if (static_cast<unsigned char>(first) < 0x20 || first == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(first)));
            out += escaped;
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out += '"';
}

void JsonLine::begin(std::string_view name) { line_.append(line_.empty() ? "{" : ",").append(json_string(name)).append(":"); }

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
    begin(name);
    line_ += json_string(value);
    return *this;
}
JsonLine& JsonLine::number(std::string_view name, std::uint64_t value) {
    begin(name);
    line_ += std::to_string(value);
    return *this;
}
JsonLine& JsonLine::number(std::string_view name, double value) {
    if (!std::isfinite(value)) return null(name);
    begin(name);
    char digits[32];
    line_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    return *this;
}
JsonLine& JsonLine::boolean(std::string_view name, bool value) { return this->value(name, value ? "true" : "false"); }
JsonLine& JsonLine::null(std::string_view name) { return value(name, "null"); }
JsonLine& JsonLine::value(std::string_view name, std::string_view json) {
    begin(name);
    line_ += json;
    return *this;
}
JsonLine& JsonLine::bytes(std::string_view name, std::string_view bytes) {
    if (joinly::detail::is_utf8(bytes)) return text(name, bytes);
    std::string base64;
    const auto as_bytes = std::as_bytes(std::span{bytes});
    joinly::detail::append_base64(base64, as_bytes.data(), as_bytes.size());
    return text(std::string{name} + "_base64", base64);
}

}  // namespace tool
