#ifndef JOINLY_CORE_RANGE_HPP
#define JOINLY_CORE_RANGE_HPP
// A stretch of the key order to scan.

#include <joinly/config.hpp>

#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

enum class Direction : bool { forward, backward };

/// Keys from `begin` (included) to `end` (excluded; empty means no end), compared as unsigned bytes.
struct KeyRange {
    std::string begin;
    std::string end;
    Direction direction = Direction::forward;

    /// All keys that start with `prefix`.
    [[nodiscard]] static KeyRange prefix(std::string_view prefix) {
        KeyRange range{std::string{prefix}, std::string{prefix}, Direction::forward};
        while (!range.end.empty() && static_cast<unsigned char>(range.end.back()) == 0xff) range.end.pop_back();
        if (!range.end.empty()) range.end.back() = static_cast<char>(static_cast<unsigned char>(range.end.back()) + 1);
        return range;
    }

    [[nodiscard]] bool contains(std::string_view key) const noexcept { return key >= begin && (end.empty() || key < end); }
};

JOINLY_NAMESPACE_END
#endif
