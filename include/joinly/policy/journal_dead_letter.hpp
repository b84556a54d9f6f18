#ifndef JOINLY_POLICY_JOURNAL_DEAD_LETTER_HPP
#define JOINLY_POLICY_JOURNAL_DEAD_LETTER_HPP
// What write-behind keeps of batches that the backend will never take. Plain values.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// The smallest run of batches that could not be stored without each other.
struct JournalDeadLetter {
    Version first = absent;  ///< the oldest batch in it
    Version last = absent;   ///< the newest
    Errc code = Errc::io;    ///< why the backend refused it
    std::string reason;      ///< in its words
    std::string payload;     ///< the changes, for JournalPayload::visit
};

namespace detail {

[[nodiscard]] inline std::string encode_dead_letter(const JournalDeadLetter& letter) {
    std::string bytes;
    append_little_endian(bytes, letter.first);
    append_little_endian(bytes, letter.last);
    append_little_endian(bytes, static_cast<std::uint8_t>(letter.code));
    append_little_endian(bytes, static_cast<std::uint32_t>(letter.reason.size()));
    return bytes.append(letter.reason).append(letter.payload);
}

/// A code that this version does not know is `io`.
[[nodiscard]] inline Result<JournalDeadLetter> decode_dead_letter(std::string_view bytes) {
    ByteReader reader{bytes};
    JournalDeadLetter letter;
    std::uint8_t code = 0;
    std::string_view reason;
    if (!reader.take(letter.first) || !reader.take(letter.last) || !reader.take(code) || !reader.take_sized(reason))
        return failure(Errc::corrupt, "a dead letter of " + std::to_string(bytes.size()) + " bytes cannot be read");
    if (to_string(static_cast<Errc>(code)) != "unknown") letter.code = static_cast<Errc>(code);
    letter.reason = reason;
    letter.payload = reader.rest();
    return letter;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
