#ifndef JOINLY_DETAIL_ENTITY_EXPLAIN_ENTITY_HPP
#define JOINLY_DETAIL_ENTITY_EXPLAIN_ENTITY_HPP
// Says in one sentence what is missing from a description, or contradicts itself. The description is walked at compile
// time. A `fields` that is not constexpr cannot be walked so, and what is wrong with its single fields goes unsaid.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/detail/entity/diagnose_evolution.hpp>
#include <joinly/detail/entity/field_flaws.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/entity/phantom.hpp>
#include <joinly/detail/index/diagnose.hpp>
#include <joinly/entity/described.hpp>
#include <joinly/entity/formerly.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

template <class T>
constexpr std::size_t count_fields() {
    std::size_t count = 0;
    Entity<T>::fields(phantom_object<T>(), [&](auto&&...) { ++count; });
    return count;
}

/// Of fields, present and former ones.
template <class T>
constexpr std::size_t count_names() {
    std::size_t count = 0;
    Entity<T>::fields(phantom_object<T>(), [&](auto, std::string_view, auto&, const auto&... options) {
        ++count;
        for_each_former_name([&](std::string_view) { ++count; }, options...);
    });
    return count;
}

template <std::size_t capacity>
struct NamesSoFar {
    std::string_view names[capacity + 1] = {};
    bool former[capacity + 1] = {};
    std::size_t count = 0;

    constexpr Flaw add(std::string_view name, bool is_former) {
        Flaw flaw = is_field_name(name) ? Flaw::none : is_former ? Flaw::former_name : Flaw::name;
        for (std::size_t i = 0; i < count; ++i) {
            if (names[i] == name) flaw = is_former || former[i] ? Flaw::former_name : Flaw::name_twice;
        }
        former[count] = is_former;
        names[count++] = name;
        return flaw;
    }
};

template <class T>
constexpr Diagnosis diagnose_each_field() {
    std::int64_t numbers[count_fields<T>() + 1] = {};
    NamesSoFar<count_names<T>()> names;
    std::size_t count = 0;
    Diagnosis first;
    Entity<T>::fields(phantom_object<T>(), [&](auto number, std::string_view name, auto& member, const auto&... options) {
        const auto note = [&](Flaw flaw) {
            if (flaw != Flaw::none && first.flaw == Flaw::none) first = {flaw, static_cast<std::int64_t>(number)};
        };
        note(flaw_of_number(number));
        for (std::size_t i = 0; i < count; ++i) {
            if (numbers[i] == number) note(Flaw::number_twice);
        }
        numbers[count++] = number;
        note(names.add(name, false));
        for_each_former_name([&](std::string_view former) { note(names.add(former, true)); }, options...);
        note(flaw_of_member<decltype(member)>());
    });
    return first;
}

template <class T>
concept walks_at_compile_time = requires {
    typename std::integral_constant<std::size_t, count_fields<T>()>;
};

template <class T>
concept has_kind = requires {
    Entity<T>::kind;
};
template <class T>
concept has_constant_kind = requires {
    typename std::bool_constant<is_valid_kind(Entity<T>::kind)>;
};
template <class T>
concept has_id = requires(const T& object) {
    Entity<T>::id(object);
};
template <class T>
concept has_mutable_id = requires(T& object) {
    Entity<T>::id(object);
};
template <class T>
concept has_string_id = requires(const T& object) {
    { Entity<T>::id(object) } -> std::convertible_to<std::string_view>;
};

/// What is wrong with the fields of a struct, whether or not it is an entity.
template <class T>
constexpr Diagnosis diagnose_fields() {
    if constexpr (!has_description<T>) {
        return {Flaw::no_description};
    } else if constexpr (!described<T>) {
        constexpr bool takes_mutable = requires(T & object) { Entity<T>::fields(object, AnyField{}); };
        return {takes_mutable ? Flaw::fields_not_const : Flaw::no_fields};
    } else {
        if constexpr (walks_at_compile_time<T>) {
            if constexpr (constexpr Diagnosis field = diagnose_each_field<T>(); field.flaw != Flaw::none) return field;
        }
        if constexpr (constexpr Flaw evolution = flaw_of_evolution<T>(); evolution != Flaw::none) return {evolution};
        return {std::default_initializable<T> ? Flaw::none : Flaw::no_default_constructor};
    }
}

template <class T>
constexpr Diagnosis diagnose_entity() {
    if constexpr (!has_description<T>) {
        return {Flaw::no_description};
    } else if constexpr (!has_kind<T>) {
        return {Flaw::no_kind};
    } else if constexpr (!has_constant_kind<T>) {
        return {Flaw::kind_not_constant};
    } else if constexpr (!is_valid_kind(Entity<T>::kind)) {
        return {std::string_view{Entity<T>::kind}.size() > max_kind_bytes ? Flaw::kind_too_long : Flaw::kind_characters};
    } else if constexpr (!has_id<T>) {
        return {has_mutable_id<T> ? Flaw::id_not_const : Flaw::no_id};
    } else if constexpr (!has_string_id<T>) {
        return {Flaw::id_not_string};
    } else if constexpr (constexpr Diagnosis fields = diagnose_fields<T>(); fields.flaw != Flaw::none) {
        return fields;
    } else if constexpr (constexpr Diagnosis indexes = diagnose_indexes<T, walks_at_compile_time<T>>();
                         indexes.flaw != Flaw::none) {
        return indexes;
    } else {
        return {std::copyable<T> ? Flaw::none : Flaw::not_copyable};
    }
}

/// Instantiates the sentence apart from its caller, which stays a valid constant: so no second error follows.
template <class T, Flaw flaw, std::int64_t field>
void explain() {
    static_cast<void>(Explanation<T, flaw, field>{});
}

template <class T, Flaw flaw, std::int64_t field>
constexpr bool is_flawless() {
    if constexpr (flaw != Flaw::none) static_cast<void>(&explain<T, flaw, field>);
    return flaw == Flaw::none;
}

template <class T, class... Outer>
constexpr bool explain_fields();

/// Explains the structs within a struct. `Outer` are those it stands in, so that a recursive type comes to an end.
template <class T, class... Outer>
constexpr bool explain_nested() {
    bool flawless = true;
    if constexpr (walks_at_compile_time<T>) {
        Entity<T>::fields(phantom_object<T>(), [&](auto, std::string_view, auto& member, auto&&...) {
            using Inner = innermost_type_of<std::remove_cvref_t<decltype(member)>>;
            if constexpr (message_field<Inner>) flawless = explain_fields<Inner, T, Outer...>() && flawless;
        });
    }
    return flawless;
}

/// Fails to compile, with one sentence, when a struct that need not have a kind and an id cannot be encoded. The result
/// is for `if constexpr`, so that what would fail next is not even looked at.
template <class T, class... Outer>
constexpr bool explain_fields() {
    if constexpr ((std::same_as<T, Outer> || ...)) {
        return true;
    } else {
        constexpr Diagnosis diagnosis = diagnose_fields<T>();
        if constexpr (is_flawless<T, diagnosis.flaw, diagnosis.field>()) {
            return explain_nested<T, Outer...>();
        } else {
            return false;
        }
    }
}

/// The same for what makes an entity.
template <class T>
constexpr bool explain_entity() {
    constexpr Diagnosis diagnosis = diagnose_entity<T>();
    if constexpr (is_flawless<T, diagnosis.flaw, diagnosis.field>()) {
        return explain_nested<T>();
    } else {
        return false;
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
