#ifndef JOINLY_DETAIL_LEVELDB_FORMAT_HPP
#define JOINLY_DETAIL_LEVELDB_FORMAT_HPP
// The bytes that a record becomes in LevelDB, and the keys that are the adapter's own. Described in backend/README.md.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/checksum.hpp>
#include <joinly/detail/expiry_key.hpp>
#include <joinly/detail/printable.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

inline constexpr unsigned char leveldb_format = 2;  // of a database; 1 has no order of expiry
inline constexpr unsigned char leveldb_record_format = 1;

inline constexpr std::string_view leveldb_own_prefix{"\0\0joinly", 8};
inline constexpr std::string_view leveldb_after_own_keys{"\0\0joinlz", 8};
inline constexpr std::string_view leveldb_expiry_prefix{"\0\0joinly.expiry", 15};
inline constexpr std::string_view leveldb_format_key{"\0\0joinly.format", 15};
inline constexpr std::string_view leveldb_version_key{"\0\0joinly.last_version", 21};

/// Whether what stands under `leveldb_format_key` is a format that this version can read: else `corrupt` or `incompatible`.
[[nodiscard]] inline Status known_leveldb_format(std::string_view value) {
    if (value.size() != 1 || value[0] == 0) return failure(Errc::corrupt, "the format of the database is damaged");
    const auto format = static_cast<unsigned char>(value[0]);
    if (format <= leveldb_format) return {};
    return failure(Errc::incompatible, "the database has format " + std::to_string(format) + "; this version of the library " +
                                           "knows formats up to " + std::to_string(leveldb_format));
}

/// Keys that only the adapter reads and writes.
[[nodiscard]] constexpr bool is_leveldb_own_key(std::string_view key) noexcept {
    return key.substr(0, leveldb_own_prefix.size()) == leveldb_own_prefix;
}

/// Where `key`, which expires then, stands in the order of expiry.
[[nodiscard]] inline std::string leveldb_expiry_key(Expiry expires_at, std::string_view key) {
    std::string place;
    place.reserve(leveldb_expiry_prefix.size() + expiry_bytes + key.size());
    append_expiry_key(place.append(leveldb_expiry_prefix), expires_at, key);
    return place;
}

/// A `leveldb_expiry_key`, and not one that damage has made too short.
[[nodiscard]] constexpr bool is_leveldb_expiry_key(std::string_view key) noexcept {
    return key.substr(0, leveldb_expiry_prefix.size()) == leveldb_expiry_prefix &&
           key.size() > leveldb_expiry_prefix.size() + expiry_bytes;
}

inline constexpr unsigned char leveldb_flag_expires = 1;
inline constexpr unsigned char leveldb_flag_indexed = 2;

/// Up to the checksum, and with it.
[[nodiscard]] constexpr std::size_t leveldb_header_bytes(bool expires) noexcept { return expires ? 22 : 14; }

template <class Unsigned>
void append_leveldb_integer(std::string& out, Unsigned number) {
    std::array<char, sizeof number> bytes;
    for (std::size_t i = 0; i < sizeof number; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xff);
    out.append(bytes.data(), bytes.size());
}

/// Takes an integer off the front of `bytes`, which must be long enough.
template <class Unsigned>
[[nodiscard]] Unsigned take_leveldb_integer(std::string_view& bytes) noexcept {
    Unsigned number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) number |= Unsigned{static_cast<unsigned char>(bytes[i])} << (8 * i);
    bytes.remove_prefix(sizeof number);
    return number;
}

/// What LevelDB keeps under `key` for `record`, into `out`, which loses what it held.
inline void encode_leveldb_value(std::string_view key, const RecordView& record, std::string& out) {
    const bool expires = !record.expires_at.is_never();
    const bool indexed = !record.index_terms.empty();
    out.clear();
    out.reserve(leveldb_header_bytes(expires) + 4 + record.index_terms.size() + record.value.size());
    out.push_back(static_cast<char>(leveldb_record_format));
    out.push_back(static_cast<char>((expires ? leveldb_flag_expires : 0) | (indexed ? leveldb_flag_indexed : 0)));
    append_leveldb_integer(out, record.version);
    if (expires) append_leveldb_integer(out, static_cast<std::uint64_t>(record.expires_at.at().time_since_epoch().count()));
    append_leveldb_integer(out, record_checksum(key, record.value, record.version, record.expires_at, record.index_terms));
    if (indexed) append_leveldb_integer(out, static_cast<std::uint32_t>(record.index_terms.size()));
    out.append(record.index_terms).append(record.value);
}

[[nodiscard]] inline tl::unexpected<Error> leveldb_damage(std::string_view key, std::string_view what) {
    return failure(Errc::corrupt, "the record of " + printable(key) + " is damaged: " + std::string{what});
}

/// The record in `bytes`, as a view of them. `corrupt`: the bytes are damaged, or belong to another key; `incompatible`: a
/// newer version wrote them.
[[nodiscard]] inline Result<RecordView> decode_leveldb_value(std::string_view key, std::string_view bytes) {
    if (bytes.size() < leveldb_header_bytes(false)) return leveldb_damage(key, "it is shorter than a header");
    const auto format = static_cast<unsigned char>(bytes[0]);
    const auto flags = static_cast<unsigned char>(bytes[1]);
    if (format == 0) return leveldb_damage(key, "it has format 0");
    if (format > leveldb_record_format || (flags & ~(leveldb_flag_expires | leveldb_flag_indexed)) != 0) {
        return failure(Errc::incompatible, "the record of " + printable(key) + " has format " + std::to_string(format) +
                                               ", flags " + std::to_string(flags) + ": a newer version wrote it");
    }
    const bool expires = (flags & leveldb_flag_expires) != 0;
    if (bytes.size() < leveldb_header_bytes(expires)) return leveldb_damage(key, "it is shorter than its header");

    bytes.remove_prefix(2);
    RecordView record;
    record.version = take_leveldb_integer<Version>(bytes);
    if (expires) {
        const auto unix_ms = static_cast<std::int64_t>(take_leveldb_integer<std::uint64_t>(bytes));
        record.expires_at = Expiry{WallTime{std::chrono::milliseconds{unix_ms}}};
    }
    const auto checksum = take_leveldb_integer<std::uint32_t>(bytes);
    if ((flags & leveldb_flag_indexed) != 0) {
        const std::uint32_t terms = bytes.size() < 4 ? 0 : take_leveldb_integer<std::uint32_t>(bytes);
        if (terms == 0 || terms > bytes.size()) return leveldb_damage(key, "its index terms are missing");
        record.index_terms = bytes.substr(0, terms);
        bytes.remove_prefix(terms);
    }
    record.value = bytes;
    if (checksum != record_checksum(key, record.value, record.version, record.expires_at, record.index_terms)) {
        return leveldb_damage(key, "the checksum does not match");
    }
    return record;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
