#ifndef JOINLY_DETAIL_ENTITY_FIELD_FLAWS_HPP
#define JOINLY_DETAIL_ENTITY_FIELD_FLAWS_HPP
// What can be wrong with a description, and the sentence that says so and how to put it right.

#include <joinly/config.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

enum class Flaw : std::uint8_t {
    none,
    no_description,
    no_kind,
    kind_not_constant,
    kind_characters,
    kind_too_long,
    no_id,
    id_not_const,
    id_not_string,
    no_fields,
    fields_not_const,
    number_range,
    number_reserved,
    number_twice,
    name,
    name_twice,
    member_const,
    member_pointer,
    member_view,
    member_enum,
    member_from_wire,
    member_to_wire,
    member_in_list,
    member_in_optional,
    member_in_map,
    member_map_key,
    member_type,
    index_number_range,
    index_number_twice,
    index_name,
    index_name_twice,
    index_fields,
    index_member,
    index_type,
    indexes_not_const,
    indexes_not_constant,
    former_name,
    version,
    oldest_reader,
    upgrade,
    upgrade_of_first_version,
    unknown_fields,
    no_default_constructor,
    not_copyable,
};

struct Diagnosis {
    Flaw flaw = Flaw::none;
    std::int64_t field = 0;  // the number of the field or index at fault, for the compiler to print
};

template <class T, Flaw flaw, std::int64_t field>
struct Explanation {
    static_assert(flaw != Flaw::no_description,
                  "joinly: this type has no description: specialise joinly::Entity for it, as joinly/entity/entity.hpp shows, "
                  "before its first use");
    static_assert(flaw != Flaw::no_kind,
                  "joinly: the description has no kind: add `static constexpr std::string_view kind = \"...\";`");
    static_assert(flaw != Flaw::kind_not_constant,
                  "joinly: the kind is not a constant string: write `static constexpr std::string_view kind = \"...\";`");
    static_assert(flaw != Flaw::kind_characters, "joinly: the kind may only have the characters a-z, 0-9 and _, and must have one");
    static_assert(flaw != Flaw::kind_too_long, "joinly: the kind is too long: at most 63 characters are allowed");
    static_assert(flaw != Flaw::no_id,
                  "joinly: the description has no id: add `static constexpr auto& id(auto& object) { return object.member; }`");
    static_assert(flaw != Flaw::id_not_const,
                  "joinly: the id must be found in a const object, too: write `static constexpr auto& id(auto& object)`");
    static_assert(flaw != Flaw::id_not_string, "joinly: the id is not a string: let `id` return a std::string member");
    static_assert(flaw != Flaw::no_fields,
                  "joinly: the description has no fields: add `static constexpr void fields(auto& object, auto&& field) { field(1, "
                  "\"name\", object.name); }`");
    static_assert(
        flaw != Flaw::fields_not_const,
        "joinly: `fields` does not take a const object: declare it `static constexpr void fields(auto& object, auto&& field)`");
    static_assert(flaw != Flaw::number_range, "joinly: a field's number is out of range: use 1 to 536870911");
    static_assert(flaw != Flaw::number_reserved,
                  "joinly: a field's number is one that Protocol Buffers reserves, or the library: do not use 18998 to 19999");
    static_assert(flaw != Flaw::number_twice, "joinly: two fields have the same number: give each its own, and never reuse one");
    static_assert(flaw != Flaw::name,
                  "joinly: a field's name is not an identifier: use letters, digits and _, and begin with a letter");
    static_assert(flaw != Flaw::name_twice, "joinly: two fields have the same name: give each its own");
    static_assert(
        flaw != Flaw::member_const,
        "joinly: a field is const, so that it cannot be read back: take the object as `auto&`, and make the member mutable");
    static_assert(flaw != Flaw::member_pointer,
                  "joinly: a field is a pointer, which means nothing in storage: keep the value itself, a std::optional of it, or "
                  "the other entity's id");
    static_assert(flaw != Flaw::member_view,
                  "joinly: a field is a view, which does not own what it shows: keep a std::string or std::vector");
    static_assert(flaw != Flaw::member_enum,
                  "joinly: a field is an enum without a fixed underlying type: declare it `enum class` or `enum Name : int`");
    static_assert(
        flaw != Flaw::member_from_wire,
        "joinly: a field's type has `to_wire` but no matching way back: add `static bool from_wire(const Wire& wire, T& value)`");
    static_assert(flaw != Flaw::member_to_wire,
                  "joinly: `to_wire` of a field's type does not return a number, a string, a std::vector<std::byte> or a described "
                  "struct: let it");
    static_assert(flaw != Flaw::member_in_list,
                  "joinly: a vector cannot hold vectors, maps or optionals: put the inner one into a described struct of its own");
    static_assert(
        flaw != Flaw::member_in_optional,
        "joinly: an optional cannot hold an optional, vector or map: put the inner one into a described struct of its own");
    static_assert(
        flaw != Flaw::member_in_map,
        "joinly: a map's values cannot be vectors, maps or optionals: put the inner one into a described struct of its own");
    static_assert(flaw != Flaw::member_map_key, "joinly: a map's keys can only be strings, integers or enums");
    static_assert(flaw != Flaw::member_type,
                  "joinly: a field's type cannot be stored: describe it with joinly::Entity, or give its description `to_wire` and "
                  "`from_wire`");
    static_assert(flaw != Flaw::index_number_range,
                  "joinly: an index's number is out of range: use 1 to 65535; a field's own index has the number of the field");
    static_assert(flaw != Flaw::index_number_twice,
                  "joinly: two indexes have the same number: give each its own, and never reuse one; a field's own index has the "
                  "number of the field");
    static_assert(flaw != Flaw::index_name,
                  "joinly: an index's name is not an identifier: use letters, digits and _, and begin with a letter");
    static_assert(flaw != Flaw::index_name_twice,
                  "joinly: two indexes have the same name: give each its own; a field's own index has the name of the field");
    static_assert(flaw != Flaw::index_fields,
                  "joinly: an index in `indexes` is over two or three fields; one field is marked in `fields`: field(1, \"name\", "
                  "object.name, joinly::indexed)");
    static_assert(flaw != Flaw::index_member,
                  "joinly: an index is over something that is not a field: let `indexes` give members that `fields` gives as well");
    static_assert(
        flaw != Flaw::index_type,
        "joinly: a field of this type cannot be indexed, because its values have no order: only a bool, a number, an enum, "
        "a time, a string, or an optional of these can");
    static_assert(
        flaw != Flaw::indexes_not_const,
        "joinly: `indexes` does not take a const object: declare it `static constexpr void indexes(auto& object, auto&& index)`");
    static_assert(
        flaw != Flaw::indexes_not_constant,
        "joinly: `indexes` cannot be followed at compile time: declare it constexpr, and let it give members of the object "
        "and nothing that is computed");
    static_assert(flaw != Flaw::former_name,
                  "joinly: a field's former name is that of another field, or not an identifier: a name that stands for two fields "
                  "cannot be read");
    static_assert(flaw != Flaw::version,
                  "joinly: the description's version is not a number from 1 on that is known at compile time: write `static "
                  "constexpr int version = 2;`");
    static_assert(flaw != Flaw::oldest_reader,
                  "joinly: `oldest_reader` is not a version from 1 to the description's own: name the oldest version whose builds "
                  "may read what this one writes");
    static_assert(flaw != Flaw::upgrade,
                  "joinly: `upgrade` cannot be called: declare it `static joinly::Status upgrade(T& object, int from)`");
    static_assert(flaw != Flaw::upgrade_of_first_version,
                  "joinly: the description has an `upgrade` but no version above 1: add `static constexpr int version = 2;`");
    static_assert(flaw != Flaw::unknown_fields,
                  "joinly: `unknown_fields` does not give the member: let the struct have a joinly::UnknownFields, and declare "
                  "`static constexpr auto& unknown_fields(auto& object) { return object.unknown_fields; }`");
    static_assert(flaw != Flaw::no_default_constructor,
                  "joinly: this type has no default constructor, which decoding starts from: add one");
    static_assert(flaw != Flaw::not_copyable, "joinly: an entity must be copyable, because the store hands out and keeps copies");
};

constexpr Flaw flaw_of_number(std::int64_t number) {
    if (number < 1 || number > (1 << 29) - 1) return Flaw::number_range;
    return number >= 18998 && number <= 19999 ? Flaw::number_reserved : Flaw::none;
}

/// A name that can be a JSON key, a column and a field of a .proto alike.
constexpr bool is_field_name(std::string_view name) {
    if (name.empty() || (name.front() >= '0' && name.front() <= '9') || name.front() == '_') return false;
    for (const char c : name) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_') return false;
    }
    return true;
}

template <class T>
concept pointer_like = std::is_pointer_v<T> ||(requires(T& pointer) {
    typename T::element_type;
    pointer.get();
    pointer.reset();
});
template <class T>
concept view_like = !string_field<T> && (std::convertible_to<T, std::string_view> || requires(T & view) {
    typename T::element_type;
    view.subspan(0);
});
template <class T>
concept container_like = optional_field<T> || map_field<T> || list_field<T>;

template <wire_convertible T>
constexpr Flaw flaw_of_conversion() {
    if constexpr (!single_field<converted_type_of<T>>) {
        return Flaw::member_to_wire;
    } else if constexpr (!requires(const converted_type_of<T>& wire, T& value) {
                             { Entity<T>::from_wire(wire, value) } -> std::same_as<bool>;
                         }) {
        return Flaw::member_from_wire;
    } else {
        return Flaw::none;
    }
}

/// `in_container` is what is wrong with a container in this place.
template <class T>
constexpr Flaw flaw_of_value(Flaw in_container) {
    if constexpr (wire_convertible<T>) {
        return flaw_of_conversion<T>();
    } else if constexpr (container_like<T>) {
        return in_container;
    } else if constexpr (single_field<T>) {
        return Flaw::none;
    } else if constexpr (std::is_enum_v<T>) {
        return Flaw::member_enum;
    } else if constexpr (view_like<T>) {
        return Flaw::member_view;
    } else if constexpr (pointer_like<T>) {
        return Flaw::member_pointer;
    } else {
        return Flaw::member_type;
    }
}

template <class T>
constexpr Flaw flaw_of_type() {
    if constexpr (wire_convertible<T> || !container_like<T>) {
        return flaw_of_value<T>(Flaw::none);
    } else if constexpr (optional_field<T>) {
        return flaw_of_value<typename T::value_type>(Flaw::member_in_optional);
    } else if constexpr (map_field<T>) {
        if constexpr (!key_field<typename T::key_type>) return Flaw::member_map_key;
        return flaw_of_value<typename T::mapped_type>(Flaw::member_in_map);
    } else {
        return flaw_of_value<typename T::value_type>(Flaw::member_in_list);
    }
}

template <class Reference>
constexpr Flaw flaw_of_member() {
    using Member = std::remove_reference_t<Reference>;
    if constexpr (std::is_const_v<Member>) {
        return Flaw::member_const;
    } else {
        return flaw_of_type<Member>();
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
