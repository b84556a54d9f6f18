#include "parse.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace tool {
namespace {

/// The number that `text` begins with, and what follows it.
std::optional<std::pair<std::uint64_t, std::string_view>> leading_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

}  // namespace

joinly::Result<std::optional<std::chrono::milliseconds>> parse_duration(std::string_view text) {
    using Duration = std::optional<std::chrono::milliseconds>;
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> units{
        {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
    if (text.empty()) return Duration{};
    const auto number = leading_number(text);
    for (const auto& [unit, milliseconds] : units) {
        constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
        if (number && number->second == unit && number->first <= most / milliseconds)
            return Duration{static_cast<std::int64_t>(number->first * milliseconds)};
    }
    return joinly::failure(joinly::Errc::invalid_argument,
                           "'" + std::string{text} + "' is no duration: 1500ms, 90s, 30m, 24h and 7d are");
}

joinly::Result<std::optional<joinly::Version>> parse_expected(std::string_view text) {
    using Expected = std::optional<joinly::Version>;
    if (text.empty()) return Expected{};
    if (text == "absent") return Expected{joinly::absent};
    const auto number = leading_number(text);
    if (number && number->second.empty()) return Expected{number->first};
    return joinly::failure(joinly::Errc::invalid_argument, "'" + std::string{text} + "' is neither a version nor 'absent'");
}

}  // namespace tool
