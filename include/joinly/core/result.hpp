#ifndef JOINLY_CORE_RESULT_HPP
#define JOINLY_CORE_RESULT_HPP
// Errors are values: Result<T> is a T or an Error, Status is success or an Error. Nothing in the library throws.
// Plain values: no thread rule beyond the usual one for values.

#include <joinly/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

JOINLY_NAMESPACE_BEGIN

/// What kind of thing went wrong: what a program decides on. The message is for people.
enum class Errc : std::uint8_t {
    not_found = 1,     ///< no such record, or it has expired; an answer rather than a fault
    conflict,          ///< a requirement did not hold: somebody else wrote first. Load again and decide anew
    corrupt,           ///< stored bytes are damaged, or are not what they should be
    io,                ///< the operating system or the engine could not read or write
    full,              ///< no room: the disk, or a bounded queue
    busy,              ///< somebody else holds it; trying again later may help
    read_only,         ///< the place was opened for reading, or cannot be written
    invalid_argument,  ///< the call can never succeed as made
    unsupported,       ///< this backend, codec or build cannot do it
    incompatible,      ///< written by a newer version of the library, or by something else
    timed_out,         ///< the deadline passed first
    closed,            ///< the store was closed before the call
    cancelled,         ///< the caller's own function said to stop; nothing is left half-made
};

/// The enumerator's name: "not_found".
[[nodiscard]] constexpr std::string_view to_string(Errc code) noexcept {
    switch (code) {
        case Errc::not_found: return "not_found";
        case Errc::conflict: return "conflict";
        case Errc::corrupt: return "corrupt";
        case Errc::io: return "io";
        case Errc::full: return "full";
        case Errc::busy: return "busy";
        case Errc::read_only: return "read_only";
        case Errc::invalid_argument: return "invalid_argument";
        case Errc::unsupported: return "unsupported";
        case Errc::incompatible: return "incompatible";
        case Errc::timed_out: return "timed_out";
        case Errc::closed: return "closed";
        case Errc::cancelled: return "cancelled";
    }
    return "unknown";
}

/// A code to decide on and a message to show. The message names the key, the field or the file, and carries the
/// engine's own words; it never holds a secret. An Error made from a code alone, as when there is no such entity, allocates
/// nothing, and its message is the code's name.
class Error {
public:
    Error(Errc code) noexcept : code_{code} {}  // implicit: `return failure(Errc::not_found)` is the hot path
    Error(Errc code, std::string message) noexcept : message_{std::move(message)}, code_{code} {}

    [[nodiscard]] Errc code() const noexcept { return code_; }

    /// Never empty: the code's name when there is nothing more to say.
    [[nodiscard]] std::string_view message() const noexcept { return message_.empty() ? to_string(code_) : message_; }

    /// Errors are the same when their codes are: messages are for people.
    [[nodiscard]] friend bool operator==(const Error& left, const Error& right) noexcept { return left.code_ == right.code_; }
    [[nodiscard]] friend bool operator==(const Error& error, Errc code) noexcept { return error.code_ == code; }

private:
    std::string message_;
    Errc code_;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// An error on its way into a Result: `return failure(Errc::conflict, "lobby:42 is at version 7, not 5");`
[[nodiscard]] inline tl::unexpected<Error> failure(Errc code) noexcept { return tl::unexpected<Error>(Error{code}); }
[[nodiscard]] inline tl::unexpected<Error> failure(Errc code, std::string message) noexcept {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}
/// Passes another result's error on.
[[nodiscard]] inline tl::unexpected<Error> failure(Error error) noexcept { return tl::unexpected<Error>(std::move(error)); }

JOINLY_NAMESPACE_END
#endif
