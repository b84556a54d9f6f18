#ifndef TOOL_KEY_TEXT_HPP
#define TOOL_KEY_TEXT_HPP
// Keys are bytes, and people type text. Text stands for itself where it is UTF-8 that can be seen; every other byte is written
// \xNN, and a backslash \x5c. What one command prints, another one takes.

#include <joinly/core/result.hpp>

#include <string>
#include <string_view>

namespace tool {

[[nodiscard]] std::string key_to_text(std::string_view key);

/// `invalid_argument` when a backslash is not the beginning of \xNN.
[[nodiscard]] joinly::Result<std::string> key_from_text(std::string_view text);

}  // namespace tool
#endif
