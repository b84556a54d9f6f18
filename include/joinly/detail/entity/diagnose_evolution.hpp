#ifndef JOINLY_DETAIL_ENTITY_DIAGNOSE_EVOLUTION_HPP
#define JOINLY_DETAIL_ENTITY_DIAGNOSE_EVOLUTION_HPP
// What is wrong with what a description says of its versions.

#include <joinly/config.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/field_flaws.hpp>
#include <joinly/entity/described.hpp>

#include <type_traits>

JOINLY_NAMESPACE_BEGIN
namespace detail {

struct EvolutionNames {
    static void upgrade();
    static void unknown_fields();
};
/// A name that is ambiguous here is one that the description has, whatever it is.
template <class T>
struct EvolutionProbe : Entity<T>, EvolutionNames {};

template <class T>
concept names_upgrade = !requires {
    &EvolutionProbe<T>::upgrade;
};
template <class T>
concept names_unknown_fields = !requires {
    &EvolutionProbe<T>::unknown_fields;
};
template <class T>
concept has_constant_version = requires {
    typename std::integral_constant<int, Entity<T>::version>;
};
template <class T>
concept has_constant_oldest_reader = requires {
    typename std::integral_constant<int, Entity<T>::oldest_reader>;
};

template <class T>
constexpr Flaw flaw_of_versions() {
    if constexpr (has_version<T>) {
        if constexpr (!has_constant_version<T>) {
            return Flaw::version;
        } else if constexpr (version_of<T>() < 1) {
            return Flaw::version;
        }
    }
    if constexpr (has_oldest_reader<T>) {
        if constexpr (!has_constant_oldest_reader<T>) {
            return Flaw::oldest_reader;
        } else if constexpr (oldest_reader_of<T>() < 1 || oldest_reader_of<T>() > version_of<T>()) {
            return Flaw::oldest_reader;
        }
    }
    return Flaw::none;
}

template <class T>
constexpr Flaw flaw_of_evolution() {
    if constexpr (constexpr Flaw versions = flaw_of_versions<T>(); versions != Flaw::none) {
        return versions;
    } else if constexpr (names_upgrade<T> && !has_upgrade<T>) {
        return Flaw::upgrade;
    } else if constexpr (names_upgrade<T> && version_of<T>() == 1) {
        return Flaw::upgrade_of_first_version;
    } else if constexpr (names_unknown_fields<T> && !keeps_unknown_fields<T>) {
        return Flaw::unknown_fields;
    } else {
        return Flaw::none;
    }
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
