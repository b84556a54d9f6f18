#ifndef JOINLY_DETAIL_ENTITY_ENUM_NAMES_HPP
#define JOINLY_DETAIL_ENTITY_ENUM_NAMES_HPP
// The names that a description gives to enumerators.

#include <joinly/config.hpp>
#include <joinly/entity/described.hpp>

#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Empty when the value has no name.
template <described_enum E>
constexpr std::string_view name_of_enumerator(E sought) {
    std::string_view found;
    Entity<E>::values([&](E value, std::string_view name) {
        if (value == sought && found.empty()) found = name;
    });
    return found;
}

template <described_enum E>
constexpr bool find_enumerator(std::string_view sought, E& found) {
    bool known = false;
    Entity<E>::values([&](E value, std::string_view name) {
        if (name != sought) return;
        found = value;
        known = true;
    });
    return known;
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
