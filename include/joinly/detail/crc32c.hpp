#ifndef JOINLY_DETAIL_CRC32C_HPP
#define JOINLY_DETAIL_CRC32C_HPP
// CRC-32C (Castagnoli), the checksum of RFC 3720, ext4 and LevelDB: it finds every error burst of up to 32 bits, and modern
// processors have an instruction for it. Pure functions: callable from any thread.

#include <joinly/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__GNUC__) && defined(__aarch64__) && defined(__ARM_FEATURE_CRC32) && !defined(__AARCH64EB__)
#include <arm_acle.h>
#endif

JOINLY_NAMESPACE_BEGIN
namespace detail {

using Crc32cTables = std::array<std::array<std::uint32_t, 256>, 8>;

/// `tables[n][b]` is the effect of byte b that n more bytes follow, so that eight bytes take eight independent look-ups.
[[nodiscard]] constexpr Crc32cTables make_crc32c_tables() noexcept {
    Crc32cTables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
        tables[0][byte] = crc;
    }
    for (std::size_t n = 1; n < tables.size(); ++n) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[n - 1][byte];
            tables[n][byte] = (before >> 8) ^ tables[0][before & 0xff];
        }
    }
    return tables;
}

inline constexpr Crc32cTables crc32c_tables = make_crc32c_tables();

/// Eight bytes a step by table: any processor, any byte order.
[[nodiscard]] constexpr std::uint32_t crc32c_software(std::string_view bytes, std::uint32_t crc = 0) noexcept {
    const auto& table = crc32c_tables;
    const auto at = [&bytes](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
    std::uint32_t state = ~crc;
    std::size_t i = 0;
    for (; bytes.size() - i >= 8; i += 8) {
        state ^= at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
        state = table[7][state & 0xff] ^ table[6][(state >> 8) & 0xff] ^ table[5][(state >> 16) & 0xff] ^ table[4][state >> 24] ^
                table[3][at(i + 4)] ^ table[2][at(i + 5)] ^ table[1][at(i + 6)] ^ table[0][at(i + 7)];
    }
    for (; i < bytes.size(); ++i) state = (state >> 8) ^ table[0][(state ^ at(i)) & 0xff];
    return ~state;
}

#if defined(__GNUC__) && defined(__x86_64__)

/// Whether this processor has the instruction; without it `crc32c_hardware` must not be called.
[[nodiscard]] inline bool crc32c_has_hardware() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }

[[nodiscard]] __attribute__((target("sse4.2"))) inline std::uint32_t crc32c_hardware(std::string_view bytes,
                                                                                     std::uint32_t crc = 0) noexcept {
    std::uint64_t state = ~crc;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    const auto take_eight = [&state](const char* from) __attribute__((target("sse4.2"), always_inline)) {
        unsigned long long word;
        std::memcpy(&word, from, sizeof word);
        state = __builtin_ia32_crc32di(state, word);
    };
    for (; left >= 32; at += 32, left -= 32) {
        take_eight(at);
        take_eight(at + 8);
        take_eight(at + 16);
        take_eight(at + 24);
    }
    for (; left >= 8; at += 8, left -= 8) take_eight(at);
    auto tail = static_cast<std::uint32_t>(state);
    for (; left > 0; ++at, --left) tail = __builtin_ia32_crc32qi(tail, static_cast<unsigned char>(*at));
    return ~tail;
}

#elif defined(__GNUC__) && defined(__aarch64__) && defined(__ARM_FEATURE_CRC32) && !defined(__AARCH64EB__)

[[nodiscard]] constexpr bool crc32c_has_hardware() noexcept { return true; }  // the compiler was told so

[[nodiscard]] inline std::uint32_t crc32c_hardware(std::string_view bytes, std::uint32_t crc = 0) noexcept {
    std::uint32_t state = ~crc;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data(), sizeof word);
        state = __crc32cd(state, word);
    }
    for (const char c : bytes) state = __crc32cb(state, static_cast<unsigned char>(c));
    return ~state;
}

#else

[[nodiscard]] constexpr bool crc32c_has_hardware() noexcept { return false; }

[[nodiscard]] constexpr std::uint32_t crc32c_hardware(std::string_view bytes, std::uint32_t crc = 0) noexcept {
    return crc32c_software(bytes, crc);
}

#endif

/// The CRC-32C of `bytes`; of their concatenation, when `crc` is the CRC of what went before.
/// @par Complexity  O(bytes): some 8 bytes a nanosecond with the instruction, 2 without.
[[nodiscard]] inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept {
    return crc32c_has_hardware() ? crc32c_hardware(bytes, crc) : crc32c_software(bytes, crc);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
