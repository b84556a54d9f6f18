#ifndef JOINLY_DETAIL_POLICY_JOURNAL_FORMAT_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_FORMAT_HPP
// The bytes of the journal's files: a header, frames, and the header once more. Described in backend/README.md.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/crc32c.hpp>
#include <joinly/detail/policy/journal_bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr std::uint32_t journal_format = 2;  // 1 knew no index terms; it is read as it was
inline constexpr std::size_t journal_header_bytes = 64;
inline constexpr std::size_t frame_head_bytes = 32;
inline constexpr std::size_t max_frame_payload = (std::numeric_limits<std::uint32_t>::max)() - 64;

enum class JournalFileKind : char { segment = 's', checkpoint = 'c', dead_letters = 'd', lock = 'l' };

struct JournalHeader {
    JournalFileKind kind = JournalFileKind::segment;
    bool synced = false;        ///< whether the segment's frames were to be fdatasynced; else a hole can only be damage
    std::uint64_t number = 0;   ///< of the segment; of a checkpoint its version
    std::uint64_t bytes = 0;    ///< of the whole file
    Version starts_after = 0;   ///< the frame before the segment's first; of other files the count of frames
    Version watermark = 0;      ///< as in a frame
    std::uint32_t seed = 0;     ///< what the checksums of the frames begin with
    std::uint64_t journal = 0;  ///< the journal's id, of a segment and of `lock`; 0: it had none yet
};

inline constexpr std::string_view journal_magic = "joinly.";
inline constexpr std::uint32_t journal_flag_synced = 1;

inline void write_header(char* to, const JournalHeader& header) noexcept {
    std::memset(to, 0, journal_header_bytes);
    std::memcpy(to, journal_magic.data(), journal_magic.size());
    to[7] = static_cast<char>(header.kind);
    store_little_endian(to + 8, journal_format);
    store_little_endian(to + 12, header.synced ? journal_flag_synced : 0u);
    store_little_endian(to + 16, header.number);
    store_little_endian(to + 24, header.bytes);
    store_little_endian(to + 32, header.starts_after);
    store_little_endian(to + 40, header.watermark);
    store_little_endian(to + 48, header.seed);
    store_little_endian(to + 52, header.journal);
    store_little_endian(to + 60, crc32c({to, 60}));
}

/// `corrupt`: that is no header; `incompatible`: a newer version's. No message: the caller knows the file.
[[nodiscard]] inline Result<JournalHeader> read_header(std::string_view bytes, JournalFileKind kind) {
    if (bytes.size() < journal_header_bytes || !bytes.starts_with(journal_magic)) return failure(Errc::corrupt);
    const char* const from = bytes.data();
    if (load_little_endian<std::uint32_t>(from + 60) != crc32c({from, 60})) return failure(Errc::corrupt);
    const auto format = load_little_endian<std::uint32_t>(from + 8);
    const auto flags = load_little_endian<std::uint32_t>(from + 12);
    if (format == 0 || from[7] != static_cast<char>(kind)) return failure(Errc::corrupt);
    if (format > journal_format || (flags & ~journal_flag_synced) != 0) return failure(Errc::incompatible);
    JournalHeader header;
    header.kind = kind;
    header.synced = (flags & journal_flag_synced) != 0;
    header.number = load_little_endian<std::uint64_t>(from + 16);
    header.bytes = load_little_endian<std::uint64_t>(from + 24);
    header.starts_after = load_little_endian<std::uint64_t>(from + 32);
    header.watermark = load_little_endian<std::uint64_t>(from + 40);
    header.seed = load_little_endian<std::uint32_t>(from + 48);
    header.journal = load_little_endian<std::uint64_t>(from + 52);
    return header;
}

/// That the file's header is of a format, or has flags, that only a newer library knows.
[[nodiscard]] inline auto newer_journal(const std::string& path, std::string_view header) {
    const auto format = load_little_endian<std::uint32_t>(header.data() + 8);
    const auto flags = load_little_endian<std::uint32_t>(header.data() + 12);
    return failure(Errc::incompatible, path + ": written by a newer version of the library, in format " + std::to_string(format) +
                                           (flags > journal_flag_synced ? " with the flags " + std::to_string(flags) : ""));
}

/// What a frame with so many bytes of payload takes.
[[nodiscard]] constexpr std::size_t frame_bytes(std::size_t payload) noexcept { return frame_head_bytes + (payload + 7) / 8 * 8; }

/// Makes a word visible to whoever reads the file after this process was killed, and everything before it.
inline void publish(char* to, std::uint64_t word) noexcept {
#if defined(__GNUC__)
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(to), word, __ATOMIC_RELEASE);
#else
    std::memcpy(to, &word, sizeof word);
#endif
}

/// Writes a frame to `to`, which is a multiple of 8. The head's first word comes last: killed at any instruction, the
/// process leaves the whole frame or none. The checksums are over multiples of eight bytes, which is faster. Nothing is read from
/// where the frame goes: a page that nobody has touched for long is written to without waiting for its memory.
inline void write_frame(char* to, std::uint32_t seed, Version sequence, Version watermark, std::string_view payload) noexcept {
    const std::size_t whole = payload.size() / 8 * 8;
    std::uint32_t checksum = crc32c(payload.substr(0, whole), seed);
    if (whole != 0) std::memcpy(to + frame_head_bytes, payload.data(), whole);
    if (whole < payload.size()) {
        char last[8] = {};
        std::memcpy(last, payload.data() + whole, payload.size() - whole);
        checksum = crc32c({last, sizeof last}, checksum);
        std::memcpy(to + frame_head_bytes + whole, last, sizeof last);
    }
    store_little_endian(to + 24, std::uint64_t{checksum});

    char head[24] = {};
    store_little_endian(head + 4, static_cast<std::uint32_t>(payload.size()));
    store_little_endian(head + 8, sequence);
    store_little_endian(head + 16, watermark);
    store_little_endian(head, crc32c({head, sizeof head}, seed));
    std::memcpy(to + 8, head + 8, sizeof head - 8);
    std::uint64_t first;
    std::memcpy(&first, head, sizeof first);
    publish(to, first);
}

inline void append_frame(std::string& out, std::uint32_t seed, Version sequence, std::string_view payload) {
    const std::size_t at = out.size();
    out.resize(at + frame_bytes(payload.size()));
    write_frame(out.data() + at, seed, sequence, 0, payload);
}

struct JournalFrame {
    Version sequence = 0;
    Version watermark = 0;
    std::string_view payload;
};

/// The frame that `bytes` begins with, if there is one and its sequence is above `after`: nothing is believed before it is
/// checked, and the cheap checks come first, because damage is searched for frames at every eighth byte.
[[nodiscard]] inline std::optional<JournalFrame> read_frame(std::string_view bytes, std::uint32_t seed, Version after) noexcept {
    if (bytes.size() < frame_head_bytes) return std::nullopt;
    const char* const from = bytes.data();
    const auto sequence = load_little_endian<std::uint64_t>(from + 8);
    if (sequence <= after) return std::nullopt;
    const std::size_t size = load_little_endian<std::uint32_t>(from + 4);
    if (size > bytes.size() - frame_head_bytes || frame_bytes(size) > bytes.size()) return std::nullopt;
    char head[24] = {};
    std::memcpy(head + 4, from + 4, sizeof head - 4);
    if (load_little_endian<std::uint32_t>(from) != crc32c({head, sizeof head}, seed)) return std::nullopt;
    const std::string_view padded = bytes.substr(frame_head_bytes, frame_bytes(size) - frame_head_bytes);
    if (load_little_endian<std::uint64_t>(from + 24) != crc32c(padded, seed)) return std::nullopt;
    return JournalFrame{sequence, load_little_endian<std::uint64_t>(from + 16), padded.substr(0, size)};
}

[[nodiscard]] inline bool all_zeros(std::string_view bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
