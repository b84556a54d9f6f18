#ifndef JOINLY_DETAIL_INDEX_KEY_ENCODING_HPP
#define JOINLY_DETAIL_INDEX_KEY_ENCODING_HPP
// Values as bytes whose order, as unsigned bytes, is that of the values. No encoding is the beginning of another one's, so that
// several in a row are ordered by the first, then by the second. Part of the formats on disk, and written down here.
//
//     bool             1 byte, 0 or 1
//     integer          8 bytes, the highest first, whatever its width, so that it can be widened; the sign of a signed one flipped
//     float, double    as a double, 8 bytes, the highest first: a negative one with all bits flipped, another with its sign
//                      flipped; -0.0 as 0.0; NaN has no place
//     string, bytes    each 00 as 00 ff, then 00 01
//     enum             as its integer; a time as the count of its own ticks; a type with to_wire as what it travels as
//     optional         00, or 01 and the value

#include <joinly/config.hpp>
#include <joinly/detail/codec/unix_seconds.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A value with an order of its own, on the wire as one number or one run of bytes.
template <class T>
concept ordered_value = single_field<T> &&(scalar_field<wire_type_of<T>> || blob_field<wire_type_of<T>>);

template <class T>
concept optional_value = !wire_convertible<T> && optional_field<T> && ordered_value<typename T::value_type>;

/// What an index can be over.
template <class T>
concept indexable = ordered_value<T> || optional_value<T>;

inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
inline constexpr char absent_mark = '\0';
inline constexpr char present_mark = '\1';
inline constexpr std::string_view string_end{"\0\1", 2};

/// The `width` low bytes of a number, at most 8, the highest first.
inline void append_big_endian(std::string& out, std::uint64_t number, std::size_t width) {
    char bytes[sizeof number];
    for (std::size_t i = 0; i < width; ++i) bytes[i] = static_cast<char>(number >> (8 * (width - 1 - i)) & 0xff);
    out.append(bytes, width);
}

/// By its bits, because -ffast-math takes comparisons with NaN away.
[[nodiscard]] inline bool is_nan(double value) noexcept {
    constexpr std::uint64_t infinity = std::uint64_t{0x7ff} << 52;
    return (std::bit_cast<std::uint64_t>(value) & ~sign_bit) > infinity;
}

/// False: NaN.
[[nodiscard]] inline bool append_real_key(std::string& out, double value) {
    if (is_nan(value)) return false;
    auto bits = std::bit_cast<std::uint64_t>(value);
    if (bits == sign_bit) bits = 0;  // -0.0
    append_big_endian(out, (bits & sign_bit) != 0 ? ~bits : bits | sign_bit, 8);
    return true;
}

/// Without the end: all strings that begin with `bytes` begin so.
inline void append_string_start(std::string& out, std::string_view bytes) {
    for (const char c : bytes) {
        out.push_back(c);
        if (c == '\0') out.push_back('\xff');
    }
}

template <class Number>
[[nodiscard]] bool append_number_key(std::string& out, Number number) {
    if constexpr (std::same_as<Number, bool>) {
        out.push_back(number ? '\1' : '\0');
    } else if constexpr (std::is_floating_point_v<Number>) {
        return append_real_key(out, static_cast<double>(number));
    } else if constexpr (std::is_signed_v<Number>) {
        append_big_endian(out, static_cast<std::uint64_t>(static_cast<std::int64_t>(number)) ^ sign_bit, 8);
    } else {
        append_big_endian(out, number, 8);
    }
    return true;
}

template <blob_field T>
std::string_view bytes_in(const T& blob) {
    return {reinterpret_cast<const char*>(blob.data()), blob.size()};
}

/// How a codec keeps times: as they are, or as seconds in a double, which gives back one that is finer than a microsecond as
/// another. An index has to know an object as it will be read.
enum class KeptTimes : bool { exact, as_seconds };

template <class Codec>
concept keeps_times_as_seconds = requires {
    requires Codec::keeps_times_as_seconds;
}
|| requires { requires Codec::Plain::keeps_times_as_seconds; };
template <class Codec>
inline constexpr KeptTimes times_kept_by = keeps_times_as_seconds<Codec> ? KeptTimes::as_seconds : KeptTimes::exact;

/// False: NaN, which has no place in an order; what was appended is then worth nothing.
template <KeptTimes times = KeptTimes::exact, indexable T>
[[nodiscard]] bool append_key(std::string& out, const T& value) {
    if constexpr (optional_value<T>) {
        out.push_back(value.has_value() ? present_mark : absent_mark);
        return !value.has_value() || append_key<times>(out, *value);
    } else if constexpr (wire_convertible<T>) {
        return append_key<times>(out, Entity<T>::to_wire(value));
    } else if constexpr (time_field<T> && times == KeptTimes::as_seconds) {
        T kept = value;
        (void)from_unix_seconds(to_unix_seconds(value), kept);  // what it cannot hold the codec refuses
        return append_number_key(out, to_number(kept));
    } else if constexpr (blob_field<T>) {
        append_string_start(out, bytes_in(value));
        out.append(string_end);
        return true;
    } else {
        return append_number_key(out, to_number(value));
    }
}

/// How many bytes append_key appends; nullopt where it finds NaN.
template <indexable T>
[[nodiscard]] std::optional<std::size_t> key_bytes(const T& value) {
    if constexpr (optional_value<T>) {
        const auto bytes = value.has_value() ? key_bytes(*value) : std::optional<std::size_t>{0};
        return bytes ? std::optional{*bytes + 1} : std::nullopt;
    } else if constexpr (wire_convertible<T>) {
        return key_bytes(Entity<T>::to_wire(value));
    } else if constexpr (blob_field<T>) {
        const std::string_view bytes = bytes_in(value);
        return bytes.size() + static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\0')) + string_end.size();
    } else {
        const auto number = to_number(value);
        if constexpr (std::same_as<decltype(number), const bool>) return 1;
        if constexpr (std::is_floating_point_v<decltype(number)>) {
            if (is_nan(static_cast<double>(number))) return std::nullopt;
        }
        return sizeof(std::uint64_t);
    }
}

/// Two types of one form have the same keys for what is stored alike.
template <indexable T>
std::string key_form() {
    if constexpr (optional_value<T>) {
        return '?' + key_form<typename T::value_type>();
    } else if constexpr (blob_field<wire_type_of<T>>) {
        return "bytes";
    } else {
        using Wire = wire_type_of<T>;
        using Number = number_of<Wire>;
        // A float that becomes a double is another value where it is stored as text.
        std::string form{std::same_as<Number, bool>         ? "bool"
                         : std::same_as<Number, float>      ? "float"
                         : std::is_floating_point_v<Number> ? "double"
                         : std::is_signed_v<Number>         ? "signed"
                                                            : "unsigned"};
        if constexpr (time_field<Wire>) form += '@' + std::to_string(Wire::period::num) + '/' + std::to_string(Wire::period::den);
        return form;
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
