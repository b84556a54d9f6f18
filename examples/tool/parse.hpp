#ifndef TOOL_PARSE_HPP
#define TOOL_PARSE_HPP
// What people type after an option.

#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace tool {

/// "1500ms", "90s", "30m", "24h", "7d"; nullopt: `text` is empty.
[[nodiscard]] joinly::Result<std::optional<std::chrono::milliseconds>> parse_duration(std::string_view text);

/// A version, or "absent"; nullopt: `text` is empty.
[[nodiscard]] joinly::Result<std::optional<joinly::Version>> parse_expected(std::string_view text);

}  // namespace tool
#endif
