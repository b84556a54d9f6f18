#ifndef JOINLY_DETAIL_LEVELDB_VARINT_HPP
#define JOINLY_DETAIL_LEVELDB_VARINT_HPP
// The form in which LevelDB writes lengths and offsets.

#include <joinly/config.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Takes a number off the front of `bytes`: seven bits a byte, the lowest first, and the eighth bit in all but the last.
[[nodiscard]] inline std::optional<std::uint64_t> take_leveldb_varint(std::string_view& bytes) noexcept {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const std::uint64_t byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        number |= (byte & 0x7f) << shift;
        if (byte < 0x80) return number;
    }
    return std::nullopt;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
