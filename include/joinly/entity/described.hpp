#ifndef JOINLY_ENTITY_DESCRIBED_HPP
#define JOINLY_ENTITY_DESCRIBED_HPP
// The trait by which a type is described, and what can be told from it. entity.hpp shows how one is written.

#include <joinly/config.hpp>

#include <type_traits>

JOINLY_NAMESPACE_BEGIN

/// The description of `T`: specialise it for a type of yours, as above.
template <class T>
struct Entity;

/// Marks a field that entities are to be found by: `field(3, "skill_rating", self.skill_rating, joinly::indexed)`.
struct Indexed {};
inline constexpr Indexed indexed{};

namespace detail {

struct AnyField {
    constexpr void operator()(auto&&...) const noexcept {}
};

template <class T>
concept has_description = requires {
    sizeof(Entity<T>);
};

}  // namespace detail

/// A struct whose fields are described, whether or not it is kept under an id of its own.
template <class T>
concept described = detail::has_description<T> && requires(const T& object) {
    Entity<T>::fields(object, detail::AnyField{});
};

/// An enum whose enumerators are named.
template <class T>
concept described_enum = std::is_enum_v<T> && detail::has_description<T> && requires {
    Entity<T>::values(detail::AnyField{});
};

/// A type that travels as another one, which `to_wire` returns and `from_wire` takes.
template <class T>
concept wire_convertible = detail::has_description<T> && requires(const T& object) {
    Entity<T>::to_wire(object);
};

JOINLY_NAMESPACE_END
#endif
