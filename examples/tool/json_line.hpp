#ifndef TOOL_JSON_LINE_HPP
#define TOOL_JSON_LINE_HPP
// One JSON object on one line, member by member: what --json prints.

#include <cstdint>
#include <string>
#include <string_view>

namespace tool {

class JsonLine {
public:
    JsonLine& text(std::string_view name, std::string_view value);
    JsonLine& number(std::string_view name, std::uint64_t value);
    JsonLine& number(std::string_view name, double value);
    JsonLine& boolean(std::string_view name, bool value);
    JsonLine& null(std::string_view name);
    /// `json` is JSON already.
    JsonLine& value(std::string_view name, std::string_view json);
    /// Text where the bytes are UTF-8; else base64, and the name is `name` with "_base64".
    JsonLine& bytes(std::string_view name, std::string_view bytes);

    /// The whole object, without a line break.
    [[nodiscard]] std::string str() const { return line_.empty() ? "{}" : line_ + '}'; }

private:
    void begin(std::string_view name);

    std::string line_;
};

/// `text` as a JSON string, in quotation marks. What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace tool
#endif
