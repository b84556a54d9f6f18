#ifndef JOINLY_DETAIL_CODEC_ZSTD_FRAME_HPP
#define JOINLY_DETAIL_CODEC_ZSTD_FRAME_HPP
// Values as Zstandard frames: the one place that knows zstd's header.
//
// Each call has a context of its own. A kept one would save two thirds of the time of a value of a kilobyte where CPUID is slow, as
// in virtual machines (measured: 9 us of 12 to 15, all of them in finding out what the processor can do); but it would have to be
// kept somewhere, and a codec has no place: no state of a header's own survives a plugin that is unloaded.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include <zstd.h>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Appends `plain` as one frame that tells its size, if that takes at most `most` bytes.
/// @return whether it did.
[[nodiscard]] inline bool append_zstd_frame(std::string_view plain, std::size_t most, int level, std::string& out) {
    const std::size_t start = out.size();
    out.resize(start + most);
    const std::size_t size = ZSTD_compress(out.data() + start, most, plain.data(), plain.size(), level);
    const bool fits = ZSTD_isError(size) == 0;  // the room is too small, or the memory
    out.resize(fits ? start + size : start);
    return fits;
}

/// The size of what `frame` says that it holds. `corrupt`: it is no frame, does not say so, says more than `limit`, or more than
/// so few bytes can hold.
[[nodiscard]] inline Result<std::size_t> zstd_plain_size(std::string_view frame, std::size_t limit) {
    constexpr std::size_t least_block_bytes = 4;  // a head of 3, and the byte that is repeated
    constexpr std::size_t most_block_holds = ZSTD_BLOCKSIZE_MAX;
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR) return failure(Errc::corrupt, "it is no Zstandard frame");
    if (size == ZSTD_CONTENTSIZE_UNKNOWN) return failure(Errc::corrupt, "the Zstandard frame does not tell its size");
    if (size > limit) {
        return failure(Errc::corrupt, "the Zstandard frame claims to hold " + std::to_string(size) + " bytes, above the limit of " +
                                          std::to_string(limit));
    }
    if (size / most_block_holds > frame.size() / least_block_bytes)
        return failure(Errc::corrupt, "the Zstandard frame claims to hold more than its bytes can");
    return static_cast<std::size_t>(size);
}

/// What the frame holds. `corrupt` besides: it is damaged, or something stands behind it.
[[nodiscard]] inline Result<std::string> read_zstd_frame(std::string_view frame, std::size_t limit) {
    const auto size = zstd_plain_size(frame, limit);
    if (!size) return failure(size.error());
    if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size())
        return failure(Errc::corrupt, "the Zstandard frame is cut off, or something stands behind it");
    std::string plain(*size, '\0');
    const std::size_t read = ZSTD_decompress(plain.data(), plain.size(), frame.data(), frame.size());
    if (ZSTD_isError(read) != 0)
        return failure(Errc::corrupt, std::string{"the Zstandard frame is damaged: "} + ZSTD_getErrorName(read));
    if (read != plain.size()) return failure(Errc::corrupt, "the Zstandard frame holds less than it claims");
    return plain;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
