#ifndef COMMON_TEXT_HPP
#define COMMON_TEXT_HPP
// How numbers, times and strangers' names look in what the examples print.

#include <joinly/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace common {

[[nodiscard]] std::string grouped(std::uint64_t number);                    // "12,345"
[[nodiscard]] std::string fixed(double number, int digits);                 // "0.12"
[[nodiscard]] std::string file_size(std::uint64_t bytes);                   // "1.3 MB", in steps of 1024
[[nodiscard]] std::string utc(joinly::Timestamp moment);                    // "2025-11-22 16:58:07"
[[nodiscard]] std::string right(std::string_view text, std::size_t width);  // padded on the left

/// `text` without what could steer a terminal (control characters, changes of direction), cut after `max_characters`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_characters = 300);

}  // namespace common
#endif
