#ifndef JOINLY_DETAIL_CHECKSUM_HPP
#define JOINLY_DETAIL_CHECKSUM_HPP
// The checksum that durable backends keep with each record. It covers the key as well, so that a value which damage has
// moved to another key is found out.

#include <joinly/config.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/crc32c.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// The CRC-32C of these bytes, all integers little-endian:
///
///     8  version
///     8  expiry, milliseconds since the Unix epoch in two's complement; 2^63 - 1 for never
///     4  length of the key
///        key
///        value
///     4  length of the index terms; this and what follows only where there are any
///        index terms
///
/// It is part of the formats on disk: the same on every machine, and for ever.
[[nodiscard]] inline std::uint32_t record_checksum(std::string_view key, std::string_view value, Version version, Expiry expires_at,
                                                   std::string_view index_terms = {}) noexcept {
    std::array<char, 20> head{};
    const auto put = [&head](std::size_t offset, std::size_t width, std::uint64_t number) {
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(head.data() + offset, &number, width);
        } else {
            for (std::size_t i = 0; i < width; ++i) head[offset + i] = static_cast<char>(number >> (8 * i) & 0xff);
        }
    };
    put(0, 8, version);
    put(8, 8, static_cast<std::uint64_t>(expires_at.at().time_since_epoch().count()));
    put(16, 4, key.size());
    const std::uint32_t checksum = crc32c(value, crc32c(key, crc32c({head.data(), head.size()})));
    if (index_terms.empty()) return checksum;
    put(0, 4, index_terms.size());
    return crc32c(index_terms, crc32c({head.data(), 4}, checksum));
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
