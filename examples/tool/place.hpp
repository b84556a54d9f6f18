#ifndef TOOL_PLACE_HPP
#define TOOL_PLACE_HPP
// Where a store is, as people type it: sqlite:joinly.db, leveldb:players, sqlite+json:readable.db, leveldb+zstd:small, or the path
// alone of one that is there.

#include <joinly/core/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

enum class EngineName : std::uint8_t { sqlite, leveldb };
enum class CodecName : std::uint8_t { binary, json };

[[nodiscard]] std::string_view name_of(EngineName engine) noexcept;
[[nodiscard]] std::string_view name_of(CodecName codec) noexcept;

struct Place {
    EngineName engine = EngineName::sqlite;
    std::optional<CodecName> codec;  ///< nullopt: the one that the store's first record tells, or binary in a new store
    bool compress = false;           ///< what is written from now on
    std::string path;

    /// As it can be typed: "sqlite:joinly.db".
    [[nodiscard]] std::string text() const;

    /// Whether something is there; what, is for the engine to tell.
    [[nodiscard]] bool exists() const;
};

/// `invalid_argument`, saying what may be typed, when `text` names no place.
[[nodiscard]] joinly::Result<Place> parse_place(const std::string& text);

}  // namespace tool
#endif
