#ifndef JOINLY_DETAIL_RECORD_HASH_HPP
#define JOINLY_DETAIL_RECORD_HASH_HPP
// The hash of a whole record that inventories add up. It stands in the manifests of backups: the same on every machine, and for
// ever. Pure; O(size), about 10 bytes a nanosecond.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/hash.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// detail::hash_bytes of: version and expiry (8 bytes each, little-endian; 2^63 - 1 for never), seeded with `inventory_seed`;
/// then of the key, and then of the value, each seeded with the hash before.
[[nodiscard]] inline std::uint64_t record_hash(std::string_view key, std::string_view value, Version version,
                                               Expiry expires_at) noexcept {
    constexpr std::uint64_t inventory_seed = 0x6a6f696e6c792e31U;  // "joinly.1"
    std::array<std::uint64_t, 2> head{version, static_cast<std::uint64_t>(expires_at.at().time_since_epoch().count())};
    if constexpr (std::endian::native == std::endian::big) head = {hashing::reversed(head[0]), hashing::reversed(head[1])};
    std::array<char, sizeof head> bytes;
    std::memcpy(bytes.data(), head.data(), sizeof head);
    return hash_bytes(value, hash_bytes(key, hash_bytes({bytes.data(), bytes.size()}, inventory_seed)));
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
