#ifndef JOINLY_ENTITY_ENTITY_HPP
#define JOINLY_ENTITY_ENTITY_HPP
// How a struct is described to the library: once, outside itself. Codecs, keys and schemas all follow from this.
//
//     template <>
//     struct joinly::Entity<game::Match> {
//         static constexpr std::string_view kind = "match";
//         static constexpr auto& id(auto& match) { return match.match_id; }
//         static constexpr void fields(auto& match, auto&& field) {
//             field(1, "match_id", match.match_id);       // numbers are the wire format: never reuse one
//             field(2, "map_name", match.map_name);
//         }
//     };
//     static_assert(joinly::entity<game::Match>);         // after the description, never before: the answer is cached
//
// A struct that only stands inside others gives `fields` alone. An enum gives `values`, and any other type joins by
// saying which type it travels as:
//
//     template <>
//     struct joinly::Entity<game::Mode> {
//         static constexpr void values(auto&& value) { value(game::Mode::ranked, "ranked"); value(game::Mode::casual, "casual"); }
//     };
//     template <>
//     struct joinly::Entity<game::Uuid> {
//         static std::string to_wire(const game::Uuid& uuid);
//         static bool from_wire(const std::string& text, game::Uuid& uuid);   // false: not a Uuid
//     };

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/described.hpp>

#include <concepts>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// A struct that a game keeps under an id: it has a kind, an id and described fields, and a default constructor.
template <class T>
concept entity = described<T> && std::default_initializable<T> && std::copyable<T> && requires(const T& object) {
    { Entity<T>::kind } -> std::convertible_to<std::string_view>;
    { Entity<T>::id(object) } -> std::convertible_to<std::string_view>;
};

/// "lobby"
template <entity T>
inline constexpr std::string_view kind_of = Entity<T>::kind;

/// The key of an object's record, or `invalid_argument` when its id is empty or too long.
template <entity T>
[[nodiscard]] Result<std::string> key_of(const T& object) {
    return make_key(kind_of<T>, Entity<T>::id(object));
}

JOINLY_NAMESPACE_END
#endif
