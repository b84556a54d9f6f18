#ifndef JOINLY_CORE_KEY_HPP
#define JOINLY_CORE_KEY_HPP
// How an entity's kind and id make the key of its record: "lobby" and "lobby_123" make "lobby:lobby_123".

#include <joinly/config.hpp>
#include <joinly/core/range.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

JOINLY_NAMESPACE_BEGIN

inline constexpr std::size_t max_kind_bytes = 63;
inline constexpr std::size_t max_id_bytes = 1024;
inline constexpr std::size_t max_key_bytes = max_kind_bytes + 1 + max_id_bytes;

/// Keys that begin with this byte are the library's own (format, indexes); scans of `user_keys()` do not meet them.
inline constexpr char reserved_first_byte = '\0';

/// A kind is [a-z0-9_]+, so that the first colon of a key ends it and an id may hold any bytes.
[[nodiscard]] constexpr bool is_valid_kind(std::string_view kind) noexcept {
    if (kind.empty() || kind.size() > max_kind_bytes) return false;
    for (const char c : kind) {
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

[[nodiscard]] constexpr bool is_valid_id(std::string_view id) noexcept { return !id.empty() && id.size() <= max_id_bytes; }
/// `invalid_argument` when an id is empty or longer than `max_id_bytes`.
[[nodiscard]] inline Status validate_id(std::string_view kind, std::string_view id) {
    if (is_valid_id(id)) return {};
    if (id.empty()) return failure(Errc::invalid_argument, "the id of a " + std::string{kind} + " is empty");
    return failure(Errc::invalid_argument, "the id of a " + std::string{kind} + " has " + std::to_string(id.size()) +
                                               " bytes; at most " + std::to_string(max_id_bytes) + " are allowed");
}

/// @return "kind:id", or `invalid_argument` when the id is empty or longer than `max_id_bytes`.
[[nodiscard]] inline Result<std::string> make_key(std::string_view kind, std::string_view id) {
    if (auto valid = validate_id(kind, id); !valid) return failure(std::move(valid).error());
    std::string key(kind.size() + 1 + id.size(), ':');
    std::memcpy(key.data(), kind.data(), kind.size());
    std::memcpy(key.data() + kind.size() + 1, id.data(), id.size());
    return key;
}

/// Whether a program may use `key` with the store's raw calls; `invalid_argument` says why not. A key that reads as an entity's
/// must have an id that an entity can have, or listings would tell an id that no other call takes.
[[nodiscard]] inline Status validate_raw_key(std::string_view key) {
    if (key.empty()) return failure(Errc::invalid_argument, "the key is empty");
    if (key.size() > max_key_bytes) {
        return failure(Errc::invalid_argument, "the key has " + std::to_string(key.size()) + " bytes; at most " +
                                                   std::to_string(max_key_bytes) + " are allowed");
    }
    if (key.front() == reserved_first_byte)
        return failure(Errc::invalid_argument, "the key begins with a NUL byte, which is reserved");
    const std::size_t colon = key.find(':');
    if (colon == std::string_view::npos || !is_valid_kind(key.substr(0, colon))) return {};
    return validate_id(key.substr(0, colon), key.substr(colon + 1));
}

/// The keys of all entities of one kind: "lobby:" up to "lobby;".
[[nodiscard]] inline KeyRange kind_range(std::string_view kind) { return KeyRange::prefix(std::string{kind} + ':'); }

/// The id within a key of that kind.
[[nodiscard]] inline std::string_view id_of(std::string_view kind, std::string_view key) noexcept {
    return key.substr(kind.size() + 1);
}

/// The same error, saying which key it is about.
[[nodiscard]] inline tl::unexpected<Error> failure_at(std::string_view key, const Error& error) {
    return failure(error.code(), detail::printable(key) + ": " + std::string{error.message()});
}

/// Everything but the library's own keys.
[[nodiscard]] inline KeyRange user_keys() { return {std::string{"\x01"}, std::string{}, Direction::forward}; }

/// Those of them that begin with `prefix`, from behind `after` on; an empty `after` is before all of them.
[[nodiscard]] inline KeyRange user_keys(std::string_view prefix, std::string_view after) {
    KeyRange range = prefix.empty() ? user_keys() : KeyRange::prefix(prefix);
    if (!after.empty() && after >= range.begin) range.begin = std::string{after} + '\0';
    if (range.begin.front() == reserved_first_byte) range.begin = user_keys().begin;
    return range;
}

JOINLY_NAMESPACE_END
#endif
