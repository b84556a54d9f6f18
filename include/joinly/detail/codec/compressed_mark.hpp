#ifndef JOINLY_DETAIL_CODEC_COMPRESSED_MARK_HPP
#define JOINLY_DETAIL_CODEC_COMPRESSED_MARK_HPP
// How a compressed value is told from a plain one. The byte FF begins no message of Binary, for there is no wire type 7, and no
// text of Json, for it is in no UTF-8.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>

#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr char compressed_mark = '\xff';

[[nodiscard]] constexpr bool is_compressed(std::string_view value) noexcept {
    return !value.empty() && value.front() == compressed_mark;
}

/// What a codec that does not decompress says to a compressed value. `place`: "player".
[[nodiscard]] JOINLY_COLD inline tl::unexpected<Error> refuse_compressed(std::string_view place, std::string_view codec) {
    std::string message{place};
    message.append(": the value is compressed: joinly::Zstd<").append(codec).append("> reads it, ").append(codec);
    return failure(Errc::incompatible, message.append(" alone does not"));
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
