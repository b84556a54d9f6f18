#ifndef JOINLY_DETAIL_ENTITY_PHANTOM_HPP
#define JOINLY_DETAIL_ENTITY_PHANTOM_HPP
// An object of any type to walk a description over at compile time: it is declared and never defined, but references to its
// members are constants all the same.

#include <joinly/config.hpp>

JOINLY_NAMESPACE_BEGIN
namespace detail {

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class T>
struct Phantom {
    T object;
};
template <class T>
extern Phantom<T> phantom;

/// For constant expressions only.
template <class T>
constexpr T& phantom_object() {
    return phantom<T>.object;
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
