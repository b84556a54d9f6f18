#ifndef JOINLY_DETAIL_ENTITY_FIELD_TYPES_HPP
#define JOINLY_DETAIL_ENTITY_FIELD_TYPES_HPP
// What kind of value a field is. Containers are known by their operations, so that no container's header is included
// here and those of other libraries work as well.

#include <joinly/config.hpp>
#include <joinly/entity/described.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class T>
concept string_field = requires(T& text, const char* bytes, std::size_t count) {
    text.assign(bytes, count);
    requires std::same_as<typename T::value_type, char>;
    requires std::convertible_to<const T&, std::string_view>;
};

template <class T>
concept optional_field = requires(T& optional) {
    typename T::value_type;
    optional.emplace();
    optional.reset();
    { optional.has_value() } -> std::same_as<bool>;
};

template <class T>
concept map_field = requires(T& map, const typename T::key_type& key) {
    typename T::mapped_type;
    map.try_emplace(key);
    map.clear();
};

template <class T>
concept vector_field = !string_field<T> && requires(T & vector, std::size_t count) {
    typename T::value_type;
    vector.reserve(count);
    vector.emplace_back();
    { vector.capacity() } -> std::convertible_to<std::size_t>;
};

/// A vector of std::byte is one value, not a list of numbers.
template <class T>
concept bytes_field = vector_field<T> && std::same_as<typename T::value_type, std::byte>;

template <class T>
inline constexpr bool is_time_point = false;
template <class Clock, class Duration>
inline constexpr bool is_time_point<std::chrono::time_point<Clock, Duration>> =
    std::same_as<Clock, std::chrono::system_clock>&& std::is_arithmetic_v<typename Duration::rep>;

template <class T>
concept time_field = is_time_point<T>;

/// Casting any integer to an enum is defined only if it says which integer it is underneath.
template <class T>
concept enum_field = std::is_enum_v<T> && requires {
    T{0};
};

template <class T>
concept number_field = std::is_arithmetic_v<T> && !std::same_as<T, long double>;

/// One number on the wire.
template <class T>
concept scalar_field = !wire_convertible<T> && (number_field<T> || enum_field<T> || time_field<T>);

/// One length-delimited run of bytes on the wire.
template <class T>
concept blob_field = !wire_convertible<T> && (string_field<T> || bytes_field<T>);

/// A nested message on the wire.
template <class T>
concept message_field = !wire_convertible<T> && described<T>;

/// A value that is there once: what containers may hold.
template <class T>
concept single_field = scalar_field<T> || blob_field<T> || message_field<T> || wire_convertible<T>;

template <class T>
concept list_field = vector_field<T> && !bytes_field<T> && !wire_convertible<T>;

template <class T>
struct WireTypeOf {
    using type = T;
};
/// The type that `to_wire` of T returns.
template <wire_convertible T>
using converted_type_of = std::remove_cvref_t<decltype(Entity<T>::to_wire(std::declval<const T&>()))>;

template <wire_convertible T>
struct WireTypeOf<T> : WireTypeOf<converted_type_of<T>> {};

/// The type that a value travels as in the end, through any number of conversions.
template <class T>
using wire_type_of = typename WireTypeOf<T>::type;

template <class T>
struct InnermostType : WireTypeOf<T> {};
template <class T>
requires(!wire_convertible<T> && (optional_field<T> || list_field<T>)) struct InnermostType<T>
    : WireTypeOf<typename T::value_type> {
};
template <map_field T>
requires(!wire_convertible<T>) struct InnermostType<T> : WireTypeOf<typename T::mapped_type> {
};

/// What a field's container holds, or the field itself, as the type it travels as.
template <class T>
using innermost_type_of = typename InnermostType<T>::type;

/// What a map's key may be: what is written the same in Protocol Buffers and as a key of a JSON object.
template <class T>
concept key_field = single_field<T> &&
    (string_field<wire_type_of<T>> || std::is_integral_v<wire_type_of<T>> || enum_field<wire_type_of<T>>);

/// The arithmetic type that a scalar travels as: itself, an enum's underlying integer, a time point's count.
template <scalar_field T>
constexpr auto to_number(T value) noexcept {
    if constexpr (time_field<T>) {
        return value.time_since_epoch().count();
    } else if constexpr (std::is_enum_v<T>) {
        return static_cast<std::underlying_type_t<T>>(value);
    } else {
        return value;
    }
}

template <scalar_field T>
using number_of = decltype(to_number(T{}));

template <scalar_field T>
constexpr T from_number(number_of<T> number) noexcept {
    if constexpr (time_field<T>) {
        return T{typename T::duration{number}};
    } else {
        return static_cast<T>(number);
    }
}

template <described T>
constexpr std::string_view kind_or_object() {
    if constexpr (requires { Entity<T>::kind; }) {
        return Entity<T>::kind;
    } else {
        return "object";
    }
}

/// How an error message names a place: "queue, field tickets.player_id".
inline std::string place_in(std::string_view kind, std::string_view path) {
    std::string place{kind};
    if (!path.empty()) place.append(", field ").append(path);
    return place;
}
template <described T>
std::string place_in_object(std::string_view path) {
    return place_in(kind_or_object<T>(), path);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
