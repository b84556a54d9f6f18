#ifndef JOINLY_DETAIL_INDEX_DIAGNOSE_HPP
#define JOINLY_DETAIL_INDEX_DIAGNOSE_HPP
// What is wrong with the indexes that a description declares, found at compile time.

#include <joinly/config.hpp>
#include <joinly/detail/entity/field_flaws.hpp>
#include <joinly/detail/entity/phantom.hpp>
#include <joinly/detail/index/key_encoding.hpp>
#include <joinly/detail/index/walk.hpp>
#include <joinly/entity/described.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Collects the numbers and names of `count` indexes, and the first thing that is wrong.
template <std::size_t count>
struct IndexSurvey {
    std::int64_t numbers[count + 1] = {};
    std::string_view names[count + 1] = {};
    std::size_t seen = 0;
    Diagnosis first = {};

    constexpr void add(std::int64_t number, std::string_view name, Flaw flaw) {
        if (number < 1 || number > 0xffff) flaw = Flaw::index_number_range;
        if (flaw == Flaw::none && !is_field_name(name)) flaw = Flaw::index_name;
        for (std::size_t i = 0; i < seen && flaw == Flaw::none; ++i) {
            if (numbers[i] == number) flaw = Flaw::index_number_twice;
            if (names[i] == name) flaw = Flaw::index_name_twice;
        }
        if (flaw != Flaw::none && first.flaw == Flaw::none) first = {flaw, number};
        numbers[seen] = number;
        names[seen++] = name;
    }
};

template <class T, class... Members>
constexpr Flaw flaw_of_composition(const T& object, const Members&... members) {
    if constexpr (sizeof...(Members) < 2 || sizeof...(Members) > 3) {
        return Flaw::index_fields;
    } else {
        if (!(!name_of_field(object, members).empty() && ...)) return Flaw::index_member;
        return (indexable<Members> && ...) ? Flaw::none : Flaw::index_type;
    }
}

template <class T>
constexpr Diagnosis diagnose_each_index() {
    IndexSurvey<count_indexes<T>()> survey;
    const T& object = phantom_object<T>();
    Entity<T>::fields(object, [&]<class Member>(auto number, std::string_view name, const Member&, const auto&... options) {
        if constexpr (marks_indexed<decltype(options)...>)
            survey.add(number, name, indexable<Member> ? Flaw::none : Flaw::index_type);
    });
    if constexpr (has_composed_indexes<T>) {
        Entity<T>::indexes(object, [&](auto number, std::string_view name, const auto&... members) {
            survey.add(number, name, flaw_of_composition(object, members...));
        });
    }
    return survey.first;
}

/// Of a described struct whose fields are without a flaw. What cannot be walked at compile time goes unsaid, unless only the
/// indexes cannot: then one is over something that is no member.
template <class T, bool fields_walk_at_compile_time>
constexpr Diagnosis diagnose_indexes() {
    constexpr bool takes_mutable = requires(T & object) { Entity<T>::indexes(object, AnyField{}); };
    if constexpr (takes_mutable && !has_composed_indexes<T>) {
        return {Flaw::indexes_not_const};
    } else if constexpr (indexes_walk_at_compile_time<T>) {
        return diagnose_each_index<T>();
    } else {
        return {fields_walk_at_compile_time ? Flaw::indexes_not_constant : Flaw::none};
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
