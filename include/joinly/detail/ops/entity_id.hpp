#ifndef JOINLY_DETAIL_OPS_ENTITY_ID_HPP
#define JOINLY_DETAIL_OPS_ENTITY_ID_HPP
// Whether an entity stands under its own key.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/entity/entity.hpp>

#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// `corrupt` where the entity's id is not the one in `key`, which is of its kind.
template <entity T>
[[nodiscard]] Status require_own_key(const T& object, std::string_view key) {
    const std::string_view id{Entity<T>::id(object)};
    if (id == id_of(kind_of<T>, key)) return {};
    return failure(Errc::corrupt, "the entity says that its id is '" + printable_start(id) + '\'');
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
