#ifndef JOINLY_DETAIL_INDEX_WALK_HPP
#define JOINLY_DETAIL_INDEX_WALK_HPP
// Which indexes a description declares: those of single fields, and those over several.

#include <joinly/config.hpp>
#include <joinly/detail/entity/phantom.hpp>
#include <joinly/entity/described.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class... Options>
inline constexpr bool marks_indexed = (std::same_as<std::remove_cvref_t<Options>, Indexed> || ...);

template <class T>
concept has_composed_indexes = requires(const T& object) {
    Entity<T>::indexes(object, AnyField{});
};

/// Calls `visit(number, name, members...)` for each index, with references into `object`.
template <described T, class Visit>
constexpr void for_each_index(const T& object, Visit&& visit) {
    Entity<T>::fields(object, [&](auto number, std::string_view name, const auto& member, const auto&... options) {
        if constexpr (marks_indexed<decltype(options)...>) visit(number, name, member);
    });
    if constexpr (has_composed_indexes<T>) Entity<T>::indexes(object, visit);
}

template <described T>
constexpr std::size_t count_indexes() {
    std::size_t count = 0;
    for_each_index(phantom_object<T>(), [&](auto&&...) { ++count; });
    return count;
}

template <class T>
concept indexes_walk_at_compile_time = requires {
    typename std::integral_constant<std::size_t, count_indexes<T>()>;
};

/// Of a description that cannot be walked at compile time it is not known before run time: it may have.
template <described T>
constexpr bool may_have_indexes() {
    if constexpr (indexes_walk_at_compile_time<T>) {
        return count_indexes<T>() != 0;
    } else {
        return true;
    }
}
template <described T>
inline constexpr bool has_indexes = may_have_indexes<T>();

template <class Left, class Right>
constexpr bool is_same_member(const Left& left, const Right& right) {
    if constexpr (std::same_as<Left, Right>) {
        return std::addressof(left) == std::addressof(right);
    } else {
        return false;
    }
}

/// The name of a field, by reference; empty when `member` is none.
template <described T, class Member>
constexpr std::string_view name_of_field(const T& object, const Member& member) {
    std::string_view found;
    Entity<T>::fields(object, [&](auto, std::string_view name, const auto& field, auto&&...) {
        if (is_same_member(field, member)) found = name;
    });
    return found;
}

/// The number of the index over exactly these members in this order; 0: there is none.
template <described T, class... Members>
constexpr std::uint16_t find_index(const T& object, Members T::*... members) {
    std::uint16_t found = 0;
    for_each_index(object, [&](auto number, std::string_view, const auto&... indexed_members) {
        if constexpr (sizeof...(indexed_members) == sizeof...(Members)) {
            const bool is_it = (is_same_member(indexed_members, object.*members) && ...);
            if (is_it && found == 0) found = static_cast<std::uint16_t>(number);
        }
    });
    return found;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
