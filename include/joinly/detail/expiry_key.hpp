#ifndef JOINLY_DETAIL_EXPIRY_KEY_HPP
#define JOINLY_DETAIL_EXPIRY_KEY_HPP
// A record's place in the order of expiry, as bytes that sort by time and then by key. Part of LevelDB's format on disk.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::size_t expiry_bytes = 8;
inline constexpr std::uint64_t expiry_sign_bit = std::uint64_t{1} << 63;  // flipped, so that times before 1970 come first

/// Appends the milliseconds since the Unix epoch, 8 bytes, the highest first, the sign bit flipped; then the key.
inline void append_expiry_key(std::string& out, Expiry expires_at, std::string_view key) {
    const auto ordered = static_cast<std::uint64_t>(expires_at.at().time_since_epoch().count()) ^ expiry_sign_bit;
    for (std::size_t i = expiry_bytes; i-- > 0;) out.push_back(static_cast<char>(ordered >> (8 * i) & 0xff));
    out.append(key);
}

/// The expiry at the front of `bytes`, which must be long enough.
[[nodiscard]] inline Expiry expiry_in_key(std::string_view bytes) noexcept {
    std::uint64_t ordered = 0;
    for (std::size_t i = 0; i < expiry_bytes; ++i) ordered = ordered << 8 | static_cast<unsigned char>(bytes[i]);
    return Expiry{WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(ordered ^ expiry_sign_bit)}}};
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
