#ifndef QUICKSTART_DECODE_HPP
#define QUICKSTART_DECODE_HPP
// A line of a JSON Lines file into an entity. Apart, so that one file alone pays for including the JSON library.

#include <joinly/core/result.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/player.hpp>

#include <string_view>

namespace quickstart {

/// The error says what is wrong with the line: no JSON, a field of the wrong type, no id.
[[nodiscard]] joinly::Status decode(std::string_view line, joinly::Player& player);
[[nodiscard]] joinly::Status decode(std::string_view line, joinly::Lobby& lobby);

}  // namespace quickstart
#endif
